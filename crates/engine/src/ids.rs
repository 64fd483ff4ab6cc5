//! Makes ids: UUIDv7, so that rows made together lie together. From a seed in tests.

use relance_domain::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Where random bits come from.
#[derive(Debug)]
pub struct Ids {
    seed: Option<AtomicU64>,
}

impl Ids {
    /// From the system's generator.
    pub const fn random() -> Self {
        Self { seed: None }
    }

    /// The same ids again for the same seed and order of calls.
    pub const fn seeded(seed: u64) -> Self {
        Self { seed: Some(AtomicU64::new(seed)) }
    }

    /// A new UUIDv7 with the milliseconds of `at`.
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
        uuid::Builder::from_unix_timestamp_millis(at.ms().max(0).unsigned_abs(), &random).into_uuid()
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
    new_list_id -> ListId;
    new_custom_field_id -> CustomFieldId;
    new_team_id -> TeamId;
    new_upload_id -> UploadId;
}
