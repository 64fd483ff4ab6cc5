//! The rules of [`super::decide`] that hold for every step, one function each: what is compared, in words, and what
//! it says; those of emails are in `email_rules`.
//!
//! A rule pushes its row and returns a decision if it does not simply allow. Words are only made when asked for.

use super::{Decision, Facts, Rule, RuleKind, StoppedBy, Verdict, task_overdue_at};
use crate::{
    Timestamp,
    calendar::{LocalSchedule, place, time_words},
    enrollment::{BlockReason, FinishReason, State},
    mailbox::MailboxState,
    sequence::OnBounce,
    step::TaskMode,
    suppression::SuppressionReason,
};

/// Looks at all rules for one enrollment.
pub struct Judge<'a> {
    pub facts: &'a Facts<'a>,
    pub local: LocalSchedule<'a>,
    pub rules: Vec<Rule>,
    with_words: bool,
}

pub(super) type Said = Option<Decision>;

impl<'a> Judge<'a> {
    pub fn new(facts: &'a Facts<'a>, with_words: bool) -> Self {
        Self { facts, local: facts.local(), rules: Vec::new(), with_words }
    }

    /// The current step sends an email now: an automated one, or a manual one whose *send* was pressed.
    pub fn is_email(&self) -> bool {
        self.facts.step().is_some_and(|step| {
            step.action.is_automated_email() || (self.facts.pressed_send && step.action.email().is_some())
        })
    }

