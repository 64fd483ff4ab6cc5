//! Why an email that was sent left when it did: written down as it left, read again for whoever asks later.

use super::{Facts, Rule, RuleKind, email_rules::span_words};
use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// What was known at the moment an email left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departed {
    /// When it was due.
    pub due_at: Timestamp,
    /// When it was decided that it leaves.
    pub left_at: Timestamp,
    /// What held it until then, if something did.
    pub held_by: Option<RuleKind>,
    /// The holiday on which it was due, if one held it.
    #[serde(default)]
    pub holiday: Option<String>,
    /// The words had been changed by hand.
    #[serde(default)]
    pub edited: bool,
    /// The place of the zone in which times are worded.
    pub place: String,
    /// Every rule with the values compared.
    pub rules: Vec<Rule>,
}

impl Departed {
    /// Of an email that leaves now.
    pub fn now(facts: &Facts, edited: bool) -> Self {
        let explained = super::decide(facts);
        let due_at = facts.enrollment.state.due().unwrap_or(facts.now);
        let local = facts.local();
        let held_by = super::departed_late(facts, due_at);
        let by_day = held_by == Some(RuleKind::SendingDay);
        Self {
            due_at,
            left_at: facts.now,
            held_by,
            holiday: by_day.then(|| local.holiday_words(due_at.zoned(&local.zone).date())).flatten(),
            edited,
            place: explained.place,
            rules: explained.rules,
        }
    }

    /// Reads what was written down; `None` if that is not known.
    pub fn of(detail: &serde_json::Value) -> Option<Self> {
        serde_json::from_value(detail.clone()).ok()
    }

    /// One sentence that answers.
    pub fn sentence(&self) -> String {
        let late = span_words(self.left_at.since(self.due_at));
        let Some(held_by) = self.held_by else {
            return "It left as soon as it was due: nothing held it.".to_owned();
        };
        let what = match held_by {
            RuleKind::Window => "for its time window",
            RuleKind::SendingDay => "for the next sending day",
            RuleKind::Away => "until the mailbox was no longer away",
            RuleKind::Quota => "for the daily quota of the mailbox, or until something else released it",
            RuleKind::Delivery => "for the mail server, which refused it for now",
            _ => "for the gap after emails that went first, or for the server",
        };
        match &self.holiday {
            Some(holiday) => format!("It was due {late} before and waited {what}: {holiday}."),
            None => format!("It was due {late} before and waited {what}."),
        }
    }
}
