//! DKIM (RFC 6376): the key that proves that an email is the domain's own.
//!
//! Where the key lies depends on a selector, which is learnt from a signature of the provider, entered by hand, or one
//! of those the provider is known to use. Without any, nothing can be said of a key, and that is said.

use super::{
    Finding, Names, NoAnswer, SendingDomain, Verdict,
    finding::{tag, tags},
};
use base64::Engine as _;

/// Selectors that are tried where nothing is known.
const USUAL: [&str; 10] = ["default", "mail", "dkim", "s1", "s2", "selector1", "selector2", "google", "k1", "smtp"];
/// Bytes of an RSA key of 1,024 bits as it stands in a record; shorter ones are broken in days.
const WEAK_BELOW_BYTES: usize = 160;

/// A selector with the texts at its name.
type Found = (String, Vec<String>);

pub(super) async fn check(names: &Names, of: &SendingDomain) -> Finding {
    let finding = match found(names, of).await {
        Err(error) => Finding::no_answer(&error),
        Ok((Some((selector, texts)), _)) => judge(of, &selector, &texts),
        Ok((None, tried)) => nothing(of, &tried),
    };
    if of.is_providers { finding.for_the_provider() } else { finding }
}

fn name(of: &SendingDomain, selector: &str) -> String {
    format!("{selector}._domainkey.{}", of.domain)
}

/// The first selector that has a key, and those that were asked.
async fn found(names: &Names, of: &SendingDomain) -> Result<(Option<Found>, Vec<String>), NoAnswer> {
    let candidates: Vec<String> = match &of.selector {
        Some(selector) => vec![selector.clone()],
        None if !of.usual_selectors.is_empty() => of.usual_selectors.clone(),
        None => USUAL.map(str::to_owned).into(),
    };
    for selector in &candidates {
        let texts = names.texts(&name(of, selector)).await?;
        let keys: Vec<String> = texts.into_iter().filter(|text| is_key(text)).collect();
        if !keys.is_empty() {
            return Ok((Some((selector.clone(), keys)), candidates));
        }
    }
    Ok((None, candidates))
}

fn is_key(text: &str) -> bool {
    let tags = tags(text);
    tag(&tags, "p").is_some() && tag(&tags, "v").is_none_or(|version| version.eq_ignore_ascii_case("DKIM1"))
}

fn nothing(of: &SendingDomain, tried: &[String]) -> Finding {
    let domain = &of.domain;
    let provider = if of.provider.is_empty() { "your mail provider" } else { &of.provider };
    if let Some(selector) = &of.selector {
        let sentence = format!(
            "There is no DKIM key at {}, so receivers cannot prove that emails are yours. Switch DKIM on at {provider} \
             and add the record it shows for {selector}.",
            name(of, selector)
        );
        return Finding::new(Verdict::Wrong, "missing", sentence);
    }
    if of.usual_selectors.is_empty() {
        let sentence = format!(
            "No DKIM key of {domain} is known. Enter the selector, the part before ._domainkey in the record that \
             {provider} gave you, or switch DKIM on there."
        );
        return Finding::new(Verdict::Unknown, "no_selector", sentence);
    }
    let sentence = format!(
        "{domain} has no DKIM key where {provider} keeps it ({}). Switch DKIM on at {provider} and add the record it \
         shows, or enter another selector.",
        tried.join(", ")
    );
    Finding::new(Verdict::Wrong, "missing", sentence)
}

fn judge(of: &SendingDomain, selector: &str, texts: &[String]) -> Finding {
    let domain = &of.domain;
    let at = name(of, selector);
    let finding = if texts.len() > 1 {
        let sentence = format!(
            "There are {} records at {at}. Keep the newest: with several receivers may take none.",
            texts.len()
        );
        Finding::new(Verdict::Wrong, "several_records", sentence)
    } else {
        let tags = tags(&texts[0]);
        let key: String = tag(&tags, "p").unwrap_or_default().split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(&key);
        let is_rsa = tag(&tags, "k").is_none_or(|kind| kind.eq_ignore_ascii_case("rsa"));
        match bytes {
            _ if key.is_empty() => {
                let words =
                    format!("The DKIM key at {at} was withdrawn (p= is empty). Add the key that is in use now.");
                Finding::new(Verdict::Wrong, "withdrawn", words)
            }
            Err(_) => {
                let words = format!("The DKIM key at {at} is damaged. Enter it again as your provider shows it.");
                Finding::new(Verdict::Wrong, "malformed", words)
            }
            Ok(bytes) if is_rsa && bytes.len() < WEAK_BELOW_BYTES => {
                let words = format!("The DKIM key at {at} is shorter than 1,024 bits, and receivers leave it out.");
                Finding::new(Verdict::Wrong, "weak", words)
            }
            Ok(_) if tag(&tags, "t").is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "y")) => {
                let words = format!("{domain} has a DKIM key but says that it only tests it (t=y). Take that out.");
                Finding::new(Verdict::Advice, "testing", words)
            }
            Ok(_) => {
                let words = format!("{domain} has a DKIM key, under the selector {selector}.");
                Finding::new(Verdict::Good, "ok", words)
            }
        }
    };
    finding.having(texts)
}
