//! Addresses and domains that are never mailed.

use crate::{SuppressionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Why something is on the suppression list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// Added by hand or import.
    Manual,
    /// The person unsubscribed.
    Unsubscribed,
    /// The person complained.
    Complained,
    /// The address does not exist.
    HardBounce,
}

impl SuppressionReason {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Unsubscribed => "unsubscribed",
            Self::Complained => "complained",
            Self::HardBounce => "hard_bounce",
        }
    }

    /// Reads [`SuppressionReason::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Manual, Self::Unsubscribed, Self::Complained, Self::HardBounce]
            .into_iter()
            .find(|reason| reason.as_str() == text)
    }
}

/// An entry of the list: an address key (`a@b.example`) or a domain (`b.example`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Its id.
    pub id: SuppressionId,
    /// Address key or domain.
    pub entry: String,
    /// Why.
    pub reason: SuppressionReason,
    /// Free words.
    pub note: String,
    /// Who added it.
    pub added_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
}

/// The keys under which an address may be listed: itself, its domain and every parent domain.
pub fn keys_of(email: &str) -> Vec<String> {
    let Some(key) = crate::person::email_key(email) else { return Vec::new() };
    let domain = key.rsplit_once('@').map(|(_, domain)| domain.to_owned()).unwrap_or_default();
    let mut keys = vec![key];
    let mut rest = domain.as_str();
    while rest.contains('.') {
        keys.push(rest.to_owned());
        rest = rest.split_once('.').map_or("", |(_, parent)| parent);
    }
    keys
}

/// Reads what someone adds to the list: an address or a domain, as its key; `None` if it is neither.
pub fn parse_entry(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('@');
    if text.contains('@') {
        return crate::person::check_email(text).ok().and_then(|()| crate::person::email_key(text));
    }
    let domain = idna::domain_to_ascii(text).ok()?.to_lowercase();
    (domain.contains('.') && !domain.contains(char::is_whitespace)).then_some(domain)
}
