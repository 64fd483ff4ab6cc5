//! Taking back that a task was done or skipped, as long as nothing has followed it.
//!
//! A task made by hand, or one its sequence does not wait for, is simply open again. Where the sequence went on to the
//! next wait, or to its end, it comes back to the task; where *send* was pressed on a draft it waits for the rep again.
//! Once the next step has begun, the email is on its way, the sequence has ended for another reason or the person is in
//! it again, it stays as it is and says so.

use super::{access, moves, tasks::touchable};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    TaskId, Timestamp,
    activity::ActivityKind,
    delivery::DeliveryState,
    enrollment::{Enrollment, Event, FinishReason, State},
    sequence::Plan,
    step::{Action, Step, TaskMode},
    task::{Task, TaskState},
    user::Actor,
};
use relance_storage::{
    Tx, deliveries,
    enrollments::{self, Change, StoredEnrollment},
    tasks,
};

fn too_late(message: &str) -> EngineError {
    EngineError::refused("too_late", message)
}

const HAS_ENDED: &str = "The sequence has ended since. Make a task of your own instead.";

/// Nobody is twice in a sequence at once, and nobody who is deleted is in one.
async fn may_be_in_it_again(tx: &mut Tx, e: &Enrollment) -> Result<()> {
    access::person(tx, e.person_id).await.map_err(|_| too_late("The person was deleted since."))?;
    let same_person = enrollments::ongoing_of_people(tx, e.sequence_id, &[e.person_id]).await?;
    let keys: Vec<String> = e.address_key.iter().cloned().collect();
    let same_address = if keys.is_empty() {
        Vec::new()
    } else {
        enrollments::ongoing_by_address_keys(tx, e.sequence_id, &keys).await?
    };
    if same_person.is_empty() && same_address.is_empty() {
        return Ok(());
    }
    Err(too_late("The person is in this sequence again since. Make a task of your own instead."))
}

impl Engine {
    /// Opens a task again that was done or skipped.
    pub async fn reopen_task(&self, actor: &Actor, id: TaskId) -> Result<Task> {
        let mut tx = self.store.begin().await?;
        let task = self.reopen_task_in(&mut tx, actor, id).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(task)
    }

    /// As [`Engine::reopen_task`], in a transaction of the caller.
    pub(crate) async fn reopen_task_in(&self, tx: &mut Tx, actor: &Actor, id: TaskId) -> Result<Task> {
        let task = touchable(tx, actor, id).await?;
        if !matches!(task.state, TaskState::Done | TaskState::Skipped) {
            return Err(too_late("Only a task that was done or skipped can be opened again."));
        }
        if let (Some(enrollment), Some(_)) = (task.enrollment_id, task.step_id) {
            let stored = enrollments::find_for_update(tx, enrollment).await?;
            let stored = stored.ok_or(EngineError::NotFound("enrollment"))?;
            self.go_back_to(tx, &stored, &task).await?;
        }
        if !tasks::reopen(tx, id).await? {
            return Err(too_late("Someone changed this task at the same moment."));
        }
        let task = Task { state: TaskState::Open, closed_at: None, ..task };
        self.task_event(tx, &task, ActivityKind::TaskReopened, actor).await?;
        self.look_again(tx, &task).await?;
        Ok(task)
    }

    async fn go_back_to(&self, tx: &mut Tx, stored: &StoredEnrollment, task: &Task) -> Result<()> {
        let plan = moves::plan_of(tx, stored).await?;
        let Some(step) = task.step_id.and_then(|id| plan.step(id)) else {
            return Err(too_late("The sequence no longer has this step."));
        };
        if step.action.task().is_some_and(|text| text.mode == TaskMode::GoOn) {
            return Ok(());
        }
        if matches!(&stored.enrollment.state, State::Finished { reason, .. } if *reason != FinishReason::Completed) {
            return Err(too_late(HAS_ENDED));
        }
        if stored.enrollment.state.step() == Some(step.id) {
            return self.take_draft_back(tx, stored, step).await;
        }
        let email = deliveries::latest_of_step(tx, stored.enrollment.id, step.id).await?;
        if email.is_some_and(|email| !matches!(email.state, DeliveryState::Planned | DeliveryState::Skipped)) {
            return Err(too_late("The email has left, or may have."));
        }
        self.step_back(tx, stored, &plan, (step, task.due_at)).await
    }

    /// *Send* was pressed: the email waits for the rep again, unless it is leaving.
    async fn take_draft_back(&self, tx: &mut Tx, stored: &StoredEnrollment, step: &Step) -> Result<()> {
        let latest = deliveries::latest_of_step(tx, stored.enrollment.id, step.id).await?.map(|latest| latest.state);
        let is_held = matches!(
            latest,
            None | Some(DeliveryState::Planned | DeliveryState::Claimed { .. } | DeliveryState::Deferred { .. })
        );
        if !matches!(step.action, Action::ManualEmail { .. }) || !is_held {
            return Err(too_late("The email has left, or may have."));
        }
        let event = match &stored.enrollment.state {
            State::Blocked { .. } => Event::Released,
            state => Event::Rescheduled { due: state.due().unwrap_or_else(|| self.now()) },
        };
        self.apply_with(tx, stored, event, |change| {
            change.step_action = Some("manual_email");
            change.moved_by_hand = false;
            change.wake_at = None;
        })
        .await?;
        Ok(())
    }

    /// The sequence went on to the next wait: back to the step of the task, if nothing of the next has begun.
    async fn step_back(
        &self,
        tx: &mut Tx,
        stored: &StoredEnrollment,
        plan: &Plan,
        (step, due): (&Step, Timestamp),
    ) -> Result<()> {
        let e = &stored.enrollment;
        let has_begun = match e.state.step() {
            Some(next) => {
                tasks::find_of_step(tx, e.id, next).await?.is_some()
                    || deliveries::latest_of_step(tx, e.id, next).await?.is_some()
            }
            None => false,
        };
        if has_begun || e.done_steps.last() != Some(&step.id) {
            return Err(too_late("Its sequence has gone on to the next step since."));
        }
        if !e.state.is_ongoing() {
            may_be_in_it_again(tx, e).await?;
        }
        let state = e.state.clone().after(Event::TaskReopened { step: step.id, due }, self.now())?;
        let done: Vec<_> = e.done_steps.iter().copied().filter(|done| *done != step.id).collect();
        let change = Change {
            step_action: Some(step.action.as_str()),
            position: u32::try_from(plan.position(step.id).unwrap_or(0)).unwrap_or(u32::MAX),
            wake_at: None,
            done_steps: &done,
            moved_by_hand: false,
            ..Change::of(stored, &state)
        };
        if !enrollments::save(tx, change, self.now()).await? {
            return Err(too_late("Its sequence was changed at the same moment."));
        }
        Ok(())
    }
}
