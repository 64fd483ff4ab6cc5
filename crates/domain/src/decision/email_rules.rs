//! The rules of an email that is due: mailbox, address, what became of it, lateness, window, quota, gap, merge data.

use super::{
    Decision, RuleKind, Verdict,
    rules::{Judge, Said},
};
use crate::{
    delivery::{DeliveryState, GIVE_UP_AFTER_MS},
    enrollment::{BlockReason, State, tag_words},
    mailbox::{MailboxState, PROOF_VALID_MS, proof_is_fresh},
    quota,
    time::{DAY, HOUR, MINUTE, SECOND},
};

/// A first email that is later than this is not sent without a person: 7 days in milliseconds.
pub const LATE_START_AFTER_MS: i64 = 7 * DAY;

impl Judge<'_> {
    pub(super) fn mailbox(&mut self) -> Said {
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
            MailboxState::Unreachable { since, .. } => self.block(kind, BlockReason::MailboxDisconnected, |judge| {
                format!("Not reachable since {}", judge.at(*since))
            }),
            MailboxState::AuthFailed { since, .. } => {
                self.block(kind, BlockReason::AuthFailed, |judge| format!("Password refused {}", judge.at(*since)))
            }
            MailboxState::Misconfigured { message, .. } => {
                self.block(kind, BlockReason::MailboxSettings { what: message.clone() }, |_| message.clone())
            }
        }
    }

    /// The point of no return leaves out a mailbox that is to be compared.
    pub(super) fn start_check(&mut self) -> Said {
        let check = self.facts.comparing?;
        self.hold(RuleKind::StartCheck, None, |_| {
            format!(
                "{}; the inbox must be read and the Sent folder compared first",
                check.title().trim_end_matches('.')
            )
        })
    }

    pub(super) fn recipient(&mut self) -> Said {
        let email = &self.facts.person.fields.email;
        let words = match crate::person::check_email(email) {
            Ok(()) => return None,
            Err(_) if email.is_empty() => "There is no email address".to_owned(),
            Err(refused) => refused.message,
        };
        self.block(RuleKind::Recipient, BlockReason::NoRecipient, |_| words)
    }

    /// What became of this email so far. A person's *send again* is a new generation and starts from nothing.
    pub(super) fn delivery(&mut self) -> Said {
        let facts = self.facts;
        let delivery = facts.delivery?;
        let kind = RuleKind::Delivery;
        let refused = || {
            let smtp = delivery.smtp_reply.clone().unwrap_or_else(|| "without a reason".to_owned());
            BlockReason::RecipientRefused { smtp }
        };
        match delivery.state {
            DeliveryState::Planned | DeliveryState::Claimed { .. } => None,
            DeliveryState::NotSent => {
                self.hold(kind, None, |_| "It has not left; send it again or skip the step".to_owned())
            }
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
    pub(super) fn reply(&mut self) -> Said {
        let facts = self.facts;
        self.allow(RuleKind::Reply, |_| {
            let limit = PROOF_VALID_MS / SECOND;
            let proved = facts.mailbox.and_then(|mailbox| mailbox.proved_at.map(|at| (mailbox, facts.now.since(at))));
            match proved {
                _ if facts.is_first_email() => "First email; there is nothing to answer yet".to_owned(),
                Some((mailbox, age)) if proof_is_fresh(mailbox, facts.now) => {
                    format!("Inbox checked {} ago; limit {limit} s", span_words(age))
                }
                Some((_, age)) if age < DAY => {
                    format!("Inbox checked {} ago; it will be checked just before it leaves", span_words(age))
                }
                _ => "The inbox will be checked just before it leaves".to_owned(),
            }
        })
    }

    /// Late is what an outage kept from leaving, not what waited for a window, a quota or a gap.
    pub(super) fn lateness(&mut self) -> Said {
        let facts = self.facts;
        let State::Active { due, .. } = facts.enrollment.state else { return None };
        let from = facts.resumed_at.map_or(due, |resumed| resumed.max(due));
        let back = facts.worked_since.filter(|back| !facts.pressed_send && back.since(from) > DAY)?;
        let first = facts.is_first_email();
        let from = facts.mailbox.and_then(|mailbox| mailbox.away_until(from)).unwrap_or(from);
        let late = back.since(self.local.next_open(from, first)?.at);
        if first && late > LATE_START_AFTER_MS {
            return self.block(RuleKind::Lateness, BlockReason::LateStart, |_| {
                format!("A first email; {} late after an outage, limit 7 days", span_words(late))
            });
        }
        if late > DAY {
            self.allow(RuleKind::Lateness, |_| {
                format!("{} late after an outage; later steps move with it", span_words(late))
            });
        }
        None
    }

    pub(super) fn window(&mut self) -> Said {
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

    pub(super) fn sending_day(&mut self) -> Said {
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
        self.hold(kind, until, |judge| {
            let holiday = judge.local.holiday_words(today);
            holiday.unwrap_or_else(|| format!("{} is not a sending day", today.strftime("%A")))
        })
    }

    pub(super) fn away(&mut self) -> Said {
        let until = self.facts.mailbox?.away_until(self.facts.now)?;
        self.hold(RuleKind::Away, Some(until), |judge| format!("The mailbox is away until {}", judge.at(until)))
    }

    /// Held only by the quota means blocked with its slot; while something else holds it, it waits for that.
    pub(super) fn quota(&mut self) -> Said {
        let facts = self.facts;
        let mailbox = facts.mailbox?;
        let today = quota::day_of(mailbox, facts.now);
        let (used, quota) = (facts.used_today, mailbox.quota_on(today));
        let words = move |_: &Self| {
            let warming = if mailbox.is_ramping_up(today) { ", the ramp-up's number" } else { "" };
            format!("{used} of {quota} sent today{warming}")
        };
        if used < quota {
            return self.allow(RuleKind::Quota, words);
        }
        let day = (mailbox.daily_quota > 0).then(|| quota::next_day(mailbox, facts.now));
        let open = day.and_then(|day| self.local.next_open(day, facts.is_first_email()));
        let slot = match (&facts.enrollment.state, open) {
            (State::Blocked { reason: BlockReason::QuotaReached, resumes_at: Some(planned), .. }, Some(open)) => {
                Some(open.at.max(*planned))
            }
            (_, open) => open.map(|open| open.at),
        };
        self.push(RuleKind::Quota, Verdict::Holds { until: slot }, words);
        Some(Decision::Block { reason: BlockReason::QuotaReached, resumes_at: slot })
    }

    pub(super) fn gap(&mut self) -> Said {
        let facts = self.facts;
        let (mailbox, step) = (facts.mailbox?, facts.step()?);
        let gap = mailbox.min_gap_seconds;
        let jitter = match mailbox.jitter_percent {
            percent if percent == 0 || gap == 0 => String::new(),
            percent => format!(" and up to {percent} % more"),
        };
        let Some(last) = facts.last_slot_at else {
            return self.allow(RuleKind::Gap, |_| format!("{gap} s{jitter}; nothing left before"));
        };
        let free = last.plus_ms(quota::gap_ms(mailbox, quota::jitter_seed(facts.person.id, step.id)));
        let words = |judge: &Self| format!("{gap} s{jitter}; the last email left {}", judge.at(last));
        if free <= facts.now {
            return self.allow(RuleKind::Gap, words);
        }
        self.push(RuleKind::Gap, Verdict::AddsMs { ms: free.since(facts.now) }, words);
        Some(Decision::Wait { until: Some(free), because: RuleKind::Gap })
    }

    pub(super) fn merge_data(&mut self) -> Said {
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

/// *12 s*, *3 min*, *5 h*, *2 days*.
pub fn span_words(ms: i64) -> String {
    match ms.max(0) {
        ms if ms < 2 * MINUTE => format!("{} s", ms / SECOND),
        ms if ms < 2 * HOUR => format!("{} min", ms / MINUTE),
        ms if ms < 2 * DAY => format!("{} h", ms / HOUR),
        ms => format!("{} days", ms / DAY),
    }
}
