//! A world played forward: what wakes up by itself, then one look of each mailbox, instant after instant.
//!
//! The turns are those of the engine: a look takes the first due emails in the order of slots, sends what may leave,
//! stops at the gap, and holds what the quota does not allow until the days of its slots.

use super::{Forecast, Leaving, Prospect, run::Runner};
use crate::{
    MailboxId, Timestamp,
    decision::{Decision, RuleKind},
    enrollment::BlockReason,
    mailbox::Mailbox,
    quota::{self, LOOKED_AT_ONCE, SlotOrder},
    time::SECOND,
};
use jiff::civil::Date;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

/// Instants that are looked at at most; a world that needs more ends early instead of never.
const MOST_INSTANTS: usize = 10_000_000;

/// One mailbox and its due emails.
struct Desk<'a> {
    mailbox: &'a Mailbox,
    due: BTreeSet<(SlotOrder, usize)>,
    used: BTreeMap<Date, u32>,
    last: Option<Timestamp>,
    look: Option<Timestamp>,
}

impl Desk<'_> {
    /// The end of the least gap: nothing leaves before.
    fn gap_end(&self) -> Option<Timestamp> {
        self.last.map(|last| last.plus_ms(i64::from(self.mailbox.min_gap_seconds) * SECOND))
    }

    fn hasten(&mut self, at: Timestamp) {
        let at = self.gap_end().map_or(at, |end| end.max(at));
        self.look = Some(self.look.map_or(at, |look| look.min(at)));
    }
}

/// All enrollments and mailboxes of a world.
pub(super) struct Queue<'a> {
    runners: Vec<Runner<'a>>,
    /// The mailbox of each runner.
    of: Vec<Option<usize>>,
    desks: Vec<Desk<'a>>,
    wakes: BinaryHeap<Reverse<(Timestamp, usize)>>,
    emails: Vec<Leaving>,
}

impl<'a> Queue<'a> {
    pub fn new(prospects: &'a [Prospect<'a>]) -> Self {
        let mut queue = Self {
            runners: Vec::with_capacity(prospects.len()),
            of: Vec::with_capacity(prospects.len()),
            desks: Vec::new(),
            wakes: BinaryHeap::new(),
            emails: Vec::new(),
        };
        let mut known: BTreeMap<MailboxId, usize> = BTreeMap::new();
        for (index, prospect) in prospects.iter().enumerate() {
            let facts = &prospect.facts;
            queue.of.push(facts.mailbox.map(|mailbox| {
                *known.entry(mailbox.id).or_insert_with(|| {
                    queue.desks.push(Desk {
                        mailbox,
                        due: BTreeSet::new(),
                        used: BTreeMap::from([(quota::day_of(mailbox, facts.now), facts.used_today)]),
                        last: facts.last_slot_at,
                        look: None,
                    });
                    queue.desks.len() - 1
                })
            }));
            queue.runners.push(Runner::new(prospect));
            queue.sleep(index);
        }
        queue
    }

    /// Plays until nothing happens any more, or past `until`.
    pub fn play(mut self, until: Option<Timestamp>) -> Forecast {
        for _ in 0..MOST_INSTANTS {
            let Some(now) = self.next().filter(|now| until.is_none_or(|until| *now <= until)) else { break };
            self.wake(now);
            for desk in 0..self.desks.len() {
                if self.desks[desk].look.is_some_and(|look| look <= now) {
                    self.look(desk, now);
                }
            }
        }
        Forecast { steps: self.runners.into_iter().map(Runner::into_steps).collect(), emails: self.emails }
    }

    fn next(&self) -> Option<Timestamp> {
        let wake = self.wakes.peek().map(|Reverse((at, _))| *at);
        self.desks.iter().filter_map(|desk| desk.look).chain(wake).min()
    }

    fn sleep(&mut self, index: usize) {
        if let Some(at) = self.runners[index].wake {
            self.wakes.push(Reverse((at, index)));
        }
    }

    /// Everything whose time has come.
    fn wake(&mut self, now: Timestamp) {
        while let Some(Reverse((at, index))) = self.wakes.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            self.wakes.pop();
            if self.runners[index].wake != Some(at) {
                continue;
            }
            let comes_up = self.runners[index].wake_up(now);
            match self.of[index].filter(|_| comes_up) {
                Some(desk) => {
                    let order = self.runners[index].order();
                    self.desks[desk].due.insert((order, index));
                    self.desks[desk].hasten(now);
                }
                None => self.sleep(index),
            }
        }
    }

    /// One look of a mailbox.
    fn look(&mut self, desk: usize, now: Timestamp) {
        let due: Vec<(SlotOrder, usize)> = self.desks[desk].due.iter().take(LOOKED_AT_ONCE as usize).copied().collect();
        let (mut leave, mut gap_until, mut is_full) = (Vec::new(), None, false);
        let mut last = self.desks[desk].last;
        let day = quota::day_of(self.desks[desk].mailbox, now);
        let used = self.desks[desk].used.get(&day).copied().unwrap_or(0);
        for entry in &due {
            let taken = u32::try_from(leave.len()).unwrap_or(u32::MAX);
            match self.runners[entry.1].decide_email(now, used.saturating_add(taken), last) {
                None => {
                    leave.push((*entry, used.saturating_add(taken), last));
                    last = Some(now);
                }
                Some(Decision::Wait { until, because: RuleKind::Gap }) => {
                    gap_until = until;
                    break;
                }
                Some(Decision::Block { reason: BlockReason::QuotaReached, .. }) => {
                    is_full = true;
                    break;
                }
                Some(decided) => {
                    self.desks[desk].due.remove(entry);
                    self.runners[entry.1].hold(decided, now);
                    self.sleep(entry.1);
                }
            }
        }
        if is_full {
            self.hold_for_quota(desk, leave.len(), now);
        }
        let sent = leave.len();
        for (entry, used, last) in leave {
            self.desks[desk].due.remove(&entry);
            let left = self.runners[entry.1].leave(entry.1, now, used, last);
            self.emails.extend(left);
            self.sleep(entry.1);
        }
        let desk = &mut self.desks[desk];
        if sent > 0 {
            desk.last = Some(now);
            *desk.used.entry(day).or_default() += u32::try_from(sent).unwrap_or(u32::MAX);
        }
        desk.look = None;
        if !desk.due.is_empty() {
            // After a departure the least gap ends first: who is next, and with which jitter, is decided then.
            desk.hasten(gap_until.filter(|_| sent == 0).unwrap_or(now).max(now));
        }
    }

    /// All due emails of the mailbox but those that leave now are held until the days of their slots.
    fn hold_for_quota(&mut self, desk: usize, leave: usize, now: Timestamp) {
        let held: Vec<(SlotOrder, usize)> = self.desks[desk].due.iter().skip(leave).copied().collect();
        let taken = u32::try_from(leave).unwrap_or(u32::MAX);
        let slots = quota::slots_after(self.desks[desk].mailbox, now, taken);
        for (rank, entry) in (taken.saturating_add(1)..).zip(held) {
            self.desks[desk].due.remove(&entry);
            let decided = slots.iter().find(|slot| (slot.first..=slot.last).contains(&rank));
            match decided {
                Some(slot) => self.runners[entry.1].hold_for_quota(slot.resumes_at, now),
                None => self.runners[entry.1]
                    .hold(Decision::Block { reason: BlockReason::QuotaReached, resumes_at: None }, now),
            }
            self.sleep(entry.1);
        }
    }
}
