//! What follows from a message. What is not certain is held for a person to decide, never guessed.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Hardness, Kind, Match};
use crate::sequence::{ExitRules, OnBounce, OnColleagueReply};
use crate::time::Timestamp;

/// Mail from a person this long after our last email, outside the thread, is held for review.
pub const LONG_AFTER_MS: i64 = 90 * 24 * 3_600_000;

/// When we wrote to the person, beside when the message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When the message arrived.
    pub received_at: Timestamp,
    /// Our first email to the person in an enrollment that counts, if any left.
    pub first_sent_at: Option<Timestamp>,
    /// Our last one.
    pub last_sent_at: Option<Timestamp>,
    /// Whether the person has an unfinished enrollment.
    pub unfinished: bool,
}

/// What a message does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Every unfinished enrollment of the person ends as `replied`.
    EndAll,
    /// The person's enrollments pause until that day.
    PauseUntil {
        /// The first day the person is back.
        date: Date,
    },
    /// The person's enrollments pause for that many business days.
    PauseForBusinessDays {
        /// How many.
        days: u32,
    },
    /// The enrollment of the email is blocked as `bounced`; the address is marked.
    BlockBounced,
    /// The enrollment of the email ends as `bounced`; the address is marked.
    FinishBounced,
    /// The address is suppressed; every unfinished enrollment ends as `unsubscribed`.
    Unsubscribe,
    /// The address is suppressed; every unfinished enrollment ends as `complained`.
    Complain,
    /// The message goes to the review tray and the person is held until someone decides.
    HoldForReview {
        /// Why, in words.
        why: String,
    },
    /// The message goes to the review tray; nobody can be held, for it points to nobody.
    Tray {
        /// Why, in words.
        why: String,
    },
    /// Recorded and shown, and nothing else.
    RecordOnly,
    /// Not ours: only its position is kept.
    Ignore,
}

/// What follows from a message, for the person it was matched to.
pub fn effect(kind: &Kind, matched: Match, rules: &ExitRules, timing: &Timing) -> Effect {
    if matched == Match::None {
        return match kind {
            Kind::Unreadable { why } => Effect::Tray { why: why.clone() },
            _ => Effect::Ignore,
        };
    }
    match kind {
        Kind::Own => Effect::Ignore,
        Kind::Other { .. } => Effect::RecordOnly,
        Kind::Bounce(bounce) => match (bounce.hardness, rules.on_bounce) {
            (Hardness::Hard, OnBounce::Block) => Effect::BlockBounced,
            (Hardness::Hard, OnBounce::Finish) => Effect::FinishBounced,
            (Hardness::Soft | Hardness::Delayed | Hardness::Delivered, _) => Effect::RecordOnly,
        },
        Kind::Complaint { feedback_type, .. } if feedback_type == "not-spam" => Effect::RecordOnly,
        Kind::Complaint { .. } => Effect::Complain,
        Kind::UnsubscribeRequest => match matched {
            Match::Thread | Match::Sender => Effect::Unsubscribe,
            _ => hold(timing, "Someone else asks for no more mail."),
        },
        Kind::AutoReply { .. } | Kind::Reply { .. } | Kind::Doubtful { .. } | Kind::Unreadable { .. } => {
            effect_of_answer(kind, matched, rules, timing)
        }
    }
}

fn effect_of_answer(kind: &Kind, matched: Match, rules: &ExitRules, timing: &Timing) -> Effect {
    if !timing.unfinished {
        return Effect::RecordOnly;
    }
    if matched == Match::ColleagueInThread {
        return match (kind, rules.on_colleague_reply) {
            (Kind::AutoReply { .. }, _) | (_, OnColleagueReply::Continue) => Effect::RecordOnly,
            (Kind::Reply { .. }, OnColleagueReply::Stop) => Effect::EndAll,
            _ => hold(timing, "A colleague of the person answered."),
        };
    }
    match kind {
        Kind::Doubtful { why } | Kind::Unreadable { why } => hold(timing, why),
        Kind::AutoReply { return_date: Some(date), .. } => Effect::PauseUntil { date: *date },
        Kind::AutoReply { return_date: None, .. } => Effect::PauseForBusinessDays { days: rules.auto_reply_days },
        _ if matched == Match::ThreadFromElsewhere => {
            hold(timing, "The answer comes from an address that is not known for this person.")
        }
        _ if matched == Match::Sender => fresh_mail(timing),
        _ => Effect::EndAll,
    }
}

/// A fresh mail from an enrolled person counts as a reply, but not before our first email or long after the last.
fn fresh_mail(timing: &Timing) -> Effect {
    let received = timing.received_at.ms();
    match (timing.first_sent_at, timing.last_sent_at) {
        (Some(first), _) if received < first.ms() => hold(timing, "It came before your first email."),
        (None, _) => hold(timing, "It came before your first email."),
        (_, Some(last)) if received - last.ms() > LONG_AFTER_MS => {
            hold(timing, "It came more than 90 days after your last email.")
        }
        _ => Effect::EndAll,
    }
}

fn hold(timing: &Timing, why: &str) -> Effect {
    if timing.unfinished { Effect::HoldForReview { why: why.to_owned() } } else { Effect::RecordOnly }
}
