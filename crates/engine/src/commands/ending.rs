//! Ending or holding enrollments, however many: their emails and tasks, their history, and what was already leaving.
//!
//! The set-based statements raise the revisions; here follows, in the same transaction, what goes with an end.

use super::outcome::leaving;
use crate::{Engine, Result, commands::Ended, history::Event};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId,
    activity::{Activity, ActivityKind},
    delivery::{Delivery, DeliveryState},
    enrollment::{Enrollment, FinishReason},
    user::Actor,
};
use relance_storage::{
    Tx, activities, deliveries,
    enrollment_sets::{self, End, Touched},
    mailboxes, outbox, tasks,
};
use serde_json::json;

impl Engine {
    /// Ends every unfinished enrollment of these people.
    pub(crate) async fn end_people(
        &self,
        tx: &mut Tx,
        people: &[PersonId],
        reason: &FinishReason,
        actor: &Actor,
    ) -> Result<Ended> {
        let end = End { reason, by: actor.user_id(), at: self.now() };
        let touched = enrollment_sets::end_all_of_people(tx, people, end).await?;
        self.after_end(tx, &touched, reason, actor).await
    }

    /// Ends these enrollments; those that have ended are left as they are.
    pub(crate) async fn end_enrollments(
        &self,
        tx: &mut Tx,
        ids: &[EnrollmentId],
        reason: &FinishReason,
        actor: &Actor,
    ) -> Result<Ended> {
        let end = End { reason, by: actor.user_id(), at: self.now() };
        let touched = enrollment_sets::end_many(tx, ids, end).await?;
        self.after_end(tx, &touched, reason, actor).await
    }

    /// What goes with an end: scheduled emails and open tasks are cancelled, the history says so, and the answer names
    /// what was already on its way.
    pub(crate) async fn after_end(
        &self,
        tx: &mut Tx,
        touched: &[Touched],
        reason: &FinishReason,
        actor: &Actor,
    ) -> Result<Ended> {
        if touched.is_empty() {
            return Ok(Ended::default());
        }
        let now = self.now();
        let ids: Vec<EnrollmentId> = touched.iter().map(|touched| touched.id).collect();
        let cancelled_emails = deliveries::cancel_open_of_enrollments(tx, &ids, now).await?.len() as u64;
        // Who reached the end keeps the tasks that the sequence did not wait for.
        let cancelled_tasks = match reason {
            FinishReason::Completed => 0,
            _ => tasks::cancel_open_of_enrollments(tx, &ids, now).await?.len() as u64,
        };
        // What ends by itself has nobody to tell.
        let leaving_now = match actor {
            Actor::System => Vec::new(),
            _ => deliveries::leaving_of_enrollments(tx, &ids).await?,
        };
        let events: Vec<Activity> = touched.iter().map(|touched| self.end_event(touched, reason, actor)).collect();
        activities::insert_many(tx, &events).await?;
        Ok(Ended {
            enrollments: touched.len() as u64,
            cancelled_emails,
            cancelled_tasks,
            leaving: leaving_now.iter().map(leaving).collect(),
        })
    }

    fn end_event(&self, touched: &Touched, reason: &FinishReason, actor: &Actor) -> Activity {
        Activity {
            sequence_id: Some(touched.sequence_id),
            enrollment_id: Some(touched.id),
            detail: json!({ "reason": reason.code() }),
            ..self.event(touched.person_id, ActivityKind::SequenceEnded, actor, Event::ended(reason).summary)
        }
    }

    /// The end of one enrollment that was saved row by row.
    pub(crate) async fn after_one_end(
        &self,
        tx: &mut Tx,
        enrollment: &Enrollment,
        reason: &FinishReason,
        actor: &Actor,
    ) -> Result<Ended> {
        let touched = Touched {
            id: enrollment.id,
            person_id: enrollment.person_id,
            sequence_id: enrollment.sequence_id,
            mailbox_id: enrollment.mailbox_id,
            actor_id: enrollment.actor_id,
        };
        self.after_end(tx, &[touched], reason, actor).await
    }

    /// The same line in the history of each.
    pub(crate) async fn record_held(
        &self,
        tx: &mut Tx,
        touched: &[Touched],
        kind: ActivityKind,
        actor: &Actor,
        words: &str,
    ) -> Result<()> {
        let event = |touched: &Touched| Activity {
            sequence_id: Some(touched.sequence_id),
            enrollment_id: Some(touched.id),
            ..self.event(touched.person_id, kind, actor, words)
        };
        activities::insert_many(tx, &touched.iter().map(event).collect::<Vec<_>>()).await?;
        Ok(())
    }
}

/// Every email that is on its way, of any mailbox.
pub(crate) async fn leaving_anywhere(tx: &mut Tx) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    for mailbox in mailboxes::all(tx).await? {
        found.extend(leaving_of_mailbox(tx, mailbox.id).await?);
    }
    Ok(found)
}

/// Every email of a mailbox that is on its way.
pub(crate) async fn leaving_of_mailbox(tx: &mut Tx, mailbox: MailboxId) -> Result<Vec<Delivery>> {
    let in_flight = outbox::in_flight(tx, mailbox).await?;
    Ok(in_flight.into_iter().filter(|delivery| matches!(delivery.state, DeliveryState::Leaving { .. })).collect())
}
