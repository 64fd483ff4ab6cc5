//! Quota and gap of a mailbox: how many, how near, in which order.
//!
//! A day is a calendar day in the mailbox's zone; hand-overs count, a deferral or refusal gives its unit back.

use crate::{EnrollmentId, Timestamp, mailbox::Mailbox};
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

/// Starts of the quota days on which held emails leave, in their order: the n-th item is for the n-th of them.
///
/// Each later day takes `quota` of them; away days take none. Empty without a quota.
pub fn slots_after(mailbox: &Mailbox, now: Timestamp, quota: u32) -> impl Iterator<Item = Timestamp> + '_ {
    let days = std::iter::successors(Some(next_day(mailbox, now)), |day| Some(next_day(mailbox, *day)))
        .filter(|day| mailbox.away_until(*day).is_none())
        .take_while(move |day| quota > 0 && day.since(now) < 3 * 366 * crate::time::DAY);
    days.flat_map(move |day| std::iter::repeat_n(day, quota as usize))
}

/// Where a due email stands in the queue of its mailbox; smaller goes first (`engine.md` §2).
///
/// Moved by hand, follow-ups before first emails, longer in the sequence, earlier due, enrolled first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotOrder {
    not_moved: bool,
    first_email: bool,
    position_desc: std::cmp::Reverse<u32>,
    due: Timestamp,
    enrolled_at: Timestamp,
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
        id: EnrollmentId,
    ) -> Self {
        Self {
            not_moved: !moved_by_hand,
            first_email,
            position_desc: std::cmp::Reverse(position),
            due,
            enrolled_at,
            id,
        }
    }
}

/// Milliseconds between the previous email of the mailbox and one with this seed: the gap plus 0–50 % jitter.
///
/// The jitter is a hash of `seed` (the delivery's enrollment and step), so a preview never moves.
pub fn gap_ms(min_gap_seconds: u32, seed: u128) -> i64 {
    let gap = i64::from(min_gap_seconds) * crate::time::SECOND;
    gap + gap * jitter_permille(seed) / 1000
}

/// 0 to 500, from the bits of a hash.
fn jitter_permille(seed: u128) -> i64 {
    let mut bits = (seed as u64) ^ ((seed >> 64) as u64);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    ((bits ^ (bits >> 33)) % 501) as i64
}

/// The seed of one email's jitter.
pub fn jitter_seed(enrollment: EnrollmentId, step: crate::StepId) -> u128 {
    enrollment.uuid().as_u128().rotate_left(17) ^ step.uuid().as_u128()
}
