//! What commands answer that several of them share.

use relance_domain::{DeliveryId, EnrollmentId, PersonId, Refused, delivery::Delivery};
use serde::{Deserialize, Serialize};

/// An email that was already past the point of no return when the rest was held: it may still arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeavingEmail {
    /// Which.
    pub delivery_id: DeliveryId,
    /// Of which enrollment.
    pub enrollment_id: EnrollmentId,
    /// Its subject.
    pub subject: String,
    /// To whom.
    pub recipient: String,
}

/// What ending or holding enrollments did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Enrollments that ended or were held.
    pub enrollments: u64,
    /// Emails that will not leave.
    pub cancelled_emails: u64,
    /// Tasks that were cancelled.
    pub cancelled_tasks: u64,
    /// Emails that were already on their way.
    pub leaving: Vec<LeavingEmail>,
}

impl Ended {
    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.enrollments += other.enrollments;
        self.cancelled_emails += other.cancelled_emails;
        self.cancelled_tasks += other.cancelled_tasks;
        self.leaving.extend(other.leaving);
    }
}

/// What became of one row of a bulk action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowOutcome {
    /// Whom it concerned.
    pub person_id: PersonId,
    /// The enrollment that was begun or is in the way, if any.
    pub enrollment_id: Option<EnrollmentId>,
    /// Why nothing was done; `None` = done.
    pub refused: Option<Refused>,
    /// The contact a lead was merged into, if it was.
    pub merged_into: Option<PersonId>,
    /// What was done, where the action alone does not say it; else empty.
    pub note: String,
}

impl RowOutcome {
    /// A row that was done.
    pub const fn done(person_id: PersonId) -> Self {
        Self { person_id, enrollment_id: None, refused: None, merged_into: None, note: String::new() }
    }

    /// A row that a rule refused.
    pub fn refused(person_id: PersonId, refused: Refused) -> Self {
        Self { refused: Some(refused), ..Self::done(person_id) }
    }
}

/// An email on its way, as answers name it.
pub(crate) fn leaving(delivery: &Delivery) -> LeavingEmail {
    LeavingEmail {
        delivery_id: delivery.id,
        enrollment_id: delivery.enrollment_id,
        subject: delivery.subject.clone(),
        recipient: delivery.recipient.clone(),
    }
}
