//! The explanation in sentences: what happens, what releases it, what would stop it.

use super::{Decision, Explained, RuleKind};
use crate::{Timestamp, calendar::time_words};

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
            (RuleKind::Due, Some(when)) => format!("It is not due before {when} in {place}."),
            (RuleKind::Window, Some(when)) => {
                let which = if self.is_first_email { "window for first emails" } else { "follow-up window" };
                format!("It waits for the {which}, which opens at {when} in {place}.")
            }
            (RuleKind::SendingDay, Some(when)) => {
                format!("It waits for the next sending day, which opens at {when} in {place}.")
            }
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
            (kind, _) => format!("It waits. {}.", self.compared(kind).unwrap_or("Something holds it")),
        }
    }

    /// What releases it, in one or two sentences.
    pub fn releases(&self) -> String {
        match &self.decision {
            Decision::Send | Decision::CreateTask | Decision::Skip { .. } => "Nothing needs to happen.".to_owned(),
            Decision::Finish { .. } => "Nothing: it is over. The person can be enrolled again.".to_owned(),
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
                "Someone, by resuming what is paused.".to_owned()
            }
            Decision::Wait { because: RuleKind::Window | RuleKind::SendingDay, until: None } => {
                "An admin, by changing the schedule.".to_owned()
            }
            Decision::Wait { .. } => "What happens to the email that is on its way.".to_owned(),
        }
    }

    /// What would stop it, for the person of this first name.
    pub fn would_stop(&self, name: &str) -> String {
        format!(
            "A reply from {name}, a stop, a conversion, an unsubscribe or a bounce, up to the moment it leaves. \
             The inbox is read once more just before."
        )
    }

    /// The values that a rule compared, if it was looked at.
    pub fn compared(&self, kind: RuleKind) -> Option<&str> {
        self.rules.iter().find(|rule| rule.kind == kind).map(|rule| rule.compared.as_str())
    }

    fn at(&self, at: Timestamp) -> String {
        time_words(at, self.now, &self.zone)
    }
}
