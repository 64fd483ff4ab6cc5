//! DMARC (RFC 7489): what receivers do with emails that neither SPF nor DKIM proves, and whom they tell.
//!
//! A domain without a record of its own follows that of the registrable domain above it.

use super::{
    Finding, Names, SendingDomain, Verdict,
    finding::{tag, tags},
};

pub(super) async fn check(names: &Names, of: &SendingDomain) -> Finding {
    let mut places = vec![of.domain.clone()];
    places.extend(above(&of.domain));
    for place in &places {
        let found = match names.texts(&format!("_dmarc.{place}")).await {
            Ok(texts) => texts.into_iter().filter(|text| is_dmarc(text)).collect::<Vec<_>>(),
            Err(error) => return Finding::no_answer(&error),
        };
        if !found.is_empty() {
            return finished(of, judge(of, place, &found).having(&found));
        }
    }
    let sentence = format!(
        "{} does not say what to do with emails that only pretend to be from it. Large providers ask senders for this; \
         begin by watching.",
        of.domain
    );
    let at = places.last().unwrap_or(&of.domain);
    let finding = Finding::new(Verdict::Wrong, "missing", sentence);
    finished(
        of,
        finding.mended_by(&format!("_dmarc.{at}"), format!("v=DMARC1; p=none; rua=mailto:postmaster@{at}"), false),
    )
}

fn finished(of: &SendingDomain, finding: Finding) -> Finding {
    if of.is_providers { finding.for_the_provider() } else { finding }
}

/// The registrable domain above, if this is not one.
fn above(domain: &str) -> Option<String> {
    let registrable = std::str::from_utf8(psl::domain(domain.as_bytes())?.as_bytes()).ok()?;
    (registrable != domain).then(|| registrable.to_owned())
}

fn is_dmarc(text: &str) -> bool {
    tags(text).first().is_some_and(|(name, value)| name == "v" && value.eq_ignore_ascii_case("DMARC1"))
}

fn judge(of: &SendingDomain, place: &str, found: &[String]) -> Finding {
    let at = format!("_dmarc.{place}");
    if found.len() > 1 {
        let sentence =
            format!("There are {} DMARC records at {at}, and receivers then count none. Keep one.", found.len());
        return Finding::new(Verdict::Wrong, "several_records", sentence);
    }
    let record = &found[0];
    let tags = tags(record);
    let below = (place != of.domain).then(|| tag(&tags, "sp")).flatten();
    let policy = below.or(tag(&tags, "p")).unwrap_or_default().to_lowercase();
    let domain = &of.domain;
    let share = tag(&tags, "pct").and_then(|text| text.parse::<u32>().ok()).unwrap_or(100);
    match policy.as_str() {
        "none" => {
            let sentence = format!(
                "{domain} asks receivers to watch only (p=none). When the reports show that all of your emails pass, ask \
                 them to set others aside."
            );
            Finding::new(Verdict::Advice, "watches_only", sentence).mended_by(
                &at,
                record.replace("p=none", "p=quarantine"),
                true,
            )
        }
        "quarantine" | "reject" if share < 100 => {
            let sentence = format!("{domain} asks receivers to act on {share} % of emails that are not proved.");
            Finding::new(Verdict::Advice, "partly", sentence)
        }
        "quarantine" => {
            let sentence = format!("{domain} asks receivers to put emails aside that are not proved.");
            Finding::new(Verdict::Good, "ok", sentence)
        }
        "reject" => {
            let sentence = format!("{domain} asks receivers to refuse emails that are not proved.");
            Finding::new(Verdict::Good, "ok", sentence)
        }
        other => {
            let what = if other.is_empty() { "no policy".to_owned() } else { format!("the policy {other}") };
            let sentence = format!("The DMARC record at {at} has {what}; receivers know none, quarantine and reject.");
            Finding::new(Verdict::Wrong, "malformed", sentence).mended_by(
                &at,
                format!("v=DMARC1; p=none; rua=mailto:postmaster@{place}"),
                true,
            )
        }
    }
}
