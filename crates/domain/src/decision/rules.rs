//! The rules of [`super::decide`], one function each: what is compared, in words, and what it says.
//!
//! A rule pushes its row and returns a decision if it does not simply allow. Words are only made when asked for.

use super::{Decision, Facts, Rule, RuleKind, Verdict, task_overdue_at};
use crate::{
    Timestamp,
    calendar::{LocalSchedule, place, time_words},
    delivery::{DeliveryState, GIVE_UP_AFTER_MS},
    enrollment::{BlockReason, FinishReason, State, tag_words},
    mailbox::{MailboxState, PROOF_VALID_MS, proof_is_fresh},
    quota,
    sequence::OnBounce,
    step::TaskMode,
    suppression::SuppressionReason,
    time::{DAY, HOUR, MINUTE, SECOND},
};

/// A first email that is later than this is not sent without a person: 7 days in milliseconds.
pub const LATE_START_AFTER_MS: i64 = 7 * DAY;

/// Looks at all rules for one enrollment.
pub struct Judge<'a> {
    pub facts: &'a Facts<'a>,
    pub local: LocalSchedule<'a>,
    pub rules: Vec<Rule>,
    with_words: bool,
}

type Said = Option<Decision>;

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
        let of_emails: [(RuleKind, RuleFn<'a>); 11] = [
            (RuleKind::Mailbox, Self::mailbox),
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

    fn push(&mut self, kind: RuleKind, verdict: Verdict, compared: impl FnOnce(&Self) -> String) {
        if self.with_words {
            let compared = compared(self);
            self.rules.push(Rule { kind, compared, verdict });
        }
    }

    fn hold(&mut self, kind: RuleKind, until: Option<Timestamp>, words: impl FnOnce(&Self) -> String) -> Said {
        self.push(kind, Verdict::Holds { until }, words);
        Some(Decision::Wait { until, because: kind })
    }

    fn block(&mut self, kind: RuleKind, reason: BlockReason, words: impl FnOnce(&Self) -> String) -> Said {
        self.push(kind, Verdict::Blocks, words);
        Some(Decision::Block { reason, resumes_at: None })
    }

    fn end(&mut self, kind: RuleKind, reason: FinishReason, words: impl FnOnce(&Self) -> String) -> Said {
        self.push(kind, Verdict::Ends, words);
        Some(Decision::Finish { reason })
    }

    fn allow(&mut self, kind: RuleKind, words: impl FnOnce(&Self) -> String) -> Said {
        self.push(kind, Verdict::Allows, words);
        None
    }

    /// A local time in words.
    fn at(&self, at: Timestamp) -> String {
        time_words(at, self.facts.now, &self.local.zone)
    }

    fn place(&self) -> String {
        place(&self.local.zone)
    }

    fn due(&mut self) -> Said {
        let due = self.facts.enrollment.state.due()?;
        let now = self.facts.now;
        if self.facts.pressed_send {
            return self.allow(RuleKind::Due, |_| "Someone pressed send".to_owned());
        }
        if due > now {
            return self.hold(RuleKind::Due, Some(due), |judge| format!("{}, and it is {}", judge.at(due), judge.at(now)));
        }
        self.allow(RuleKind::Due, |judge| format!("{}, and it is {}", judge.at(due), judge.at(now)))
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
        let sends = self.is_email();
        let mailbox_paused = facts.mailbox.is_some_and(|mailbox| mailbox.state == MailboxState::Paused);
        let what = if facts.sequence_paused {
            "The sequence is paused"
        } else if !facts.actor_active {
            "The rep who enrolled is deactivated"
        } else if sends && facts.workspace.paused_at.is_some() {
            "All sending is stopped"
        } else if sends && mailbox_paused {
            "The mailbox is paused"
        } else {
            return self.allow(kind, |_| "All active, nobody has stopped them".to_owned());
        };
        self.hold(kind, None, |_| what.to_owned())
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
        match (text.mode, task_overdue_at(task, step, &self.local)) {
            (TaskMode::GoOn, _) => skip(self, "The task is open; the sequence does not wait for it"),
            (TaskMode::WaitUntilOverdue, Some(overdue)) if overdue <= facts.now => skip(self, "The task is overdue"),
            (TaskMode::WaitUntilOverdue, Some(overdue)) => self.hold(kind, Some(overdue), |judge| {
                format!("The task is open; it is skipped {}", judge.at(overdue))
            }),
            _ => self.hold(kind, None, |judge| format!("The task is open; due {}", judge.at(task.due_at))),
        }
    }

    fn mailbox(&mut self) -> Said {
        let kind = RuleKind::Mailbox;
        let Some(mailbox) = self.facts.mailbox else {
            let what = "there is no mailbox for this enrollment.".to_owned();
            return self.block(kind, BlockReason::MailboxSettings { what }, |_| "No mailbox is connected".to_owned());
        };
        match &mailbox.state {
            MailboxState::Connected | MailboxState::Paused => None,
            MailboxState::Unreachable { since, .. } if self.facts.now.since(*since) < HOUR => {
                let until = since.plus_ms(HOUR);
                self.hold(kind, Some(until), |judge| format!("Not reachable since {}; tried again", judge.at(*since)))
            }
            MailboxState::Unreachable { since, .. } => self
                .block(kind, BlockReason::MailboxDisconnected, |judge| format!("Not reachable since {}", judge.at(*since))),
            MailboxState::AuthFailed { since, .. } => self
                .block(kind, BlockReason::AuthFailed, |judge| format!("Password refused {}", judge.at(*since))),
            MailboxState::Misconfigured { message, .. } => {
                self.block(kind, BlockReason::MailboxSettings { what: message.clone() }, |_| message.clone())
            }
        }
    }

    fn recipient(&mut self) -> Said {
        let email = &self.facts.person.fields.email;
        let words = match crate::person::check_email(email) {
            Ok(()) => return None,
            Err(_) if email.is_empty() => "There is no email address".to_owned(),
            Err(refused) => refused.message,
        };
        self.block(RuleKind::Recipient, BlockReason::NoRecipient, |_| words)
    }

    /// What became of this email so far. A person's *send again* is a new generation and starts from nothing.
    fn delivery(&mut self) -> Said {
        let facts = self.facts;
        let delivery = facts.delivery?;
        let kind = RuleKind::Delivery;
        let refused = || {
            let smtp = delivery.smtp_reply.clone().unwrap_or_else(|| "without a reason".to_owned());
            BlockReason::RecipientRefused { smtp }
        };
        match delivery.state {
            DeliveryState::Planned | DeliveryState::Claimed { .. } => None,
            DeliveryState::NotSent => self.allow(kind, |_| "Checked: it has not left".to_owned()),
            DeliveryState::Leaving { .. } => self.hold(kind, None, |_| "It is on its way".to_owned()),
            DeliveryState::Uncertain { .. } => self.block(kind, BlockReason::DeliveryUncertain, |_| {
                "It may have left; not sent again by itself".to_owned()
            }),
            DeliveryState::Deferred { since, .. } if facts.now.since(since) >= GIVE_UP_AFTER_MS => {
                self.block(kind, refused(), |judge| format!("Refused for now since {}", judge.at(since)))
            }
            DeliveryState::Deferred { until, .. } if until > facts.now => {
                self.hold(kind, Some(until), |judge| format!("Refused for now; tried again {}", judge.at(until)))
            }
            DeliveryState::Deferred { attempts, .. } => {
                self.allow(kind, |_| format!("Refused for now {attempts} times; tried again now"))
            }
            DeliveryState::Refused => self.block(kind, refused(), |_| "Refused by the mail server".to_owned()),
            DeliveryState::Sent { at } => self.hold(kind, None, |judge| format!("Sent {}", judge.at(at))),
            DeliveryState::Cancelled | DeliveryState::Skipped => {
                self.hold(kind, None, |_| "It was cancelled; send it again or skip the step".to_owned())
            }
        }
    }

    /// Never a reason to wait: the sender proves the inbox just before a follow-up leaves.
    fn reply(&mut self) -> Said {
        let facts = self.facts;
        self.allow(RuleKind::Reply, |_| {
            let limit = PROOF_VALID_MS / SECOND;
            let proved = facts.mailbox.and_then(|mailbox| mailbox.proved_at.map(|at| (mailbox, facts.now.since(at))));
            match proved {
                _ if facts.is_first_email() => "First email; there is nothing to answer yet".to_owned(),
                Some((mailbox, age)) if proof_is_fresh(mailbox, facts.now) => {
                    format!("Inbox checked {} ago; limit {limit} s", span_words(age))
                }
                Some((_, age)) => {
                    format!("Inbox checked {} ago; it will be checked just before it leaves", span_words(age))
                }
                None => "The inbox will be checked just before it leaves".to_owned(),
            }
        })
    }

    /// Counted from the first moment it could have left. Only an untouched first email is given up.
    fn lateness(&mut self) -> Said {
        let facts = self.facts;
        let State::Active { due, .. } = facts.enrollment.state else { return None };
        let from = facts.resumed_at.map_or(due, |resumed| resumed.max(due));
        if facts.pressed_send || facts.now.since(from) <= DAY {
            return None;
        }
        let first = facts.is_first_email();
        let from = facts.mailbox.and_then(|mailbox| mailbox.away_until(from)).unwrap_or(from);
        let from = self.local.next_open(from, first)?.at;
        let late = facts.now.since(from);
        if first && late > LATE_START_AFTER_MS {
            return self.block(RuleKind::Lateness, BlockReason::LateStart, |_| {
                format!("A first email; {} late, limit 7 days", span_words(late))
            });
        }
        if late > DAY {
            self.allow(RuleKind::Lateness, |_| format!("{} late; later steps move with it", span_words(late)));
        }
        None
    }

    fn window(&mut self) -> Said {
        let facts = self.facts;
        let (now, first) = (facts.now, facts.is_first_email());
        let kind = RuleKind::Window;
        if self.local.schedule.is_none() || facts.pressed_send {
            return self.allow(kind, |_| "Any time".to_owned());
        }
        let words = |judge: &Self| {
            let who = if first { "First emails leave" } else { "Follow-ups leave" };
            let windows: Vec<String> =
                judge.local.windows(first).map(|window| format!("{}–{}", window.from, window.to)).collect();
            format!("{who} {} {}, and it is {}", windows.join(" and "), judge.place(), judge.at(now))
        };
        match self.local.next_open(now, first) {
            None => self.hold(kind, None, |_| "The schedule does not open within three years".to_owned()),
            // On another day the sending day says until when.
            Some(opening) if opening.moved && self.local.is_sending_day(now.zoned(&self.local.zone).date()) => {
                self.hold(kind, Some(opening.at), words)
            }
            Some(_) => self.allow(kind, words),
        }
    }

    fn sending_day(&mut self) -> Said {
        let facts = self.facts;
        let kind = RuleKind::SendingDay;
        if self.local.schedule.is_none() || facts.pressed_send {
            return self.allow(kind, |_| "Any day".to_owned());
        }
        let today = facts.now.zoned(&self.local.zone).date();
        if self.local.is_sending_day(today) {
            return self.allow(kind, |_| format!("{}; no holiday", today.strftime("%A")));
        }
        let until = self.local.next_open(facts.now, facts.is_first_email()).map(|opening| opening.at);
        let holiday = self.local.schedule.is_some_and(|schedule| schedule.holidays.contains(&today));
        self.hold(kind, until, |_| {
            let what = if holiday { "is a holiday" } else { "is not a sending day" };
            format!("{} {what}", today.strftime("%A"))
        })
    }

    fn away(&mut self) -> Said {
        let until = self.facts.mailbox?.away_until(self.facts.now)?;
        self.hold(RuleKind::Away, Some(until), |judge| format!("The mailbox is away until {}", judge.at(until)))
    }

    /// Held only by the quota means blocked with its slot; while something else holds it, it waits for that.
    fn quota(&mut self) -> Said {
        let facts = self.facts;
        let mailbox = facts.mailbox?;
        let (used, quota) = (facts.used_today, mailbox.daily_quota);
        if used < quota {
            return self.allow(RuleKind::Quota, |_| format!("{used} of {quota} sent today"));
        }
        let day = (quota > 0).then(|| quota::next_day(mailbox, facts.now));
        let open = day.and_then(|day| self.local.next_open(day, facts.is_first_email()));
        let slot = match (&facts.enrollment.state, open) {
            (State::Blocked { reason: BlockReason::QuotaReached, resumes_at: Some(planned), .. }, Some(open)) => {
                Some(open.at.max(*planned))
            }
            (_, open) => open.map(|open| open.at),
        };
        self.push(RuleKind::Quota, Verdict::Holds { until: slot }, |_| format!("{used} of {quota} sent today"));
        Some(Decision::Block { reason: BlockReason::QuotaReached, resumes_at: slot })
    }

    fn gap(&mut self) -> Said {
        let facts = self.facts;
        let (mailbox, step) = (facts.mailbox?, facts.step()?);
        let gap = mailbox.min_gap_seconds;
        let Some(last) = facts.last_slot_at else {
            return self.allow(RuleKind::Gap, |_| format!("{gap} s; nothing left before"));
        };
        let free = last.plus_ms(quota::gap_ms(gap, quota::jitter_seed(facts.enrollment.id, step.id)));
        let words = |judge: &Self| format!("{gap} s; the last email left {}", judge.at(last));
        if free <= facts.now {
            return self.allow(RuleKind::Gap, words);
        }
        self.push(RuleKind::Gap, Verdict::AddsMs { ms: free.since(facts.now) }, words);
        Some(Decision::Wait { until: Some(free), because: RuleKind::Gap })
    }

    fn merge_data(&mut self) -> Said {
        let facts = self.facts;
        let kind = RuleKind::MergeData;
        if let Some(what) = facts.template_error {
            return self.block(kind, BlockReason::TemplateError { what: what.to_owned() }, |_| what.to_owned());
        }
        if facts.missing_tags.is_empty() {
            return self.allow(kind, |_| "All tags have values".to_owned());
        }
        let tags = facts.missing_tags.to_vec();
        self.block(kind, BlockReason::MissingMergeData { tags }, |_| {
            format!("No value for {}", tag_words(facts.missing_tags))
        })
    }
}

/// Reasons that the rules judge from the facts of the moment; the others stay until an event releases them.
fn is_judged_anew(reason: &BlockReason) -> bool {
    matches!(
        reason,
        BlockReason::MissingMergeData { .. } | BlockReason::NoRecipient | BlockReason::QuotaReached
    ) || reason.is_of_mailbox()
}

/// *12 s*, *3 min*, *5 h*, *2 days*.
pub fn span_words(ms: i64) -> String {
    match ms.max(0) {
        ms if ms < 2 * MINUTE => format!("{} s", ms / SECOND),
        ms if ms < 2 * HOUR => format!("{} min", ms / MINUTE),
        ms if ms < 2 * DAY => format!("{} h", ms / HOUR),
        ms => format!("{} days", ms / DAY),
    }
}
