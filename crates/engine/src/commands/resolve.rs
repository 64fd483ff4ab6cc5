//! Saying what became of an email that may or may not have left.

use super::{access, moves};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    EnrollmentId, Timestamp,
    activity::{Activity, ActivityKind},
    delivery::{Delivery, DeliveryEvent, DeliveryState},
    enrollment::{BlockReason, Enrollment, Event, FinishReason, State},
    user::Actor,
};
use relance_storage::{Tx, activities, deliveries, enrollments::StoredEnrollment};
use serde_json::json;

const fn is_uncertain(delivery: &Delivery) -> bool {
    matches!(delivery.state, DeliveryState::Uncertain { .. })
}

impl Engine {
    /// `sent`: it left, and the enrollment goes on from then. Otherwise it did not, and it is sent again as a new generation.
    pub async fn resolve(&self, actor: &Actor, id: EnrollmentId, sent: bool) -> Result<Enrollment> {
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        let delivery = deliveries::of_enrollment(&mut tx, id).await?.into_iter().find(is_uncertain);
        let nothing = || EngineError::refused("nothing_uncertain", "No email of this enrollment is uncertain.");
        let delivery = delivery.ok_or_else(nothing)?;
        let after = if sent {
            self.resolve_as_sent(&mut tx, actor, &stored, &delivery).await?
        } else {
            self.resolve_as_not_sent(&mut tx, &stored, &delivery).await?
        };
        let words = if sent { "Marked as sent" } else { "Marked as not sent; it is sent again" };
        let event = Activity {
            delivery_id: Some(delivery.id),
            detail: json!({ "sent": sent }),
            ..self.enrollment_event(&after, ActivityKind::EmailResolved, actor, words)
        };
        activities::insert(&mut tx, &event).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(after)
    }

    /// The instant of the point of no return counts as the time of the step.
    async fn resolve_as_sent(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: &StoredEnrollment,
        delivery: &Delivery,
    ) -> Result<Enrollment> {
        let left_at: Timestamp = match delivery.state {
            DeliveryState::Uncertain { at } | DeliveryState::Leaving { at, .. } => at,
            _ => self.now(),
        };
        let state = delivery.state.after(DeliveryEvent::FoundSent, left_at)?;
        deliveries::set_state(tx, delivery.id, delivery.state, state, None, self.now()).await?;
        if stored.enrollment.state.step() != Some(delivery.step_id) {
            return Ok(stored.enrollment.clone());
        }
        let plan = moves::plan_of(tx, stored).await?;
        let after = self.advance(tx, stored, &plan, left_at, 1).await?;
        if Self::has_just_ended(stored, &after) {
            self.after_one_end(tx, &after.enrollment, &FinishReason::Completed, actor).await?;
        }
        Ok(after.enrollment)
    }

    async fn resolve_as_not_sent(
        &self,
        tx: &mut Tx,
        stored: &StoredEnrollment,
        delivery: &Delivery,
    ) -> Result<Enrollment> {
        let now = self.now();
        let state = delivery.state.after(DeliveryEvent::FoundNotSent, now)?;
        deliveries::set_state(tx, delivery.id, delivery.state, state, None, now).await?;
        let blocked = matches!(stored.enrollment.state, State::Blocked { reason: BlockReason::DeliveryUncertain, .. });
        if stored.enrollment.state.step() != Some(delivery.step_id) || !blocked {
            return Ok(stored.enrollment.clone());
        }
        self.begin_generation(tx, stored, delivery.step_id).await?;
        Ok(self.apply(tx, stored, Event::Released).await?.enrollment)
    }
}
