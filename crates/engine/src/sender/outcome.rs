//! Writes what became of an email that was handed over.
//!
//! A yes goes through the shared commit of all lanes; everything else is rare and has a transaction of its own. An
//! enrollment that was stopped or paused while its email was leaving keeps that state: the email is recorded all the same.

use super::{Commits, claim::Claimed, facts::Situation};
use crate::{
    Engine,
    commands::moves,
    error::Result,
    history::{self, Event},
};
use relance_domain::{
    Timestamp,
    activity::ActivityKind,
    delivery::{self, DeliveryState},
    enrollment::{self, BlockReason, State},
    quota,
};
use relance_mail::{
    Reply,
    smtp::verdict::{Hardness, Verdict},
};
use relance_storage::{
    self as storage,
    enrollments::{Change, StoredEnrollment},
    sending::{NextStep, Sent},
};
use serde_json::json;
use std::time::Duration;

/// Between the first two tries to write the outcome of an accepted email; doubled with each.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest of these pauses: about a minute in all.
const LAST_PAUSE: Duration = Duration::from_secs(30);

impl Engine {
    /// Accepted: the delivery is sent, the enrollment goes on, the history has a line.
    pub(super) async fn record_sent(
        &self,
        commits: &Commits,
        situation: &Situation,
        email: &Claimed,
        reply: &Reply,
    ) -> Result<()> {
        let sent = self.sent_of(situation, email, reply.to_string(), self.now());
        metrics::counter!("relance_emails_sent_total").increment(1);
        // Once the server said yes, the outcome must be written; the row is `Leaving` until it is, and would be shown
        // as uncertain. Writing it twice changes nothing: the delivery is `Sent`, the history has its id.
        let mut pause = FIRST_PAUSE;
        loop {
            match commits.sent.submit(sent.clone()).await {
                Some(Ok(true)) => return Ok(()),
                Some(Ok(false)) => return self.catch_up(email, &sent).await,
                Some(Err(error)) if pause > LAST_PAUSE => return Err(crate::EngineError::Unavailable(error)),
                Some(Err(error)) => {
                    tracing::warn!(error, "the outcome of sent emails is not written yet; trying again");
                }
                None => return Err(crate::EngineError::Unavailable("the engine is stopping".to_owned())),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    fn sent_of(&self, situation: &Situation, email: &Claimed, smtp_reply: String, at: Timestamp) -> Sent {
        let plan = &email.prepared.version.plan;
        let position = plan.position(email.delivery.step_id).unwrap_or(0);
        let next = email.following(at, &situation.workspace).and_then(|(step_id, due)| {
            let action = plan.step(step_id)?.action.as_str();
            Some(NextStep { step_id, action, position: plan.position(step_id)?, due })
        });
        let seed = quota::jitter_seed(email.enrollment.person_id, email.delivery.step_id);
        Sent {
            delivery_id: email.delivery.id,
            enrollment_id: email.enrollment.id,
            person_id: email.enrollment.person_id,
            sequence_id: email.enrollment.sequence_id,
            mailbox_id: situation.mailbox.id,
            revision: email.enrollment.revision + 1,
            at,
            smtp_reply,
            done_steps: email.done_steps(),
            next,
            activity_id: self.new_activity_id(),
            summary: format!("Step {position} of {}: {}", plan.steps.len(), email.delivery.subject),
            detail: email.explained.clone(),
            next_slot_at: at.plus_ms(quota::gap_ms(&situation.mailbox, seed)),
        }
    }

    /// The enrollment was changed while its email was leaving: it goes on from the state it is in now.
    async fn catch_up(&self, email: &Claimed, sent: &Sent) -> Result<()> {
        let mut tx = self.store.begin().await?;
        let Some(stored) = storage::enrollments::find_for_update(&mut tx, email.enrollment.id).await? else {
            return Ok(());
        };
        let next = match stored.enrollment.version_id == email.enrollment.version_id {
            true => sent.next.clone(),
            false => self.next_under_its_version(&mut tx, &stored, email, sent.at).await?,
        };
        let event = enrollment::Event::StepDone {
            step: email.delivery.step_id,
            next: next.as_ref().map(|next| (next.step_id, next.due)),
        };
        // A later state may know nothing of this step any more; the delivery is recorded either way.
        let Ok(state) = stored.enrollment.state.clone().after(event, sent.at) else { return Ok(()) };
        let done_steps = email.done_steps();
        let change = Change {
            step_action: next.as_ref().map(|next| next.action),
            position: next.as_ref().map_or(0, |next| next.position as u32),
            wake_at: storage::enrollments::wake_of(&state, false),
            done_steps: &done_steps,
            emails_sent_delta: 1,
            moved_by_hand: false,
            last_step_at: Some(sent.at),
            ..Change::of(&stored, &state)
        };
        storage::enrollments::save(&mut tx, change, sent.at).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The step that follows in the version the enrollment was moved to while its email was leaving.
    async fn next_under_its_version(
        &self,
        tx: &mut storage::Tx,
        stored: &StoredEnrollment,
        email: &Claimed,
        at: Timestamp,
    ) -> Result<Option<NextStep>> {
        let plan = moves::plan_of(tx, stored).await?;
        let next = moves::following(tx, stored, &plan, email.delivery.step_id, at).await?;
        Ok(next.and_then(|(step_id, due)| {
            let action = plan.step(step_id)?.action.as_str();
            Some(NextStep { step_id, action, position: plan.position(step_id)?, due })
        }))
    }

    /// Refused for now or for good, for this email or its recipient only.
    pub(super) async fn record_refused(
        &self,
        situation: &Situation,
        email: &Claimed,
        verdict: Verdict,
        words: &str,
        after_leaving: bool,
    ) -> Result<()> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        if after_leaving {
            give_back(&mut tx, situation).await?;
        }
        let since = storage::sending::deferred_since(&mut tx, email.delivery.id).await?.unwrap_or(now);
        let attempts = email.delivery.attempts + 1;
        if verdict.hardness == Hardness::Temporary && now.since(since) < delivery::GIVE_UP_AFTER_MS {
            let until = now.plus_ms(delivery::retry_after_ms(attempts));
            let state = DeliveryState::Deferred { until, attempts, since };
            move_to(&mut tx, email, state, Some(words), now).await?;
            storage::sending::wake_at(&mut tx, email.enrollment.id, until).await?;
        } else {
            move_to(&mut tx, email, DeliveryState::Refused, Some(words), now).await?;
            let reason = BlockReason::RecipientRefused { smtp: words.to_owned() };
            self.block_after(&mut tx, email, reason, ActivityKind::EmailRefused, words).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The lane failed: the email stays claimed, or, past the point of no return with no dot written, is deferred.
    pub(super) async fn record_given_back(
        &self,
        situation: &Situation,
        email: &Claimed,
        after_leaving: bool,
    ) -> Result<()> {
        if !after_leaving {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.store.begin().await?;
        give_back(&mut tx, situation).await?;
        let attempts = email.delivery.attempts + 1;
        let until = now.plus_ms(delivery::retry_after_ms(attempts));
        let state = DeliveryState::Deferred { until, attempts, since: now };
        move_to(&mut tx, email, state, None, now).await?;
        storage::sending::wake_at(&mut tx, email.enrollment.id, until).await?;
        tx.commit().await?;
        Ok(())
    }

    /// No answer after the final dot: a person or evidence decides, never a timer.
    pub(super) async fn record_uncertain(&self, email: &Claimed, words: &str) -> Result<()> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        let state = DeliveryState::Uncertain { at: now };
        move_to(&mut tx, email, state, Some(words), now).await?;
        self.block_after(&mut tx, email, BlockReason::DeliveryUncertain, ActivityKind::EmailUncertain, words).await?;
        tx.commit().await?;
        metrics::counter!("relance_emails_uncertain_total").increment(1);
        Ok(())
    }

    /// Blocks the enrollment of an email that failed, unless it ended meanwhile, with a line in the history.
    async fn block_after(
        &self,
        tx: &mut storage::Tx,
        email: &Claimed,
        reason: BlockReason,
        kind: ActivityKind,
        words: &str,
    ) -> Result<()> {
        let now = self.now();
        let Some(stored) = storage::enrollments::find_for_update(tx, email.enrollment.id).await? else { return Ok(()) };
        let mut happened = Event::blocked(&reason);
        happened.kind = kind;
        let happened = happened.with(json!({ "reason": reason.code(), "smtp": words }));
        let mut activity = history::of_enrollment(self.new_activity_id(), &stored.enrollment, happened, None, now);
        activity.delivery_id = Some(email.delivery.id);
        storage::activities::insert(tx, &activity).await?;
        if stored.enrollment.state.step() == Some(email.delivery.step_id) {
            let event = enrollment::Event::Blocked { reason, resumes_at: None };
            let state: State = stored.enrollment.state.clone().after(event, now)?;
            storage::enrollments::save(tx, Change::of(&stored, &state), now).await?;
        }
        Ok(())
    }
}

/// Moves the delivery from where it is stored to `state`.
async fn move_to(
    tx: &mut storage::Tx,
    email: &Claimed,
    state: DeliveryState,
    words: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    if let Some(stored) = storage::deliveries::find(tx, email.delivery.id).await? {
        storage::deliveries::set_state(tx, stored.id, stored.state, state, words, now).await?;
    }
    Ok(())
}

/// The quota unit of an email that did not stay with the server.
async fn give_back(tx: &mut storage::Tx, situation: &Situation) -> Result<()> {
    let day = quota::day_of(&situation.mailbox, situation.now);
    storage::mailbox_days::give_back(tx, situation.mailbox.id, day, 1).await?;
    Ok(())
}
