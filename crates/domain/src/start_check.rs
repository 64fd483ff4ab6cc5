//! Whether a start may send at once, and the words for when it may not (`engine.md` §4).
//!
//! After a long stop, on another machine, or over data that went back, emails may have left that the data know nothing
//! of. Each mailbox then waits until its inbox was read and its Sent folder compared. Nothing here reads anything.

use crate::{
    Timestamp,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use serde::{Deserialize, Serialize};

/// A stop longer than this is an outage: 15 minutes in milliseconds.
pub const OUTAGE_MS: i64 = 15 * MINUTE;
/// Copies in a Sent folder that are this much older than the data are no surprise: a minute in milliseconds.
pub const MARGIN_MS: i64 = MINUTE;
/// The banner that says how it ended stays this long: a day in milliseconds.
pub const SHOWN_MS: i64 = DAY;

/// Why mailboxes are compared with their Sent folders before they send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nothing ran for long.
    Outage,
    /// Another machine or folder, or another database.
    Moved,
    /// The data are older than what this machine saw: a backup was restored.
    WentBack,
}

/// What a start sees before it does anything. Times by the system's clock.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Now.
    pub now: Timestamp,
    /// The last sign of life in the data; `None` = nothing ever ran on them.
    pub heartbeat: Option<Timestamp>,
    /// The last sign of life this machine knows of.
    pub known_here: Option<Timestamp>,
    /// The machine the data were last served from.
    pub machine_then: Option<&'a str>,
    /// This machine.
    pub machine_now: &'a str,
    /// Another node works on the same data now.
    pub others_live: bool,
}

impl Seen<'_> {
    /// Why sending must wait; `None` = it may begin at once.
    pub fn why(&self) -> Option<Why> {
        let heartbeat = self.heartbeat?;
        if self.known_here.is_some_and(|known| known > heartbeat) {
            return Some(Why::WentBack);
        }
        if self.machine_then.is_some_and(|then| then != self.machine_now) {
            return Some(Why::Moved);
        }
        (!self.others_live && self.now.since(heartbeat) > OUTAGE_MS).then_some(Why::Outage)
    }
}

/// What the last start that had to compare found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartCheck {
    /// Why it compares.
    pub why: Why,
    /// Up to when the data are complete, by the system's clock.
    pub data_until: Timestamp,
    /// When the start was, by the system's clock.
    pub started_at: Timestamp,
    /// When the last mailbox was compared, by business time.
    pub done_at: Option<Timestamp>,
}

impl StartCheck {
    /// What happened, for the banner.
    pub fn title(&self) -> String {
        match self.why {
            Why::Outage => format!("Relance did not run for {}.", long_words(self.started_at.since(self.data_until))),
            Why::Moved => "Relance runs in a new place.".to_owned(),
            Why::WentBack => "A backup was restored.".to_owned(),
        }
    }

    /// What it means while `waiting` mailboxes are still to be compared.
    pub fn waiting_words(&self, waiting: &[String]) -> String {
        let which = match waiting {
            [one] => one.clone(),
            [one, two] => format!("{one} and {two}"),
            [one, rest @ ..] => format!("{one} and {} others", rest.len()),
            [] => return String::new(),
        };
        format!(
            "Nothing leaves from {which} until the inbox was read and the Sent folder compared with what Relance \
             knows. This happens by itself as soon as the mailbox can be reached."
        )
    }

    /// How it ended, with what is held: people to review, and first emails that are too late.
    pub fn done_words(&self, to_review: u32, late: u32) -> String {
        let mut held = Vec::new();
        if to_review > 0 {
            held.push(format!("{} for your review", counted(to_review, "person is held", "people are held")));
        }
        if late > 0 {
            let first = counted(late, "first email is", "first emails are");
            held.push(format!("{first} more than 7 days late and held until you retry or stop them"));
        }
        let held = if held.is_empty() { "Nobody is held because of it".to_owned() } else { held.join("; ") };
        format!(
            "Every mailbox was compared with its Sent folder and sending goes on, with the usual gaps and quotas. {held}."
        )
    }
}

fn counted(number: u32, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// *6 days*, *3 hours*, *20 minutes*.
fn long_words(ms: i64) -> String {
    let of = |unit: i64, name: &str| {
        let number = ms / unit;
        format!("{number} {name}{}", if number == 1 { "" } else { "s" })
    };
    match ms {
        ms if ms >= 2 * DAY => of(DAY, "day"),
        ms if ms >= 2 * HOUR => of(HOUR, "hour"),
        ms if ms >= MINUTE => of(MINUTE, "minute"),
        _ => of(SECOND, "second"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen<'static> {
        let now = Timestamp::from_ms(100 * DAY);
        Seen {
            now,
            heartbeat: Some(now.plus_ms(-MINUTE)),
            known_here: Some(now.plus_ms(-MINUTE)),
            machine_then: Some("a"),
            machine_now: "a",
            others_live: false,
        }
    }

    #[test]
    fn a_short_stop_on_the_same_machine_sends_at_once() {
        assert_eq!(seen().why(), None);
        assert_eq!(Seen { heartbeat: None, machine_then: None, ..seen() }.why(), None, "a first start");
        assert_eq!(Seen { known_here: None, machine_then: None, ..seen() }.why(), None, "data of an earlier version");
    }

    #[test]
    fn a_long_stop_another_machine_and_data_that_went_back_compare_first() {
        let now = seen().now;
        let long_ago = Some(now.plus_ms(-OUTAGE_MS - 1));
        let outage = Seen { heartbeat: long_ago, known_here: long_ago, ..seen() };
        assert_eq!(outage.why(), Some(Why::Outage));
        assert_eq!(Seen { others_live: true, ..outage }.why(), None, "others went on");
        assert_eq!(Seen { machine_now: "b", ..seen() }.why(), Some(Why::Moved));
        assert_eq!(Seen { heartbeat: long_ago, ..seen() }.why(), Some(Why::WentBack));
    }

    #[test]
    fn the_words_say_what_is_held_and_what_releases_it() {
        let now = seen().now;
        let check = StartCheck { why: Why::Outage, data_until: now.plus_ms(-6 * DAY), started_at: now, done_at: None };
        assert_eq!(check.title(), "Relance did not run for 6 days.");
        let words = check.waiting_words(&["a@x.test".to_owned(), "b@x.test".to_owned(), "c@x.test".to_owned()]);
        assert!(words.starts_with("Nothing leaves from a@x.test and 2 others until"), "{words}");
        assert!(check.done_words(1, 3).ends_with(
            "1 person is held for your review; 3 first emails are more than 7 days late and held until you retry or stop them."
        ));
        assert!(check.done_words(0, 0).ends_with("Nobody is held because of it."));
    }
}
