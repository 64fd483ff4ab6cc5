//! Whom a message belongs to, and how sure that is.
//!
//! The same company means the same registrable domain; free-mail providers, whose users are strangers to
//! each other, are listed in `free_mail.txt`.

use serde::{Deserialize, Serialize};

use super::Kind;

/// How a message was matched to a person, surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// It refers to one of our emails, and comes from the person (or is a report about that email).
    Thread,
    /// It comes from an address of the person, outside the thread.
    Sender,
    /// It refers to one of our emails, and comes from someone else at the same company.
    ColleagueInThread,
    /// It refers to one of our emails, but comes from an address nobody knows.
    ThreadFromElsewhere,
    /// Nothing connects it with anyone.
    None,
}

/// The person a message may belong to, as far as matching needs it.
#[derive(Clone, Copy, Debug)]
pub struct Correspondent<'a> {
    /// The full name, when known.
    pub name: Option<&'a str>,
    /// `email` and `other_emails`.
    pub addresses: &'a [String],
}

/// How a message belongs to `person`, when it refers to our email to them (`in_thread`) or not.
///
/// Reports and automatic answers come from machines: for those any sender in the thread is right.
pub fn belongs(
    kind: &Kind,
    in_thread: bool,
    sender: &str,
    sender_name: Option<&str>,
    person: Correspondent<'_>,
) -> Match {
    let theirs = person.addresses.iter().any(|address| same_address(address, sender));
    match (in_thread, theirs) {
        (true, true) => Match::Thread,
        (false, true) => Match::Sender,
        (false, false) => match kind {
            Kind::Bounce(bounce) if concerns(&bounce.recipients, person) => Match::Sender,
            Kind::Complaint { recipient: Some(recipient), .. } if concerns(std::slice::from_ref(recipient), person) => {
                Match::Sender
            }
            _ => Match::None,
        },
        (true, false) => match kind {
            Kind::Bounce(_) | Kind::Complaint { .. } | Kind::Other { .. } => Match::Thread,
            _ if same_name(person.name, sender_name) => Match::Thread,
            _ if person.addresses.iter().any(|address| same_company(address, sender)) => Match::ColleagueInThread,
            _ => Match::ThreadFromElsewhere,
        },
    }
}

fn concerns(recipients: &[String], person: Correspondent<'_>) -> bool {
    recipients.iter().any(|r| person.addresses.iter().any(|a| same_address(a, r)))
}

fn same_name(known: Option<&str>, seen: Option<&str>) -> bool {
    let words = |name: &str| {
        let mut words: Vec<String> = name
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort();
        words
    };
    match (known.map(words), seen.map(words)) {
        (Some(known), Some(seen)) => known.len() > 1 && known == seen,
        _ => false,
    }
}

/// True when both are the same mailbox: case and a `+tag` do not count.
pub fn same_address(a: &str, b: &str) -> bool {
    let plain = |address: &str| {
        let address = address.trim().to_lowercase();
        match address.rsplit_once('@') {
            Some((local, domain)) => {
                let local =
                    local.split_once('+').map_or(local, |(before, _)| if before.is_empty() { local } else { before });
                format!("{local}@{}", domain.trim_end_matches('.'))
            }
            None => address,
        }
    };
    let (a, b) = (plain(a), plain(b));
    !a.is_empty() && a == b
}

/// True when both addresses belong to one company: same registrable domain, and not a free-mail provider's.
pub fn same_company(a: &str, b: &str) -> bool {
    match (company_domain(a), company_domain(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The registrable domain of an address (`ada@mail.acme.co.uk` gives `acme.co.uk`); none for free-mail providers.
pub fn company_domain(address: &str) -> Option<String> {
    let (_, domain) = address.trim().rsplit_once('@')?;
    let domain = domain.trim_end_matches('.').to_lowercase();
    if is_free_mail(&domain) {
        return None;
    }
    let registrable = psl::domain_str(&domain)?.to_owned();
    if is_free_mail(&registrable) { None } else { Some(registrable) }
}

/// True for the domain of a provider where strangers share one domain.
pub fn is_free_mail(domain: &str) -> bool {
    let domain = domain.to_lowercase();
    FREE_MAIL.lines().any(|free| free == domain) || FREE_MAIL_FAMILIES.iter().any(|f| is_family(&domain, f))
}

/// `yahoo` covers `yahoo.com`, `yahoo.co.jp`, `yahoo.com.br`, but not `yahoo.acme.com`.
fn is_family(domain: &str, family: &str) -> bool {
    domain.strip_prefix(family).and_then(|rest| rest.strip_prefix('.')).is_some_and(|suffix| {
        suffix.split('.').all(|label| label.len() <= 3) && psl::suffix_str(domain) == Some(suffix)
    })
}

const FREE_MAIL_FAMILIES: &[&str] =
    &["aol", "gmx", "hotmail", "laposte", "live", "msn", "outlook", "yahoo", "yandex", "ymail", "zoho"];

/// One domain a line.
const FREE_MAIL: &str = include_str!("free_mail.txt");
