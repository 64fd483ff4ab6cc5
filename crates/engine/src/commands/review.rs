//! The review tray: a person decides what a message is that may be an answer but could not be told for sure.
//!
//! Until then everyone it may come from is held. *Assign* makes it that person's reply, with all that follows from one;
//! *ignore* says it is none, and what was held goes on.

use super::teams;
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{
    InboundId, PersonId,
    activity::{Activity, ActivityKind},
    enrollment::{BlockReason, Event, FinishReason, State},
    inbound::Effect,
    user::Actor,
};
use relance_storage::{
    Tx, activities, enrollments,
    inbound::{self, InboundMessage, Tray},
    mailboxes, people,
};
use serde_json::json;

/// Whether the actor may read it: it came to a mailbox of someone they act for, or, for managers, is of a person they
/// see.
async fn reads(tx: &mut Tx, actor: &Actor, message: &InboundMessage) -> Result<bool> {
    let sight = teams::sight(tx, actor).await?;
    let owner = mailboxes::find(tx, message.mailbox_id).await?.map(|mailbox| mailbox.user_id);
    if actor.is_admin() || owner.is_some_and(|owner| actor.acts_for(&sight, owner)) {
        return Ok(true);
    }
    let Some(person) = message.person_id.filter(|_| actor.acts_for_others()) else { return Ok(false) };
    let owner = people::owners(tx, &[person]).await?.remove(&person);
    Ok(owner.is_some_and(|owner| sight.sees(owner)))
}

/// The message, if it waits for a decision and the actor may take it.
async fn open_message(tx: &mut Tx, actor: &Actor, id: InboundId) -> Result<InboundMessage> {
    let message = inbound::find(tx, id).await?.ok_or(EngineError::NotFound("message"))?;
    if !reads(tx, actor, &message).await? {
        return Err(EngineError::Forbidden("This message came to someone else's mailbox.".to_owned()));
    }
    if message.tray != Tray::Open {
        return Err(EngineError::refused("decided", "This message has already been decided about."));
    }
    Ok(message)
}

impl Engine {
    /// The message, if the actor may read it.
    pub async fn seen_message(&self, actor: &Actor, id: InboundId) -> Result<InboundMessage> {
        let mut tx = self.store.read().await?;
        let message = inbound::find(&mut tx, id).await?.ok_or(EngineError::NotFound("message"))?;
        if reads(&mut tx, actor, &message).await? {
            return Ok(message);
        }
        Err(EngineError::Forbidden("This message came to someone else's mailbox.".to_owned()))
    }

    /// It is this person's reply: every unfinished enrollment of the person ends.
    pub async fn assign_inbound(&self, actor: &Actor, id: InboundId, person: PersonId) -> Result<Ended> {
        let mut tx = self.store.begin().await?;
        let message = open_message(&mut tx, actor, id).await?;
        teams::seen_person(&mut tx, actor, person).await?;
        inbound::set_tray(&mut tx, id, Tray::Assigned, Some(person)).await?;
        inbound::set_effect(&mut tx, id, &Effect::EndAll).await?;
        let ended = self.end_people(&mut tx, &[person], &FinishReason::Replied, actor).await?;
        if message.person_id != Some(person) {
            let event = Activity {
                inbound_id: Some(id),
                detail: json!({ "from": message.from_address }),
                ..self.event(person, ActivityKind::ReplyReceived, actor, message.subject.clone())
            };
            activities::insert(&mut tx, &event).await?;
            if let Some(held) = message.person_id {
                self.release_held(&mut tx, actor, held, id).await?;
            }
        }
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(ended)
    }

    /// It is no reply: what was held goes on, unless another message of the person waits. How many enrollments go on.
    pub async fn ignore_inbound(&self, actor: &Actor, id: InboundId) -> Result<u64> {
        let mut tx = self.store.begin().await?;
        let message = open_message(&mut tx, actor, id).await?;
        inbound::set_tray(&mut tx, id, Tray::Ignored, None).await?;
        inbound::set_effect(&mut tx, id, &Effect::RecordOnly).await?;
        let released = match message.person_id {
            Some(person) => self.release_held(&mut tx, actor, person, id).await?,
            None => 0,
        };
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(released)
    }

    async fn release_held(&self, tx: &mut Tx, actor: &Actor, person: PersonId, decided: InboundId) -> Result<u64> {
        if inbound::has_open(tx, person, decided).await? {
            return Ok(0);
        }
        let mut released = 0;
        for stored in enrollments::ongoing_of_person(tx, person, true).await? {
            if !matches!(stored.enrollment.state, State::Blocked { reason: BlockReason::HeldForReview, .. }) {
                continue;
            }
            let after = self.apply(tx, &stored, Event::Released).await?;
            let words = "Decided: it was no answer";
            let event = self.enrollment_event(&after.enrollment, ActivityKind::SequenceReleased, actor, words);
            activities::insert(tx, &event).await?;
            released += 1;
        }
        Ok(released)
    }
}
