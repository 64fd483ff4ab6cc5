//! Moving one enrollment: the state machine's answer saved with all that goes with it.
//!
//! Every change of one enrollment by a command goes through [`Engine::apply`] or [`Engine::advance`], which ask
//! `State::after` and raise the revision, so that an email claimed meanwhile does not leave. What many rows share in
//! one statement is in [`super::ending`].

use super::access;
use crate::{Engine, EngineError, Result};
use relance_domain::{
    MailboxId, SequenceId, StepId, Timestamp,
    calendar::LocalSchedule,
    enrolling,
    enrollment::{Event, State},
    sequence::Plan,
    step::Step,
};
use relance_storage::{
    Tx, enrollment_lookups,
    enrollments::{self, Change, StoredEnrollment, wake_of},
    mailboxes, people, sequences, users, workspace,
};

const BATCH: u32 = 500;

/// The plan an enrollment follows.
pub(crate) async fn plan_of(tx: &mut Tx, stored: &StoredEnrollment) -> Result<Plan> {
    let version = sequences::find_version(tx, stored.enrollment.version_id).await?;
    version
        .map(|version| version.plan)
        .ok_or_else(|| EngineError::Corrupt("an enrollment without its version".to_owned()))
}

/// The current step in its plan; refused once it has ended or if the plan has lost it.
pub(crate) fn current_step<'a>(stored: &StoredEnrollment, plan: &'a Plan) -> Result<&'a Step> {
    let ended = || EngineError::refused("not_allowed", "This sequence has ended for this person.");
    let id = stored.enrollment.state.step().ok_or_else(ended)?;
    plan.step(id).ok_or_else(|| EngineError::refused("step_gone", "This step is no longer part of the sequence."))
}

/// The step that follows the current one, done at `at`, in the local time that holds for the person.
pub(crate) async fn following(
    tx: &mut Tx,
    stored: &StoredEnrollment,
    plan: &Plan,
    step: StepId,
    at: Timestamp,
) -> Result<Option<(StepId, Timestamp)>> {
    let e = &stored.enrollment;
    let person = people::find(tx, e.person_id).await?.ok_or(EngineError::NotFound("person"))?;
    let actor_zone = users::find(tx, e.actor_id).await?.and_then(|user| relance_domain::time::zone(&user.time_zone));
    let workspace = match workspace::read(tx).await? {
        Some(workspace) => workspace,
        None => access::workspace(tx).await?,
    };
    let local = LocalSchedule::of(plan.schedule.as_ref(), &person, actor_zone.as_ref(), &workspace);
    Ok(enrolling::following(plan, step, &e.done_steps, at, &local))
}

/// The revision moved on while the row was locked: cannot happen, unless someone wrote without the lock.
fn moved_on() -> EngineError {
    EngineError::Unavailable("This enrollment was changed at the same moment. Please try again.".to_owned())
}

impl Engine {
    /// The state after `event`, saved with a raised revision; the row as it is then.
    pub(crate) async fn apply(&self, tx: &mut Tx, stored: &StoredEnrollment, event: Event) -> Result<StoredEnrollment> {
        self.apply_with(tx, stored, event, |_| {}).await
    }

    /// As [`Engine::apply`], with further changes of the row.
    pub(crate) async fn apply_with(
        &self,
        tx: &mut Tx,
        stored: &StoredEnrollment,
        event: Event,
        alter: impl FnOnce(&mut Change) + Send,
    ) -> Result<StoredEnrollment> {
        let now = self.now();
        let state = stored.enrollment.state.clone().after(event, now)?;
        let mut change = Change::of(stored, &state);
        alter(&mut change);
        if !enrollments::save(tx, change, now).await? {
            return Err(moved_on());
        }
        self.reread(tx, stored).await
    }

    async fn reread(&self, tx: &mut Tx, stored: &StoredEnrollment) -> Result<StoredEnrollment> {
        let after = enrollments::find(tx, stored.enrollment.id).await?.ok_or(EngineError::NotFound("enrollment"))?;
        if let (Some(mailbox), Some(wake)) = (after.enrollment.mailbox_id, after.wake_at) {
            mailboxes::hasten(tx, mailbox, wake.max(self.now())).await?;
        }
        Ok(after)
    }

    /// The current step is done or skipped at `at`: the enrollment goes to the step that follows, or to its end.
    pub(crate) async fn advance(
        &self,
        tx: &mut Tx,
        stored: &StoredEnrollment,
        plan: &Plan,
        at: Timestamp,
        emails_sent: u32,
    ) -> Result<StoredEnrollment> {
        let now = self.now();
        let e = &stored.enrollment;
        let ended = || EngineError::refused("not_allowed", "This sequence has ended for this person.");
        let step = e.state.step().ok_or_else(ended)?;
        let next = following(tx, stored, plan, step, at).await?;
        let state = e.state.clone().after(Event::StepDone { step, next }, now)?;
        let mut done = e.done_steps.clone();
        if !done.contains(&step) {
            done.push(step);
        }
        let next_step = next.and_then(|(id, _)| plan.step(id));
        let position = next.and_then(|(id, _)| plan.position(id)).unwrap_or(0);
        let change = Change {
            step_action: next_step.map(|step| step.action.as_str()),
            position: u32::try_from(position).unwrap_or(u32::MAX),
            wake_at: wake_of(&state, false),
            done_steps: &done,
            emails_sent_delta: emails_sent,
            moved_by_hand: false,
            last_step_at: Some(at),
            ..Change::of(stored, &state)
        };
        if !enrollments::save(tx, change, now).await? {
            return Err(moved_on());
        }
        self.reread(tx, stored).await
    }

    /// A row whose state has ended is said so in the history by the caller; this tells whether it just did.
    pub(crate) const fn has_just_ended(before: &StoredEnrollment, after: &StoredEnrollment) -> bool {
        before.enrollment.state.is_ongoing() && matches!(after.enrollment.state, State::Finished { .. })
    }

    /// Emails that are due and wait for a day or a window are decided about again: what keeps days free has changed.
    pub(crate) async fn look_again_at_waiting(&self, mailbox: Option<MailboxId>) -> Result<()> {
        let (now, mut after) = (self.now(), None);
        loop {
            let mut read = self.store.read().await?;
            let found = enrollment_lookups::waiting_for_a_time(&mut read, mailbox, after, BATCH, now).await?;
            drop(read);
            let mut tx = self.store.begin().await?;
            enrollment_lookups::look_at(&mut tx, &found, now).await?;
            mailboxes::hasten_all(&mut tx, now).await?;
            tx.commit().await?;
            after = found.last().copied();
            if found.len() < BATCH as usize {
                break;
            }
        }
        self.signals.due.notify_waiters();
        Ok(())
    }

    /// Enrollments that a pause of their sequence or of everything held are decided about again.
    pub(crate) async fn look_again_after_pause(&self, sequence: Option<SequenceId>) -> Result<()> {
        let (now, mut after) = (self.now(), None);
        loop {
            let mut tx = self.store.begin().await?;
            after = enrollment_lookups::look_again(&mut tx, sequence, after, BATCH, now).await?;
            mailboxes::hasten_all(&mut tx, now).await?;
            tx.commit().await?;
            if after.is_none() {
                break;
            }
        }
        self.signals.due.notify_waiters();
        Ok(())
    }
}
