//! Quota and gap of a mailbox: how many, how near, in which order.
//!
//! A day is a calendar day in the mailbox's zone; hand-overs count, a deferral or refusal gives its unit back.

use crate::{EnrollmentId, PersonId, StepId, Timestamp, mailbox::Mailbox};
use serde::{Deserialize, Serialize};

/// How much of today's quota is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Hand-overs today.
    pub used: u32,
}

/// The local date in the mailbox's zone at `now`: the key of its quota day.
pub fn day_of(mailbox: &Mailbox, now: Timestamp) -> jiff::civil::Date {
    now.zoned(&mailbox.zone()).date()
}

/// The start of the next quota day.
pub fn next_day(mailbox: &Mailbox, now: Timestamp) -> Timestamp {
    let zone = mailbox.zone();
    let tomorrow = now.zoned(&zone).date().tomorrow().unwrap_or(jiff::civil::Date::MAX);
    tomorrow.to_zoned(zone).map_or_else(|_| now.plus_ms(crate::time::DAY), |zoned| Timestamp::from_zoned(&zoned))
}

/// Due emails that a mailbox decides about in one look.
pub const LOOKED_AT_ONCE: u32 = 50;

/// Days ahead for which held emails get a day of their own; those beyond share the last.
const DAYS_AHEAD: usize = 60;

/// Ranks (from 1, in the order of slots) that leave on another day: they resume then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaSlot {
    /// First rank.
    pub first: u32,
    /// Last rank, inclusive.
    pub last: u32,
    /// When their day begins.
    pub resumes_at: Timestamp,
}

/// The days on which emails leave that today's quota holds, if `taken` others leave before them now.
///
/// Each later day takes its quota of them (fewer while the mailbox warms up); away days take none. Empty without a quota.
pub fn slots_after(mailbox: &Mailbox, now: Timestamp, taken: u32) -> Vec<QuotaSlot> {
    let mut days = std::iter::successors(Some(next_day(mailbox, now)), |day| Some(next_day(mailbox, *day)))
        .filter(|day| mailbox.away_until(*day).is_none())
        .take_while(|day| mailbox.daily_quota > 0 && day.since(now) < 3 * 366 * crate::time::DAY)
        .filter(|day| mailbox.quota_on(day_of(mailbox, *day)) > 0)
        .take(DAYS_AHEAD)
        .peekable();
    let mut slots = Vec::new();
    let mut first = taken.saturating_add(1);
    while let Some(resumes_at) = days.next() {
        let quota = mailbox.quota_on(day_of(mailbox, resumes_at));
        let last = if days.peek().is_some() { first.saturating_add(quota - 1) } else { u32::MAX / 2 };
        slots.push(QuotaSlot { first, last, resumes_at });
        first = last.saturating_add(1);
    }
    slots
}

/// Where a due email stands in the queue of its mailbox; smaller goes first (`engine.md` §2).
///
/// Moved by hand, follow-ups before first emails, longer in the sequence, earlier due, enrolled first. Who was enrolled
/// at the same instant goes by person, which is known before there is an enrollment, so that a preview never moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotOrder {
    not_moved: bool,
    first_email: bool,
    position_desc: std::cmp::Reverse<u32>,
    due: Timestamp,
    enrolled_at: Timestamp,
    person: PersonId,
    id: EnrollmentId,
}

impl SlotOrder {
    /// The order of one due email: `position` counts from 1, `first_email` = nothing was sent before it.
    pub const fn new(
        moved_by_hand: bool,
        first_email: bool,
        position: u32,
        due: Timestamp,
        enrolled_at: Timestamp,
        person: PersonId,
        id: EnrollmentId,
    ) -> Self {
        Self {
            not_moved: !moved_by_hand,
            first_email,
            position_desc: std::cmp::Reverse(position),
            due,
            enrolled_at,
            person,
            id,
        }
    }
}

/// Milliseconds between the previous email of the mailbox and one with this seed: the gap plus its jitter, 0 to
/// `jitter_percent` of it.
///
/// The jitter is a hash of `seed` (person and step, known before there is an enrollment), so a preview never moves.
pub fn gap_ms(mailbox: &Mailbox, seed: u128) -> i64 {
    let gap = i64::from(mailbox.min_gap_seconds) * crate::time::SECOND;
    gap + gap * jitter_permille(seed, mailbox.jitter_percent) / 1000
}

/// 0 to ten times the percentage, from the bits of a hash.
fn jitter_permille(seed: u128, percent: u32) -> i64 {
    let mut bits = (seed as u64) ^ ((seed >> 64) as u64);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    ((bits ^ (bits >> 33)) % (u64::from(percent) * 10 + 1)) as i64
}

/// The seed of one email's jitter.
pub fn jitter_seed(person: PersonId, step: StepId) -> u128 {
    person.uuid().as_u128().rotate_left(17) ^ step.uuid().as_u128()
}
