//! The review tray: a person decides what a message is that may be an answer but could not be told for sure.
//!
//! Until then everyone it may come from is held. *Assign* makes it that person's reply, with all that follows from one;
//! *away* makes it their automatic answer, and what they are in waits until they are back; *ignore* says it is neither,
//! and what was held goes on.

use super::{absence::Absence, access, teams};
use crate::{Engine, EngineError, Result, commands::Ended};
use jiff::civil::Date;
use relance_domain::{
    InboundId, PersonId,
    activity::{Activity, ActivityKind},
    enrollment::{BlockReason, Event, FinishReason, State},
    inbound::{Effect, away_until},
    user::Actor,
};
use relance_storage::{
    Tx, activities, enrollments,
    inbound::{self, InboundMessage, Tray},
    mailboxes, people,
};
use serde_json::json;

const NO_ANSWER: &str = "Decided: it was no answer";

/// Whether the actor may read it, by [`Actor::reads_message`].
async fn reads(tx: &mut Tx, actor: &Actor, message: &InboundMessage) -> Result<bool> {
    let sight = teams::sight(tx, actor).await?;
    let owner = mailboxes::find(tx, message.mailbox_id).await?.map(|mailbox| mailbox.user_id);
    let person: Vec<_> = message.person_id.into_iter().collect();
    let owners = people::owners(tx, &person).await?;
    let of_a_person_seen = owners.into_values().any(|owner| sight.sees(owner));
    Ok(actor.reads_message(&sight, owner, of_a_person_seen))
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
        self.record_decided(&mut tx, actor, &message, person, ActivityKind::ReplyReceived).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(ended)
    }

    /// It is an automatic answer of this person, who is back on `date`, where they are: what they are in waits until
    /// then. How many enrollments wait.
    pub async fn away_inbound(&self, actor: &Actor, id: InboundId, person: PersonId, date: Date) -> Result<u64> {
        let mut tx = self.store.begin().await?;
        let message = open_message(&mut tx, actor, id).await?;
        let person = teams::seen_person(&mut tx, actor, person).await?;
        let workspace_zone = access::workspace(&mut tx).await?.zone();
        let zone = person.zone().unwrap_or_else(|| workspace_zone.clone());
        let until = away_until(date, self.now(), &zone)?;
        inbound::set_tray(&mut tx, id, Tray::Assigned, Some(person.id)).await?;
        inbound::set_effect(&mut tx, id, &Effect::PauseUntil { date }).await?;
        if message.person_id == Some(person.id) {
            self.release_held(&mut tx, actor, person.id, id, "Decided: it was an automatic answer").await?;
        }
        let absence = Absence { inbound: id, until, workspace_zone: &workspace_zone };
        let waiting = self.pause_for_absence(&mut tx, &person, absence, actor).await?;
        self.record_decided(&mut tx, actor, &message, person.id, ActivityKind::AutoReplyReceived).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(waiting)
    }

    /// A message that turned out to come from someone else than was thought stands in their history, and whoever was
    /// held for it goes on.
    async fn record_decided(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        message: &InboundMessage,
        person: PersonId,
        kind: ActivityKind,
    ) -> Result<()> {
        if message.person_id == Some(person) {
            return Ok(());
        }
        let event = Activity {
            inbound_id: Some(message.id),
            detail: json!({ "from": message.from_address }),
            ..self.event(person, kind, actor, message.subject.clone())
        };
        activities::insert(tx, &event).await?;
        if let Some(held) = message.person_id {
            self.release_held(tx, actor, held, message.id, NO_ANSWER).await?;
        }
        Ok(())
    }

    /// It is no reply: what was held goes on, unless another message of the person waits. How many enrollments go on.
    pub async fn ignore_inbound(&self, actor: &Actor, id: InboundId) -> Result<u64> {
        let mut tx = self.store.begin().await?;
        let message = open_message(&mut tx, actor, id).await?;
        inbound::set_tray(&mut tx, id, Tray::Ignored, None).await?;
        inbound::set_effect(&mut tx, id, &Effect::RecordOnly).await?;
        let released = match message.person_id {
            Some(person) => self.release_held(&mut tx, actor, person, id, NO_ANSWER).await?,
            None => 0,
        };
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(released)
    }

    async fn release_held(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        person: PersonId,
        decided: InboundId,
        words: &'static str,
    ) -> Result<u64> {
        if inbound::has_open(tx, person, decided).await? {
            return Ok(0);
        }
        let mut released = 0;
        for stored in enrollments::ongoing_of_person(tx, person, true).await? {
            if !matches!(stored.enrollment.state, State::Blocked { reason: BlockReason::HeldForReview, .. }) {
                continue;
            }
            let after = self.apply(tx, &stored, Event::Released).await?;
            let event = self.enrollment_event(&after.enrollment, ActivityKind::SequenceReleased, actor, words);
            activities::insert(tx, &event).await?;
            released += 1;
        }
        Ok(released)
    }
}
