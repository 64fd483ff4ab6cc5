//! A call that somebody made to a person by hand and wrote down: how it ended, when, and what was said.

use crate::{Refused, Timestamp};
use serde::{Deserialize, Serialize};

/// Most characters of what was said.
pub const MOST_CHARS: usize = 50_000;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// The person was spoken to.
    Reached,
    /// A message was left, on a machine or with somebody.
    LeftMessage,
    /// Nobody answered.
    NoAnswer,
    /// It is somebody else's number.
    WrongNumber,
}

impl CallOutcome {
    /// All of them, in the order of forms.
    pub const ALL: [Self; 4] = [Self::Reached, Self::LeftMessage, Self::NoAnswer, Self::WrongNumber];

    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::LeftMessage => "left_message",
            Self::NoAnswer => "no_answer",
            Self::WrongNumber => "wrong_number",
        }
    }

    /// Reads [`CallOutcome::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// In words: *Left a message*.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Reached => "Reached",
            Self::LeftMessage => "Left a message",
            Self::NoAnswer => "No answer",
            Self::WrongNumber => "Wrong number",
        }
    }
}

/// A call as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// How it ended.
    pub outcome: CallOutcome,
    /// When it was made.
    pub at: Timestamp,
    /// What was said; may be empty.
    pub text: String,
}

impl Call {
    /// The call with its text tidied; refused if it is still to come or its text is too long.
    pub fn checked(self, now: Timestamp) -> Result<Self, Refused> {
        if self.at > now {
            return Err(Refused::at(
                "at",
                "in_the_future",
                "A call is logged after it was made. Choose a time until now.",
            ));
        }
        let text = self.text.replace('\0', "").trim().to_owned();
        if text.chars().count() > MOST_CHARS {
            return Err(Refused::at("text", "too_long", "What was said has at most 50,000 characters."));
        }
        Ok(Self { text, ..self })
    }

    /// One line: *Left a message: asked for a call back.*
    pub fn summary(&self) -> String {
        if self.text.is_empty() {
            format!("{}.", self.outcome.words())
        } else {
            format!("{}: {}", self.outcome.words(), self.text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_logged_after_it_was_made_with_or_without_words() {
        let now = Timestamp::from_ms(1_000);
        let call =
            |at, text: &str| Call { outcome: CallOutcome::LeftMessage, at: Timestamp::from_ms(at), text: text.into() };
        assert_eq!(call(1_001, "").checked(now).expect_err("still to come").code, "in_the_future");
        assert_eq!(call(1_000, " ").checked(now).expect("sound").summary(), "Left a message.");
        assert_eq!(call(5, " Ask Ben.\0 ").checked(now).expect("sound").summary(), "Left a message: Ask Ben.");
        assert_eq!(call(5, &"x".repeat(MOST_CHARS + 1)).checked(now).expect_err("too long").code, "too_long");
        assert!(CallOutcome::ALL.into_iter().all(|outcome| CallOutcome::parse(outcome.as_str()) == Some(outcome)));
    }
}
