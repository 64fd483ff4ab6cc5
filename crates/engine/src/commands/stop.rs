//! Stopping: no scheduled or future email leaves, open tasks of the sequence are cancelled.

use super::access;
use crate::{
    Engine, Result,
    commands::{Ended, LeavingEmail},
};
use relance_domain::{
    EnrollmentId,
    enrollment::{Enrollment, Event, FinishReason},
    user::Actor,
};

/// A stopped enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// The enrollment, finished.
    pub enrollment: Enrollment,
    /// Emails that will not leave.
    pub cancelled_emails: u64,
    /// Tasks that were cancelled.
    pub cancelled_tasks: u64,
    /// Emails that were already on their way.
    pub leaving: Vec<LeavingEmail>,
}

impl Engine {
    /// Stops one enrollment. Stopping what has ended is refused (`not_allowed`).
    pub async fn stop(&self, actor: &Actor, id: EnrollmentId) -> Result<Stopped> {
        let reason = FinishReason::Stopped { by: actor.user_id() };
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        let after = self.apply(&mut tx, &stored, Event::Ended { reason: reason.clone() }).await?;
        let ended = self.after_one_end(&mut tx, &after.enrollment, &reason, actor).await?;
        tx.commit().await?;
        Ok(Stopped {
            enrollment: after.enrollment,
            cancelled_emails: ended.cancelled_emails,
            cancelled_tasks: ended.cancelled_tasks,
            leaving: ended.leaving,
        })
    }

    /// Stops many; those that have ended are left as they are. At most 1,000 at once.
    pub async fn stop_many(&self, actor: &Actor, ids: &[EnrollmentId]) -> Result<Ended> {
        super::at_most_1000(ids.len())?;
        let mut tx = self.store.begin().await?;
        for stored in relance_storage::enrollments::find_many(&mut tx, ids, true).await? {
            access::may_touch_enrollment(&mut tx, actor, &stored.enrollment).await?;
        }
        let reason = FinishReason::Stopped { by: actor.user_id() };
        let ended = self.end_enrollments(&mut tx, ids, &reason, actor).await?;
        tx.commit().await?;
        Ok(ended)
    }
}
