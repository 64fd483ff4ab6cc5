//! Makes ids: UUIDv7, so that rows made together lie together, and in the order in which they were made. From a seed in
//! tests.

use relance_domain::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Where random bits come from, and what was given out last.
#[derive(Debug)]
pub struct Ids {
    seed: Option<AtomicU64>,
    /// The milliseconds of the newest id and, in the lowest [`COUNTER_BITS`], how many came before it within them.
    newest: AtomicU64,
}

/// The bits behind the milliseconds that count (RFC 9562, section 6.2, method 1).
const COUNTER_BITS: u32 = 12;

/// How far ids may run ahead of a clock that went back before they follow it, in ms.
const MOST_AHEAD_MS: u64 = 10_000;

impl Ids {
    /// From the system's generator.
    pub const fn random() -> Self {
        Self { seed: None, newest: AtomicU64::new(0) }
    }

    /// The same ids again for the same seed and order of calls.
    pub const fn seeded(seed: u64) -> Self {
        Self { seed: Some(AtomicU64::new(seed)), newest: AtomicU64::new(0) }
    }

    /// A new UUIDv7 with the milliseconds of `at`, behind every one that this process made within them.
    pub fn uuid(&self, at: Timestamp) -> Uuid {
        let mut random = [0_u8; 10];
        match &self.seed {
            None => rand::fill(&mut random),
            Some(state) => {
                let (high, low) = (mix(state.fetch_add(2, Ordering::Relaxed)), state.load(Ordering::Relaxed));
                random[..8].copy_from_slice(&high.to_be_bytes());
                random[8..].copy_from_slice(&mix(low.wrapping_sub(1)).to_be_bytes()[..2]);
            }
        }
        let place = self.next_place(at.ms().max(0).unsigned_abs());
        random[..2].copy_from_slice(&(place as u16).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(place >> COUNTER_BITS, &random).into_uuid()
    }

    /// Milliseconds and counter of the next id. A counter that is full goes on in the next millisecond.
    fn next_place(&self, ms: u64) -> u64 {
        let after = |newest: u64| match (newest >> COUNTER_BITS).checked_sub(ms) {
            Some(ahead) if ahead < MOST_AHEAD_MS => newest + 1,
            _ => ms << COUNTER_BITS,
        };
        let step = |newest| Some(after(newest));
        match self.newest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(newest) | Err(newest) => after(newest),
        }
    }
}

fn mix(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

macro_rules! makers {
    ($($verb:ident -> $name:ident;)*) => {
        impl crate::Engine {
            $(
                #[doc = concat!("A new [`relance_domain::", stringify!($name), "`].")]
                pub fn $verb(&self) -> relance_domain::$name {
                    relance_domain::$name::from_uuid(self.ids.uuid(self.clock.system_now()))
                }
            )*
        }
    };
}

makers! {
    new_person_id -> PersonId;
    new_user_id -> UserId;
    new_mailbox_id -> MailboxId;
    new_template_id -> TemplateId;
    new_sequence_id -> SequenceId;
    new_version_id -> VersionId;
    new_step_id -> StepId;
    new_enrollment_id -> EnrollmentId;
    new_delivery_id -> DeliveryId;
    new_task_id -> TaskId;
    new_activity_id -> ActivityId;
    new_inbound_id -> InboundId;
    new_suppression_id -> SuppressionId;
    new_job_id -> JobId;
    new_token_id -> TokenId;
    new_audit_entry_id -> AuditEntryId;
    new_list_id -> ListId;
    new_custom_field_id -> CustomFieldId;
    new_team_id -> TeamId;
    new_upload_id -> UploadId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_moment_stand_in_the_order_in_which_they_were_made() {
        let ids = Ids::random();
        let at = Timestamp::from_ms(1_795_428_000_000);
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.uuid(at)).collect();
        assert!(made.is_sorted() && made.windows(2).all(|pair| pair[0] != pair[1]));
        let earlier = ids.uuid(Timestamp::from_ms(at.ms() - 5));
        assert!(earlier > made[9_999], "a clock that goes back a little changes nothing");
        let follows = ids.uuid(Timestamp::from_ms(at.ms() - 86_400_000));
        assert!(follows < made[0], "a clock that was set back is followed");
        assert_eq!(made[0].get_timestamp().map(|time| time.to_unix().0), Some(1_795_428_000));
    }
}
