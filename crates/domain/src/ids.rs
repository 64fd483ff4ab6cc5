//! A type per entity over UUIDv7, so that two kinds of ids cannot be mixed up.
//!
//! Inside, an id is 16 bytes; at the edge it is text with a prefix that names the kind (`per_…`, `enr_…`), the 128
//! bits in 26 characters of Crockford's base 32 in lower case. Reading a text of another kind is refused.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The text was not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that starts with {expected}_")]
pub struct NotAnId {
    /// The prefix that was expected.
    pub expected: &'static str,
}

fn encode(prefix: &str, id: Uuid) -> String {
    let mut bits = id.as_u128();
    let mut out = [0_u8; 26];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    format!("{prefix}_{}", String::from_utf8_lossy(&out))
}

fn decode(prefix: &'static str, text: &str) -> Result<Uuid, NotAnId> {
    let wrong = NotAnId { expected: prefix };
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(wrong.clone())?;
    if digits.len() != 26 || digits.as_bytes()[0] > b'7' {
        return Err(wrong);
    }
    digits
        .bytes()
        .try_fold(0_u128, |bits, byte| {
            let value = ALPHABET.iter().position(|digit| *digit == byte)?;
            Some((bits << 5) | value as u128)
        })
        .map(Uuid::from_u128)
        .ok_or(wrong)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of its text form.
            pub const PREFIX: &'static str = $prefix;

            /// The id over these 16 bytes.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The 16 bytes.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode($prefix, self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                decode($prefix, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A lead or contact.
    PersonId = "per";
    /// A user of the workspace.
    UserId = "usr";
    /// A mailbox that sends and is watched.
    MailboxId = "mbx";
    /// A template.
    TemplateId = "tpl";
    /// A sequence.
    SequenceId = "seq";
    /// One immutable version of a sequence.
    VersionId = "ver";
    /// A step; it survives versions.
    StepId = "stp";
    /// One person in one sequence.
    EnrollmentId = "enr";
    /// One email of one enrollment.
    DeliveryId = "dlv";
    /// A task.
    TaskId = "tsk";
    /// One event in the history of a person.
    ActivityId = "act";
    /// A received message.
    InboundId = "inb";
    /// An entry of the suppression list.
    SuppressionId = "sup";
    /// Long work: an import or a bulk action.
    JobId = "job";
    /// An API token.
    TokenId = "tok";
    /// A line of the audit log.
    AuditEntryId = "aud";
    /// A smart list.
    ListId = "lst";
    /// A serving process.
    NodeId = "nod";
    /// A note on a person.
    NoteId = "not";
    /// A custom field.
    CustomFieldId = "fld";
    /// A team of users.
    TeamId = "tea";
    /// An uploaded file whose columns are still to be chosen.
    UploadId = "upl";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text_and_refuses_another_kind() {
        let id = PersonId::from_uuid(Uuid::from_u128(0x0192_aabb_ccdd_7eef_8123_4567_89ab_cdef));
        assert_eq!(id.to_string().parse::<PersonId>(), Ok(id));
        assert_eq!(id.to_string().len(), 30);
        assert!(id.to_string().parse::<UserId>().is_err());
        assert!("per_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<PersonId>().is_err());
        assert!("per_".parse::<PersonId>().is_err());
    }
}
