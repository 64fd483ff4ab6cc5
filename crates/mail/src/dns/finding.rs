//! What was found about one of the three, in words, with the record that would mend it.

use super::NoAnswer;
use serde::{Deserialize, Serialize};

/// How one of SPF, DKIM and DMARC stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works and could be better.
    Advice,
    /// Emails may be refused or land in junk.
    Wrong,
    /// It could not be learnt.
    Unknown,
}

/// A record that mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordToAdd {
    /// Its full name.
    pub name: String,
    /// Its type: TXT.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// It takes the place of the record that is there.
    pub replaces: bool,
}

/// What was found about one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How it stands.
    pub verdict: Verdict,
    /// For programs.
    pub code: String,
    /// What it is, what it means, what to do.
    pub sentence: String,
    /// The records that were found.
    pub found: Vec<String>,
    /// The record that mends it.
    pub record: Option<RecordToAdd>,
}

/// SPF, DKIM and DMARC of one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCheck {
    /// The domain after the @.
    pub domain: String,
    /// Who may send for it.
    pub spf: Finding,
    /// Emails are signed.
    pub dkim: Finding,
    /// What receivers do with those that are neither.
    pub dmarc: Finding,
}

impl Finding {
    pub(super) fn new(verdict: Verdict, code: &str, sentence: impl Into<String>) -> Self {
        Self { verdict, code: code.to_owned(), sentence: sentence.into(), found: Vec::new(), record: None }
    }

    pub(super) fn no_answer(error: &NoAnswer) -> Self {
        let sentence = format!(
            "The name service did not answer about {}, so nothing is known. Check again in a few minutes. ({})",
            error.name, error.what
        );
        Self::new(Verdict::Unknown, "no_answer", sentence)
    }

    pub(super) fn having(mut self, found: &[String]) -> Self {
        self.found = found.to_vec();
        self
    }

    pub(super) fn mended_by(mut self, name: &str, value: String, replaces: bool) -> Self {
        self.record = Some(RecordToAdd { name: name.to_owned(), kind: "TXT".to_owned(), value, replaces });
        self
    }

    /// Without a record to add: whoever reads this cannot add it.
    pub(super) fn for_the_provider(mut self) -> Self {
        if self.record.take().is_some() || self.verdict == Verdict::Wrong {
            self.sentence.push_str(" The domain is your provider's own: only the provider can change this.");
        }
        self
    }
}

/// `v=DKIM1; k=rsa; p=…` as pairs, names in small letters.
pub(super) fn tags(record: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_lowercase(), value.trim().to_owned()))
    };
    record.split(';').filter_map(pair).collect()
}

/// The value of a tag.
pub(super) fn tag<'a>(tags: &'a [(String, String)], name: &str) -> Option<&'a str> {
    tags.iter().find(|(tag, _)| tag == name).map(|(_, value)| value.as_str())
}
