//! One person's next step: moved to another time, or skipped.

use super::{access, moves};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    EnrollmentId, Refused, StepId, Timestamp,
    activity::{Activity, ActivityKind},
    delivery::{DeliveryEvent, DeliveryState},
    enrollment::{BlockReason, Enrollment, Event, FinishReason, State},
    task::TaskState,
    user::Actor,
};
use relance_storage::{Tx, activities, deliveries, enrollments::StoredEnrollment, tasks};
use serde_json::json;

/// Refused unless `step` is the one that comes next.
fn must_be_current(stored: &StoredEnrollment, step: StepId) -> Result<()> {
    if stored.enrollment.state.step() == Some(step) {
        return Ok(());
    }
    if stored.enrollment.state.step().is_none() {
        return Err(EngineError::refused("not_current", "This sequence has ended: there is no step to move or skip."));
    }
    let message = "Only the step that comes next can be moved or skipped, and that is another one.";
    Err(EngineError::refused("not_current", message))
}

impl Engine {
    /// Moves the current step to another time; it leaves before others of its mailbox then.
    pub async fn reschedule(&self, actor: &Actor, id: EnrollmentId, step: StepId, at: Timestamp) -> Result<Enrollment> {
        if at < self.now() {
            return Err(Refused::at("at", "in_the_past", "Choose a time that is still to come.").into());
        }
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        must_be_current(&stored, step)?;
        self.nothing_on_its_way(&mut tx, &stored).await?;
        let after = self
            .apply_with(&mut tx, &stored, Event::Rescheduled { due: at }, |change| change.moved_by_hand = true)
            .await?;
        let event = Activity {
            detail: json!({ "step_id": step, "at": at }),
            ..self.enrollment_event(&after.enrollment, ActivityKind::StepMoved, actor, "Moved to another time")
        };
        activities::insert(&mut tx, &event).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(after.enrollment)
    }

    /// Skips the current step; the next one's wait starts now.
    pub async fn skip_step(&self, actor: &Actor, id: EnrollmentId, step: StepId) -> Result<Enrollment> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        must_be_current(&stored, step)?;
        self.nothing_on_its_way(&mut tx, &stored).await?;
        if let Some(delivery) = deliveries::latest_of_step(&mut tx, id, step).await?
            && let Ok(skipped) = delivery.state.after(DeliveryEvent::Skip, now)
        {
            deliveries::set_state(&mut tx, delivery.id, delivery.state, skipped, None, now).await?;
        }
        if let Some(task) = tasks::find_of_step(&mut tx, id, step).await? {
            tasks::close(&mut tx, task.id, TaskState::Skipped, now).await?;
        }
        let after = self.skip_locked(&mut tx, actor, &stored).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(after)
    }

    /// Goes on past the current step of a locked row, and says so.
    pub(crate) async fn skip_locked(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: &StoredEnrollment,
    ) -> Result<Enrollment> {
        let plan = moves::plan_of(tx, stored).await?;
        let step = stored.enrollment.state.step();
        let after = self.advance(tx, stored, &plan, self.now(), 0).await?;
        let event = Activity {
            detail: json!({ "step_id": step }),
            ..self.enrollment_event(&after.enrollment, ActivityKind::StepSkipped, actor, "Step skipped")
        };
        activities::insert(tx, &event).await?;
        if Self::has_just_ended(stored, &after) {
            self.after_one_end(tx, &after.enrollment, &FinishReason::Completed, actor).await?;
        }
        Ok(after.enrollment)
    }

    /// What asks for a decision is decided first, and an email on its way is not called back.
    async fn nothing_on_its_way(&self, tx: &mut Tx, stored: &StoredEnrollment) -> Result<()> {
        if let State::Blocked { reason, .. } = &stored.enrollment.state
            && reason.asks_for_decision()
        {
            let message = match reason {
                BlockReason::DeliveryUncertain => {
                    "This email may have left. Say first whether it did: mark it as sent, or send it again.".to_owned()
                }
                reason => format!("{} {}", reason.sentence(), reason.releases()),
            };
            return Err(EngineError::refused(reason.code(), message));
        }
        let step = stored.enrollment.state.step();
        let latest = match step {
            Some(step) => deliveries::latest_of_step(tx, stored.enrollment.id, step).await?,
            None => None,
        };
        if latest.is_some_and(|delivery| matches!(delivery.state, DeliveryState::Leaving { .. })) {
            return Err(EngineError::refused("leaving", "This email is on its way at this moment."));
        }
        Ok(())
    }
}
