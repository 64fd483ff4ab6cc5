//! SPF (RFC 7208): which servers may send for a domain, judged without an email at hand.
//!
//! The record is followed through its `include` and `redirect` terms to count what a receiver would have to ask: more
//! than ten and the whole record counts as broken. Nothing more than [`MOST_ASKED`] names is asked.

use super::{Finding, Names, NoAnswer, SendingDomain, Verdict};
use std::collections::HashSet;

/// Lookups that a receiver makes at most (RFC 7208 §4.6.4).
const MOST_LOOKUPS: usize = 10;
/// Records that are read here at most.
const MOST_ASKED: usize = 25;

pub(super) async fn check(names: &Names, of: &SendingDomain) -> Finding {
    let found = match names.texts(&of.domain).await {
        Ok(texts) => texts.into_iter().filter(|text| is_spf(text)).collect::<Vec<_>>(),
        Err(error) => return Finding::no_answer(&error),
    };
    let finding = match found.as_slice() {
        [] => missing(of),
        [record] => match followed(names, of, record).await {
            Ok(walk) => judge(of, record, &walk),
            Err(error) => Finding::no_answer(&error),
        },
        _ => Finding::new(
            Verdict::Wrong,
            "several_records",
            format!(
                "{} has {} SPF records, and receivers then count none of them. Keep one that names every server.",
                of.domain,
                found.len()
            ),
        ),
    };
    let finding = finding.having(&found);
    if of.is_providers { finding.for_the_provider() } else { finding }
}

fn is_spf(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    text == "v=spf1" || text.starts_with("v=spf1 ")
}

/// The term that lets this mailbox's mail leave: the provider's, else its server by name.
fn own_term(of: &SendingDomain) -> String {
    if !of.spf_term.is_empty() {
        of.spf_term.clone()
    } else if of.smtp_host.contains('.') && of.smtp_host.parse::<std::net::IpAddr>().is_err() {
        format!("a:{}", of.smtp_host)
    } else {
        "mx".to_owned()
    }
}

fn missing(of: &SendingDomain) -> Finding {
    let record = format!("v=spf1 {} ~all", own_term(of));
    let who = match of.spf_term.is_empty() {
        false => format!("This one lets {} send.", of.provider),
        true => "This one lets your mail server send; if it hands mail on through another, ask your provider for the \
                 term to name."
            .to_owned(),
    };
    let sentence = format!("{} says nowhere who may send for it, so receivers trust its emails less. {who}", of.domain);
    Finding::new(Verdict::Wrong, "missing", sentence).mended_by(&of.domain, record, false)
}

/// What following a record showed.
#[derive(Debug, Default)]
struct Walk {
    lookups: usize,
    /// Names that an `include` or `redirect` leads to and that have no SPF record of their own.
    broken: Vec<String>,
    /// Terms that are none.
    unknown: Vec<String>,
    /// Every name that is included, small letters.
    included: HashSet<String>,
    uses_ptr: bool,
    /// The qualifier of `all`, of the record or the one it is redirected to.
    all: Option<char>,
    is_cut_short: bool,
}

async fn followed(names: &Names, of: &SendingDomain, record: &str) -> Result<Walk, NoAnswer> {
    let mut walk = Walk::default();
    let mut waiting = vec![(record.to_owned(), true)];
    let mut seen = HashSet::from([of.domain.to_lowercase()]);
    while let Some((record, decides)) = waiting.pop() {
        for (target, decides) in read(&mut walk, &record, decides) {
            walk.included.insert(target.clone());
            if !seen.insert(target.clone()) || target.contains('%') {
                continue;
            }
            if seen.len() > MOST_ASKED {
                walk.is_cut_short = true;
                return Ok(walk);
            }
            let found: Vec<String> = names.texts(&target).await?.into_iter().filter(|text| is_spf(text)).collect();
            match found.as_slice() {
                [one] => waiting.push((one.clone(), decides)),
                _ => walk.broken.push(target),
            }
        }
    }
    Ok(walk)
}

