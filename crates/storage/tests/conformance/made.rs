//! Builders of enrollments, deliveries and tasks around one user, mailbox and sequence.

use crate::{
    fixtures,
    harness::{at, id},
};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, StepId, Timestamp, UserId, VersionId,
    delivery::{Delivery, DeliveryState},
    enrollment::{Enrollment, State},
    step::TaskKind,
    task::{Task, TaskState},
};
use relance_storage::{
    Store, Tx,
    enrollments::{self, Inserted, StoredEnrollment},
};

/// What most tests need: a user with a mailbox, and a sequence.
#[derive(Clone, Copy)]
pub struct Made {
    /// An admin.
    pub user: UserId,
    /// Their mailbox.
    pub mailbox: MailboxId,
    /// An active sequence.
    pub sequence: SequenceId,
    /// Its version.
    pub version: VersionId,
}

/// User 1, mailbox 2, sequence 3.
pub async fn made(tx: &mut Tx) -> Made {
    let user = fixtures::user(tx, 1).await;
    let mailbox = fixtures::mailbox(tx, 2, user).await;
    let (sequence, version) = fixtures::sequence(tx, 3).await;
    Made { user, mailbox, sequence, version }
}

/// A write transaction.
pub async fn begin(store: &Store) -> Tx {
    store.begin().await.expect("a transaction")
}

/// A read transaction.
pub async fn read(store: &Store) -> Tx {
    store.read().await.expect("a transaction")
}

/// Step number `n`.
pub fn step(n: u128) -> StepId {
    id(1000 + n)
}

impl Made {
    /// An active enrollment number `n` of `person`, whose first step, an email, is due at `due`.
    pub fn enrollment(&self, n: u128, person: PersonId, due: Timestamp) -> StoredEnrollment {
        StoredEnrollment {
            enrollment: Enrollment {
                id: id(n),
                person_id: person,
                sequence_id: self.sequence,
                version_id: self.version,
                mailbox_id: Some(self.mailbox),
                actor_id: self.user,
                state: State::Active { step: step(1), due },
                revision: 0,
                address_key: Some(format!("person{n}@prospect.example")),
                done_steps: Vec::new(),
                moved_by_hand: false,
                last_step_at: None,
                enrolled_at: at(0),
            },
            step_action: Some("automated_email".to_owned()),
            position: 1,
            wake_at: Some(due),
            emails_sent: 0,
            finished_by: None,
            updated_at: at(0),
        }
    }

    /// The same, stored, of a new person `n`.
    pub async fn enrolled(&self, tx: &mut Tx, n: u128, due: Timestamp) -> StoredEnrollment {
        let person = fixtures::person(tx, n).await;
        let stored = self.enrollment(n, person, due);
        self.store(tx, &stored).await;
        stored
    }

    /// Stores an enrollment.
    pub async fn store(&self, tx: &mut Tx, stored: &StoredEnrollment) {
        assert_eq!(enrollments::insert(tx, stored).await.expect("stored"), Inserted::Yes);
    }
}

/// A delivery number `n` of the enrollment's step.
pub fn delivery(n: u128, stored: &StoredEnrollment, step: StepId, state: DeliveryState) -> Delivery {
    let e = &stored.enrollment;
    Delivery {
        id: id(n),
        enrollment_id: e.id,
        person_id: e.person_id,
        step_id: step,
        generation: 1,
        mailbox_id: e.mailbox_id.expect("a mailbox"),
        state,
        message_id: format!("{n}@team.example"),
        recipient: "maya@prospect.example".to_owned(),
        subject: format!("Subject {n}"),
        html: "<p>Hello</p>".to_owned(),
        text: "Hello".to_owned(),
        attachments: Vec::new(),
        in_reply_to: Some("0@team.example".to_owned()),
        references: vec!["0@team.example".to_owned()],
        smtp_reply: None,
        attempts: if let DeliveryState::Deferred { attempts, .. } = state { attempts } else { 0 },
        created_at: at(i64::try_from(n).expect("small")),
    }
}

/// An open task number `n`.
pub fn task(n: u128, owner: UserId, of: Option<(EnrollmentId, PersonId, StepId)>, due_at: Timestamp) -> Task {
    Task {
        id: id(n),
        person_id: of.map(|(_, person, _)| person),
        owner_id: owner,
        enrollment_id: of.map(|(enrollment, _, _)| enrollment),
        step_id: of.map(|(_, _, step)| step),
        delivery_id: None,
        kind: TaskKind::Call,
        content: format!("Call number {n}"),
        due_at,
        state: TaskState::Open,
        closed_at: None,
        created_at: at(0),
    }
}
