//! Pausing and resuming one enrollment.

use super::{access, outcome::leaving};
use crate::{Engine, Result, commands::LeavingEmail};
use relance_domain::{
    EnrollmentId, Refused, Timestamp,
    activity::{Activity, ActivityKind},
    enrollment::{Enrollment, Event, PausedBy},
    user::Actor,
};
use relance_storage::{activities, deliveries};
use serde_json::json;

/// A paused enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PausedEnrollment {
    /// The enrollment, paused.
    pub enrollment: Enrollment,
    /// Emails that were already on their way.
    pub leaving: Vec<LeavingEmail>,
}

impl Engine {
    /// Pauses, until a date or until someone resumes.
    pub async fn pause(&self, actor: &Actor, id: EnrollmentId, until: Option<Timestamp>) -> Result<PausedEnrollment> {
        if until.is_some_and(|until| until <= self.now()) {
            return Err(Refused::at("until", "in_the_past", "Choose a time that is still to come.").into());
        }
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        let after = self.apply(&mut tx, &stored, Event::Paused { until, by: PausedBy::Person }).await?;
        let words = if until.is_some() { "Paused until a date" } else { "Paused" };
        let event = Activity {
            detail: json!({ "until": until }),
            ..self.enrollment_event(&after.enrollment, ActivityKind::SequencePaused, actor, words)
        };
        activities::insert(&mut tx, &event).await?;
        let on_the_way = deliveries::leaving_of_enrollments(&mut tx, &[id]).await?;
        tx.commit().await?;
        // A pause that ends by itself may be the next thing to wake for.
        self.signals.due.notify_waiters();
        Ok(PausedEnrollment { enrollment: after.enrollment, leaving: on_the_way.iter().map(leaving).collect() })
    }

    /// Resumes a paused enrollment; the step is due at the later of its due time and now.
    pub async fn resume(&self, actor: &Actor, id: EnrollmentId) -> Result<Enrollment> {
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        let after = self.apply(&mut tx, &stored, Event::Resumed).await?;
        let event = self.enrollment_event(&after.enrollment, ActivityKind::SequenceResumed, actor, "Resumed");
        activities::insert(&mut tx, &event).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(after.enrollment)
    }
}
