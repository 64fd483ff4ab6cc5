//! Why a step to come stands at its date: the rules as they will be then, or what it comes after.
//!
//! Made by the forecast for the enrollments that ask for it; [`crate::decision::Explained`] tells of the current step,
//! [`crate::decision::Departed`] of what has left.

use crate::{
    Timestamp,
    calendar::time_words,
    decision::{Explained, Rule, RuleKind},
    step::Wait,
};

/// What is foreseen of one step.
#[derive(Debug, Clone, PartialEq)]
pub enum Foresight {
    /// It leaves, or its task is created.
    Happens {
        /// When it is due.
        due_at: Timestamp,
        /// When it happens.
        at: Timestamp,
        /// What moves it from its due time, if something does.
        held_by: Option<RuleKind>,
        /// The holiday that moves it, or that its wait leaves out.
        holiday: Option<String>,
        /// A task is waited for before it.
        after_task: bool,
        /// When this was worked out.
        seen_at: Timestamp,
        /// The rules at `at`.
        explained: Box<Explained>,
    },
    /// Something will hold it once it is due.
    Held(Box<Explained>),
    /// It counts from a step that has no date.
    After {
        /// Position from 1 of that step.
        position: usize,
        /// The wait between them.
        wait: Wait,
    },
}

impl Foresight {
    /// One sentence that answers, or two.
    pub fn sentence(&self) -> String {
        match self {
            Self::Happens { due_at, at, held_by, holiday, after_task, seen_at, explained } => {
                let when = |at: Timestamp| time_words(at, *seen_at, &explained.zone);
                let happens = if explained.is_email { "leaves at about" } else { "is created at" };
                let (at, place) = (when(*at), &explained.place);
                let main = match held_by.map(waits_for) {
                    None => {
                        format!("It {happens} {at} in {place}: it is due then, and nothing is expected to hold it.")
                    }
                    Some(what) => {
                        let because = match holiday {
                            Some(holiday) if *held_by == Some(RuleKind::SendingDay) => format!(": {holiday}"),
                            _ => String::new(),
                        };
                        format!("It is due {} and waits {what}{because}. It {happens} {at} in {place}.", when(*due_at))
                    }
                };
                let passed = match holiday {
                    Some(holiday) if *held_by != Some(RuleKind::SendingDay) => {
                        format!(" Its wait leaves out a holiday: {holiday}.")
                    }
                    _ => String::new(),
                };
                let after =
                    if *after_task { " The date holds if the task before it is done when it is due." } else { "" };
                format!("{main}{passed}{after}")
            }
            Self::Held(explained) => explained.sentence(),
            Self::After { position, wait } if wait.amount == 0 => {
                format!("It has no date yet: it follows step {position}, which has none.")
            }
            Self::After { position, wait } => {
                format!("It has no date yet: it comes {} after step {position}, which has none.", wait.words())
            }
        }
    }

    /// What releases it, in one or two sentences.
    pub fn releases(&self) -> String {
        match self {
            Self::Happens { after_task: true, .. } => "The task before it, once it is done or skipped.".to_owned(),
            Self::Happens { .. } => "The clock. You do not need to do anything.".to_owned(),
            Self::Held(explained) => explained.releases(),
            Self::After { position, .. } => format!("What step {position} waits for."),
        }
    }

    /// Every rule with the values compared; none where nothing can be said yet.
    pub fn rules(&self) -> &[Rule] {
        match self {
            Self::Happens { explained, .. } | Self::Held(explained) => &explained.rules,
            Self::After { .. } => &[],
        }
    }
}

/// *It waits …*
const fn waits_for(held_by: RuleKind) -> &'static str {
    match held_by {
        RuleKind::Window => "for its time window",
        RuleKind::SendingDay => "for the next sending day",
        RuleKind::Away => "until the mailbox is no longer away",
        RuleKind::Quota => "for the daily quota of the mailbox",
        RuleKind::Delivery => "for the mail server",
        RuleKind::Stopped => "until it goes on",
        _ => "for the gap after emails that go first",
    }
}