    /// Every rule that applies to the current step, in reading order, with what it decides.
    pub fn look_at_all(&mut self) -> Vec<(RuleKind, Decision)> {
        type RuleFn<'a> = fn(&mut Judge<'a>) -> Said;
        let of_every_step: [(RuleKind, RuleFn<'a>); 5] = [
            (RuleKind::Due, Self::due),
            (RuleKind::Stopped, Self::stopped),
            (RuleKind::Suppression, Self::suppression),
            (RuleKind::Step, Self::step_is_open),
            (RuleKind::Task, Self::task),
        ];
        let of_emails: [(RuleKind, RuleFn<'a>); 12] = [
            (RuleKind::Mailbox, Self::mailbox),
            (RuleKind::StartCheck, Self::start_check),
            (RuleKind::Recipient, Self::recipient),
            (RuleKind::Delivery, Self::delivery),
            (RuleKind::Reply, Self::reply),
            (RuleKind::Lateness, Self::lateness),
            (RuleKind::Window, Self::window),
            (RuleKind::SendingDay, Self::sending_day),
            (RuleKind::Away, Self::away),
            (RuleKind::Quota, Self::quota),
            (RuleKind::Gap, Self::gap),
            (RuleKind::MergeData, Self::merge_data),
        ];
        let mut said = Vec::new();
        let emails = if self.is_email() { &of_emails[..] } else { &[] };
        for (kind, rule) in of_every_step.iter().chain(emails) {
            said.extend(rule(self).map(|decision| (*kind, decision)));
        }
        said
    }

    pub(super) fn push(&mut self, kind: RuleKind, verdict: Verdict, compared: impl FnOnce(&Self) -> String) {
        if self.with_words {
            let compared = compared(self);
            self.rules.push(Rule { kind, compared, verdict });
        }
    }

    pub(super) fn hold(
        &mut self,
        kind: RuleKind,
        until: Option<Timestamp>,
        words: impl FnOnce(&Self) -> String,
    ) -> Said {
        self.push(kind, Verdict::Holds { until }, words);
        Some(Decision::Wait { until, because: kind })
    }

    pub(super) fn block(&mut self, kind: RuleKind, reason: BlockReason, words: impl FnOnce(&Self) -> String) -> Said {
        self.push(kind, Verdict::Blocks, words);
        Some(Decision::Block { reason, resumes_at: None })
    }

    pub(super) fn end(&mut self, kind: RuleKind, reason: FinishReason, words: impl FnOnce(&Self) -> String) -> Said {
        self.push(kind, Verdict::Ends, words);
        Some(Decision::Finish { reason })
    }

    pub(super) fn allow(&mut self, kind: RuleKind, words: impl FnOnce(&Self) -> String) -> Said {
        self.push(kind, Verdict::Allows, words);
        None
    }

    /// A local time in words.
    pub(super) fn at(&self, at: Timestamp) -> String {
        time_words(at, self.facts.now, &self.local.zone)
    }

    pub(super) fn place(&self) -> String {
        place(&self.local.zone)
    }

    fn due(&mut self) -> Said {
        let due = self.facts.enrollment.state.due()?;
        let now = self.facts.now;
        if self.facts.pressed_send {
            return self.allow(RuleKind::Due, |_| "Someone pressed send".to_owned());
        }
        let words = |judge: &Self| {
            let moved = if judge.facts.enrollment.moved_by_hand { "Moved by hand to " } else { "" };
            format!("{moved}{}, and it is {}", judge.at(due), judge.at(now))
        };
        if due > now {
            return self.hold(RuleKind::Due, Some(due), words);
        }
        self.allow(RuleKind::Due, words)
    }

    /// Ends, pauses and holds of the enrollment and of everything above it.
    fn stopped(&mut self) -> Said {
        let facts = self.facts;
        let kind = RuleKind::Stopped;
        if let State::Finished { reason, .. } = &facts.enrollment.state {
            return self.end(kind, reason.clone(), |_| format!("It ended because {}", reason.words()));
        }
        if facts.person_deleted {
            return self.end(kind, FinishReason::PersonDeleted, |_| "The person was deleted".to_owned());
        }
        if facts.sequence_archived {
            return self.end(kind, FinishReason::SequenceArchived, |_| "The sequence was archived".to_owned());
        }
        match &facts.enrollment.state {
            State::Paused { until, .. } => {
                return self.hold(kind, *until, |judge| match until {
                    Some(until) => format!("Paused until {}", judge.at(*until)),
                    None => "Paused until someone resumes it".to_owned(),
                });
            }
            State::Blocked { reason, resumes_at, .. } if !is_judged_anew(reason) => {
                self.push(kind, Verdict::Blocks, |_| reason.sentence());
                return Some(Decision::Block { reason: reason.clone(), resumes_at: *resumes_at });
            }
            _ => {}
        }
        match self.stopped_by() {
            Some(by) => self.hold(kind, None, |_| by.words().to_owned()),
            None => self.allow(kind, |_| "All active, nobody has stopped them".to_owned()),
        }
    }

    /// What stopped it from above, the widest first.
    pub fn stopped_by(&self) -> Option<StoppedBy> {
        let facts = self.facts;
        let sends = self.is_email();
        let mailbox_paused = facts.mailbox.is_some_and(|mailbox| mailbox.state == MailboxState::Paused);
        let stops = [
            (StoppedBy::Sequence, facts.sequence_paused),
            (StoppedBy::Actor, !facts.actor_active),
            (StoppedBy::Workspace, sends && facts.workspace.paused_at.is_some()),
            (StoppedBy::Mailbox, sends && mailbox_paused),
        ];
        stops.into_iter().find(|(_, stops)| *stops).map(|(by, _)| by)
    }

    /// A listed address ends a sequence that has emails; one that only bounced follows the exit rule.
    fn suppression(&mut self) -> Said {
        let facts = self.facts;
        let entry = facts.suppressed.filter(|_| facts.plan.has_email() && facts.enrollment.state.is_ongoing())?;
        let words = |_: &Self| format!("{} is on the suppression list", entry.entry);
        let reason = match entry.reason {
            SuppressionReason::Manual => FinishReason::Suppressed,
            SuppressionReason::Unsubscribed => FinishReason::Unsubscribed,
            SuppressionReason::Complained => FinishReason::Complained,
            SuppressionReason::HardBounce if facts.plan.exit.on_bounce == OnBounce::Finish => FinishReason::Bounced,
            SuppressionReason::HardBounce => {
                self.is_email().then_some(())?;
                let dsn = if entry.note.is_empty() { "the address does not exist" } else { &entry.note };
                return self.block(RuleKind::Suppression, BlockReason::Bounced { dsn: dsn.to_owned() }, words);
            }
        };
        self.end(RuleKind::Suppression, reason, words)
    }

    /// Nobody gets a step twice, or one that the plan has lost.
    fn step_is_open(&mut self) -> Said {
        let facts = self.facts;
        let id = facts.enrollment.state.step()?;
        let words = if facts.plan.step(id).is_none() {
            "The step is no longer in the sequence"
        } else if facts.enrollment.done_steps.contains(&id) {
            "The step was done before"
        } else {
            return None;
        };
        self.push(RuleKind::Step, Verdict::Ends, |_| words.to_owned());
        Some(Decision::Skip { because: RuleKind::Step })
    }

    fn task(&mut self) -> Said {
        let facts = self.facts;
        let kind = RuleKind::Task;
        if self.is_email() {
            return None;
        }
        let (step, task) = (facts.step()?, facts.open_task?);
        let text = step.action.task()?;
        let skip = |judge: &mut Self, words: &str| {
            judge.push(kind, Verdict::Ends, |_| words.to_owned());
            Some(Decision::Skip { because: kind })
        };
        match (text.mode, task_overdue_at(task, step, &facts.local_of_rep())) {
            (TaskMode::GoOn, _) => skip(self, "The task is open; the sequence does not wait for it"),
            (TaskMode::WaitUntilOverdue, Some(overdue)) if overdue <= facts.now => skip(self, "The task is overdue"),
            (TaskMode::WaitUntilOverdue, Some(overdue)) => {
                self.hold(kind, Some(overdue), |judge| format!("The task is open; it is skipped {}", judge.at(overdue)))
            }
            _ => self.hold(kind, None, |judge| format!("The task is open; due {}", judge.at(task.due_at))),
        }
    }
}

/// Reasons that the rules judge from the facts of the moment; the others stay until an event releases them.
fn is_judged_anew(reason: &BlockReason) -> bool {
    matches!(reason, BlockReason::MissingMergeData { .. } | BlockReason::NoRecipient | BlockReason::QuotaReached)
        || reason.is_of_mailbox()
}
