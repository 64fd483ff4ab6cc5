//! Retrying what is blocked. After a refusal or a bounce a new generation of the email begins.
//!
//! A new generation is a delivery row `Planned` with the next number and its own Message-ID; the sender takes it from
//! there. Only a person's command makes one, so nothing is sent a second time by itself.

use super::access;
use crate::{Engine, EngineError, Result};
use relance_domain::{
    EnrollmentId, StepId,
    activity::{Activity, ActivityKind},
    delivery::{Delivery, DeliveryState},
    enrollment::{BlockReason, Enrollment, Event, State},
    user::Actor,
};
use relance_storage::{
    Tx, activities, deliveries, enrollment_sets,
    enrollment_views::{self, EnrollmentFilter},
    enrollments::{self, StoredEnrollment},
    mailboxes, people,
};

const BATCH: u32 = 500;

impl Engine {
    /// Retries a blocked enrollment. Refused while the email is uncertain: see [`Engine::resolve`].
    pub async fn retry(&self, actor: &Actor, id: EnrollmentId) -> Result<Enrollment> {
        let mut tx = self.store.begin().await?;
        let stored = access::enrollment(&mut tx, actor, id).await?;
        let after = self.retry_locked(&mut tx, actor, &stored).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(after)
    }

    /// Retries a row that is locked in `tx`.
    pub(crate) async fn retry_locked(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: &StoredEnrollment,
    ) -> Result<Enrollment> {
        let State::Blocked { step, reason, .. } = &stored.enrollment.state else {
            let message =
                format!("This enrollment is {}, so there is nothing to retry.", stored.enrollment.state.word());
            return Err(EngineError::refused("not_allowed", message));
        };
        match reason {
            BlockReason::DeliveryUncertain => {
                let message = "This email may have left. Mark it as sent, or send it again.";
                return Err(EngineError::refused("delivery_uncertain", message));
            }
            reason if !reason.retryable() => {
                return Err(EngineError::refused(
                    "not_retryable",
                    format!("{} {}", reason.sentence(), reason.releases()),
                ));
            }
            _ => {}
        }
        let code = reason.code();
        self.begin_generation(tx, stored, *step).await?;
        let after = self.apply(tx, stored, Event::Released).await?;
        let event = self.enrollment_event(&after.enrollment, ActivityKind::SequenceReleased, actor, "Tried again");
        let event = Activity { detail: serde_json::json!({ "reason": code }), ..event };
        activities::insert(tx, &event).await?;
        Ok(after.enrollment)
    }

    /// A new generation of a step's email, if the latest one is over; nothing if it is still to be sent.
    pub(crate) async fn begin_generation(
        &self,
        tx: &mut Tx,
        stored: &StoredEnrollment,
        step: StepId,
    ) -> Result<Option<Delivery>> {
        let e = &stored.enrollment;
        let Some(latest) = deliveries::latest_of_step(tx, e.id, step).await? else { return Ok(None) };
        if !latest.state.is_final() {
            return Ok(None);
        }
        let mailbox_id = e.mailbox_id.unwrap_or(latest.mailbox_id);
        let mailbox = mailboxes::find(tx, mailbox_id).await?.ok_or(EngineError::NotFound("mailbox"))?;
        let recipient =
            people::find(tx, e.person_id).await?.map_or(latest.recipient.clone(), |person| person.fields.email);
        let generation = latest.generation + 1;
        let next = Delivery {
            id: self.new_delivery_id(),
            generation,
            mailbox_id,
            state: DeliveryState::Planned,
            message_id: self.message_id(e.id, step, generation, &mailbox),
            recipient,
            smtp_reply: None,
            attempts: 0,
            created_at: self.now(),
            ..latest
        };
        deliveries::insert(tx, &next).await?;
        Ok(Some(next))
    }

    /// Retries every enrollment blocked for this reason (a code of `engine.md` §1) that the actor may touch; how many.
    pub async fn retry_all(&self, actor: &Actor, reason: &str) -> Result<u64> {
        let (mut retried, mut after) = (0, None);
        let filter =
            EnrollmentFilter { states: &["blocked"], blocked_reason: Some(reason), ..EnrollmentFilter::default() };
        loop {
            let mut tx = self.store.begin().await?;
            let page = enrollment_views::page(&mut tx, filter, after, BATCH).await?;
            let full = page.len() == BATCH as usize;
            let ids: Vec<EnrollmentId> = page.iter().map(|view| view.stored.enrollment.id).collect();
            after = ids.last().copied();
            let batch = enrollments::find_many(&mut tx, &ids, true).await?;
            let mut allowed = Vec::with_capacity(batch.len());
            for stored in &batch {
                match access::may_touch_enrollment(&mut tx, actor, &stored.enrollment).await {
                    Err(EngineError::Forbidden(_)) => {}
                    other => {
                        other?;
                        allowed.push(stored);
                    }
                }
            }
            retried += self.retry_batch(&mut tx, actor, reason, &allowed).await?;
            tx.commit().await?;
            if !full {
                break;
            }
        }
        self.signals.due.notify_waiters();
        Ok(retried)
    }

    /// One statement for all of them, unless each needs a new generation of its email.
    async fn retry_batch(&self, tx: &mut Tx, actor: &Actor, reason: &str, batch: &[&StoredEnrollment]) -> Result<u64> {
        if matches!(reason, "recipient_refused" | "bounced" | "delivery_uncertain" | "duplicate_address") {
            let mut retried = 0;
            for stored in batch {
                match self.retry_locked(tx, actor, stored).await {
                    Ok(_) => retried += 1,
                    Err(EngineError::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(retried);
        }
        let ids: Vec<EnrollmentId> = batch.iter().map(|stored| stored.enrollment.id).collect();
        let released = enrollment_sets::release_many(tx, &ids, reason, self.now()).await?;
        let of = |touched: &enrollment_sets::Touched| {
            let stored = batch.iter().find(|stored| stored.enrollment.id == touched.id)?;
            let event = self.enrollment_event(&stored.enrollment, ActivityKind::SequenceReleased, actor, "Tried again");
            Some(Activity { detail: serde_json::json!({ "reason": reason }), ..event })
        };
        let events: Vec<Activity> = released.iter().filter_map(of).collect();
        activities::insert_many(tx, &events).await?;
        let mut mailboxes: Vec<_> = released.iter().filter_map(|touched| touched.mailbox_id).collect();
        mailboxes.sort();
        mailboxes.dedup();
        mailboxes::hasten_many(tx, &mailboxes, self.now()).await?;
        Ok(released.len() as u64)
    }
}