/// Reads the terms of one record; the names it leads on to, and whether the `all` found there decides.
fn read(walk: &mut Walk, record: &str, decides: bool) -> Vec<(String, bool)> {
    let mut targets = Vec::new();
    let (mut redirect, mut has_all) = (None, false);
    for term in record.split_whitespace().skip(1) {
        let lower = term.to_lowercase();
        let (qualifier, bare) = match lower.chars().next() {
            Some(sign @ ('+' | '-' | '~' | '?')) => (sign, &lower[1..]),
            _ => ('+', lower.as_str()),
        };
        let end = bare.find([':', '/', '=']).unwrap_or(bare.len());
        let (name, rest) = bare.split_at(end);
        match name {
            "all" => {
                has_all = true;
                if decides {
                    walk.all = Some(qualifier);
                }
            }
            "include" | "exists" | "a" | "mx" | "ptr" => {
                walk.lookups += 1;
                walk.uses_ptr |= name == "ptr";
                if name == "include" {
                    targets.push((rest.trim_start_matches(':').to_owned(), false));
                }
            }
            "redirect" => redirect = Some(rest.trim_start_matches('=').to_owned()),
            "ip4" | "ip6" | "exp" => {}
            _ if rest.starts_with('=') => {}
            _ => walk.unknown.push(term.to_owned()),
        }
    }
    if let Some(target) = redirect.filter(|_| !has_all) {
        walk.lookups += 1;
        targets.push((target, decides));
    }
    targets
}

/// The record with the missing term put in front of its end.
fn with_term(record: &str, term: &str) -> String {
    let is_end = |word: &&str| {
        let word = word.to_lowercase();
        word.trim_start_matches(['+', '-', '~', '?']) == "all" || word.starts_with("redirect=")
    };
    let words: Vec<&str> = record.split_whitespace().collect();
    let end = words.iter().position(is_end).unwrap_or(words.len());
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    words.insert(end, term.to_owned());
    words.join(" ")
}

/// The record ending in `~all`.
fn ending_softly(record: &str) -> String {
    let is_all = |word: &&str| word.to_lowercase().trim_start_matches(['+', '-', '~', '?']) == "all";
    let kept: Vec<&str> = record.split_whitespace().filter(|word| !is_all(word)).collect();
    format!("{} ~all", kept.join(" "))
}

fn judge(of: &SendingDomain, record: &str, walk: &Walk) -> Finding {
    let wrong = |code: &str, sentence: String| Finding::new(Verdict::Wrong, code, sentence);
    let advice = |code: &str, sentence: String| Finding::new(Verdict::Advice, code, sentence);
    let domain = &of.domain;
    if walk.is_cut_short || walk.lookups > MOST_LOOKUPS {
        let number = if walk.is_cut_short { format!("more than {MOST_ASKED}") } else { walk.lookups.to_string() };
        return wrong(
            "too_many_lookups",
            format!(
                "The SPF record of {domain} makes receivers ask {number} names; past {MOST_LOOKUPS} they count it as \
                 broken. Take out includes of services that you no longer use."
            ),
        );
    }
    if let Some(term) = walk.unknown.first() {
        return wrong("malformed", format!("The SPF record of {domain} has a term that is none: {term}. Correct it."));
    }
    if let Some(name) = walk.broken.first() {
        return wrong(
            "broken_include",
            format!("The SPF record of {domain} leads to {name}, which has no SPF record. Take that term out."),
        );
    }
    if walk.all == Some('+') {
        return wrong("everyone", format!("The SPF record of {domain} lets everyone send (+all). End it in ~all."))
            .mended_by(domain, ending_softly(record), true);
    }
    let target = of.spf_term.strip_prefix("include:").unwrap_or_default();
    if !target.is_empty() && !walk.included.contains(target) {
        return wrong(
            "not_included",
            format!("The SPF record of {domain} does not let {} send. Add {} to it.", of.provider, of.spf_term),
        )
        .mended_by(domain, with_term(record, &of.spf_term), true);
    }
    match walk.all {
        Some('-' | '~') if walk.uses_ptr => {
            advice("ptr", format!("The SPF record of {domain} works but uses ptr, which many receivers leave out."))
        }
        Some('-' | '~') if target.is_empty() => Finding::new(
            Verdict::Good,
            "ok",
            format!("{domain} says who may send for it. Make sure that the server you send through is among them."),
        ),
        Some('-' | '~') => Finding::new(Verdict::Good, "ok", format!("{domain} lets {} send for it.", of.provider)),
        _ => advice("open_end", format!("The SPF record of {domain} says nothing of other servers. End it in ~all."))
            .mended_by(domain, ending_softly(record), true),
    }
}
