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
use relance_storage::{Tx, activities, deliveries, enrollments::StoredEnrollment, outbox, people, start_checks};
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
        let words = if sent { "Marked as sent" } else { "Marked as not sent; it is sent again" };
        let after = self.resolve_one(&mut tx, actor, &stored, &delivery, sent, words).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(after)
    }

    /// Evidence says that it left.
    pub(crate) async fn resolve_found(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        delivery: &Delivery,
        words: &str,
    ) -> Result<()> {
        let stored = access::enrollment(tx, actor, delivery.enrollment_id).await?;
        self.resolve_one(tx, actor, &stored, delivery, true, words).await?;
        Ok(())
    }

    async fn resolve_one(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: &StoredEnrollment,
        delivery: &Delivery,
        sent: bool,
        words: &str,
    ) -> Result<Enrollment> {
        let after = if sent {
            self.resolve_as_sent(tx, actor, stored, delivery).await?
        } else {
            self.resolve_as_not_sent(tx, stored, delivery).await?
        };
        let event = Activity {
            delivery_id: Some(delivery.id),
            detail: json!({ "sent": sent }),
            ..self.enrollment_event(&after, ActivityKind::EmailResolved, actor, words)
        };
        activities::insert(tx, &event).await?;
        Ok(after)
    }

    /// A mailbox that files every copy has none of it: the same bytes leave again, once. False = a person decides.
    pub(crate) async fn resend_unchanged(&self, delivery: &Delivery) -> Result<bool> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        let Some(delivery) = deliveries::find(&mut tx, delivery.id).await?.filter(is_uncertain) else {
            return Ok(false);
        };
        let stored = access::enrollment(&mut tx, &Actor::System, delivery.enrollment_id).await?;
        let held = matches!(stored.enrollment.state, State::Blocked { reason: BlockReason::DeliveryUncertain, .. });
        let person = people::find(&mut tx, delivery.person_id).await?;
        let same_address = person.is_some_and(|person| person.fields.email == delivery.recipient);
        let has_bytes = outbox::raw(&mut tx, delivery.id).await?.is_some();
        let is_first = start_checks::resends(&mut tx, delivery.id).await? == 0;
        let is_current = held
            && stored.enrollment.state.step() == Some(delivery.step_id)
            && stored.enrollment.mailbox_id == Some(delivery.mailbox_id);
        if !(is_current && same_address && has_bytes && is_first) {
            return Ok(false);
        }
        let state = delivery.state.after(DeliveryEvent::Resend { at: now }, now)?;
        deliveries::set_state(&mut tx, delivery.id, delivery.state, state, None, now).await?;
        start_checks::count_resend(&mut tx, delivery.id).await?;
        let after = self.apply(&mut tx, &stored, Event::Released).await?;
        let event = Activity {
            delivery_id: Some(delivery.id),
            detail: json!({ "sent": false, "resent": true }),
            ..self.enrollment_event(
                &after.enrollment,
                ActivityKind::EmailResolved,
                &Actor::System,
                "Not in the Sent folder, where every sent email is filed: it is sent again unchanged",
            )
        };
        activities::insert(&mut tx, &event).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(true)
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
