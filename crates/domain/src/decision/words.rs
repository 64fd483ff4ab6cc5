//! The explanation in sentences: what happens, what releases it, what would stop it.

use super::{Decision, Explained, RuleKind, StoppedBy};
use crate::{Timestamp, calendar::time_words, enrollment::BlockReason};

impl StoppedBy {
    /// What is stopped.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Sequence => "The sequence is paused",
            Self::Actor => "The rep who enrolled is deactivated",
            Self::Workspace => "All sending is stopped",
            Self::Mailbox => "The mailbox is paused",
        }
    }

    const fn releases(self) -> &'static str {
        match self {
            Self::Sequence => "An admin, by resuming the sequence.",
            Self::Actor => "An admin, by reactivating the rep or by handing their enrollments to someone else.",
            Self::Workspace => "An admin, by resuming all sending.",
            Self::Mailbox => "Its owner or an admin, by resuming the mailbox.",
        }
    }
}

impl Explained {
    /// One sentence that answers, and when it leaves if that is known.
    pub fn sentence(&self) -> String {
        let main = match &self.decision {
            Decision::Send => return "Nothing holds it: it leaves now.".to_owned(),
            Decision::CreateTask => return "Nothing holds it: its task is created now.".to_owned(),
            Decision::Skip { because: RuleKind::Task } => {
                return "The sequence goes on without waiting for the task.".to_owned();
            }
            Decision::Skip { .. } => return "This step is skipped: the sequence goes on with the next.".to_owned(),
            Decision::Finish { reason } => return format!("The sequence ended because {}.", reason.words()),
            Decision::Block { reason: BlockReason::QuotaReached, resumes_at: None } => {
                return "The mailbox may not send: its daily quota is 0.".to_owned();
            }
            Decision::Block { reason, .. } => reason.sentence(),
            Decision::Wait { until, because } => self.wait_sentence(*because, *until),
        };
        match self.leaves_at {
            Some(at) if self.is_email => format!("{main} It leaves at about {}.", self.at(at)),
            _ => main,
        }
    }

    fn wait_sentence(&self, because: RuleKind, until: Option<Timestamp>) -> String {
        let when = until.map(|until| self.at(until));
        let place = &self.place;
        match (because, when) {
            (RuleKind::Due, Some(when)) if self.moved_by_hand => {
                format!("Someone moved it to {when} in {place}; it is not due before.")
            }
            (RuleKind::Due, Some(when)) => format!("It is not due before {when} in {place}."),
            (RuleKind::Window, Some(when)) => {
                let which = if self.is_first_email { "window for first emails" } else { "follow-up window" };
                format!("It waits for the {which}, which opens at {when} in {place}.")
            }
            (RuleKind::SendingDay, Some(when)) => match &self.holiday {
                Some(holiday) => {
                    format!("It waits because {holiday}. The next sending day opens at {when} in {place}.")
                }
                None => format!("It waits for the next sending day, which opens at {when} in {place}."),
            },
            (RuleKind::Window | RuleKind::SendingDay, None) => {
                "It waits because the schedule does not open within three years.".to_owned()
            }
            (RuleKind::Away, Some(when)) => format!("It waits because the mailbox is away until {when}."),
            (RuleKind::Gap, Some(when)) => format!("It keeps the gap to the last email until {when}."),
            (RuleKind::Delivery, Some(when)) => {
                format!("The mail server refused it for now; it is tried again at {when}.")
            }
            (RuleKind::Mailbox, _) => "It waits because the mailbox cannot be reached; it is tried again.".to_owned(),
            (RuleKind::Task, Some(when)) => format!("It waits for the open task, until {when} at the latest."),
            (RuleKind::Task, None) => "It waits for the open task.".to_owned(),
            (RuleKind::Stopped, Some(when)) => format!("It is paused until {when}."),
            (RuleKind::Stopped, None) if self.stopped_by.is_none() => {
                "It is paused until someone resumes it.".to_owned()
            }
            (kind, _) => format!("It waits. {}.", self.compared(kind).unwrap_or("Something holds it")),
        }
    }

    /// What releases it, in one or two sentences.
    pub fn releases(&self) -> String {
        match &self.decision {
            Decision::Send | Decision::CreateTask | Decision::Skip { .. } => "Nothing needs to happen.".to_owned(),
            Decision::Finish { reason } => reason.afterwards().to_owned(),
            Decision::Block { reason: BlockReason::QuotaReached, resumes_at: None } => {
                "A daily quota above 0, in the settings of the mailbox.".to_owned()
            }
            Decision::Block { reason: BlockReason::QuotaReached, resumes_at: Some(at) } => {
                format!("The clock, at {} in {}, when the next day's quota begins.", self.at(*at), self.place)
            }
            Decision::Block { reason, .. } => reason.releases().to_owned(),
            Decision::Wait { because: RuleKind::Mailbox, .. } => {
                "The mailbox, once it can be reached again. It is tried by itself.".to_owned()
            }
            Decision::Wait { because: RuleKind::StartCheck, .. } => {
                "The mailbox, by itself: as soon as it can be reached its inbox is read and its Sent folder compared."
                    .to_owned()
            }
            Decision::Wait { because: RuleKind::Task, .. } => "The task, once it is done or skipped.".to_owned(),
            Decision::Wait { until: Some(until), .. } => {
                format!("The clock, at {} in {}. You do not need to do anything.", self.at(*until), self.place)
            }
            Decision::Wait { because: RuleKind::Stopped, until: None } => {
                self.stopped_by.map_or("Someone, by pressing Resume.", StoppedBy::releases).to_owned()
            }
            Decision::Wait { because: RuleKind::Window | RuleKind::SendingDay, until: None } => {
                "An admin, by changing the schedule.".to_owned()
            }
            Decision::Wait { .. } if self.is_leaving => {
                "The answer of the mail server to the email that is on its way.".to_owned()
            }
            Decision::Wait { .. } => "You, by sending it again or by skipping this step.".to_owned(),
        }
    }

    /// What would stop it, for the person of this first name.
    pub fn would_stop(name: &str) -> String {
        format!(
            "A reply from {name}, a stop, a conversion, an unsubscribe or a bounce, up to the moment it leaves. \
             The inbox is read once more just before."
        )
    }

    /// The rule that decided, where one holds it.
    pub fn because(&self) -> Option<RuleKind> {
        match &self.decision {
            Decision::Wait { because, .. } | Decision::Skip { because } => Some(*because),
            _ => None,
        }
    }

    /// The values that a rule compared, if it was looked at.
    pub fn compared(&self, kind: RuleKind) -> Option<&str> {
        self.rules.iter().find(|rule| rule.kind == kind).map(|rule| rule.compared.as_str())
    }

    fn at(&self, at: Timestamp) -> String {
        time_words(at, self.now, &self.zone)
    }
}
