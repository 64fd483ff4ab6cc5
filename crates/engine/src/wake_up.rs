//! What comes up by itself and is no email: tasks to create, pauses that end, quotas that allow again, overdue tasks.
//!
//! One turn takes a bounded number of rows in the order they came up, locked so that no two nodes take the same, and
//! commits them together. Each is decided by the domain and has its line in the history.

use crate::{
    Engine,
    error::{EngineError, Result},
    history::{self, Event},
    sender::facts::Due,
};
use relance_domain::{
    Timestamp,
    activity::ActivityKind,
    calendar::LocalSchedule,
    decision::{Decision, Facts, decision, task_due_at, task_overdue_at},
    enrollment::{self, FinishReason, State},
    step::TaskMode,
    task::{Task, TaskState},
    user::Actor,
    workspace::Workspace,
};
use relance_storage::{self as storage, Tx, enrollments::StoredEnrollment};

/// Rows of one turn.
const AT_ONCE: u32 = 200;
/// Rows that one statement releases.
const RELEASED_AT_ONCE: u32 = 1_000;

impl Engine {
    /// One turn; how many rows came up. Fewer than asked for = nothing more is due.
    pub async fn wake_due(&self) -> Result<usize> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        let Some(workspace) = storage::workspace::read(&mut tx).await? else { return Ok(0) };
        // A backlog that a quota held is released by one statement, not row by row.
        let (released, mailboxes) = storage::enrollment_sets::release_quota(&mut tx, RELEASED_AT_ONCE, now).await?;
        storage::mailboxes::hasten_many(&mut tx, &mailboxes, now).await?;
        let rows = storage::enrollment_due::due_to_wake(&mut tx, now, AT_ONCE, true).await?;
        let count = rows.len() + usize::try_from(released).unwrap_or(usize::MAX);
        let (active, held): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| matches!(row.enrollment.state, State::Active { .. }));
        for stored in held {
            let released = self.release(&mut tx, &stored).await;
            self.leave_refused_asleep(&mut tx, &stored, released).await?;
        }
        for due in self.load_due(&mut tx, active).await? {
            let woken = self.wake_task(&mut tx, &due, &workspace, now).await;
            self.leave_refused_asleep(&mut tx, &due.stored, woken).await?;
        }
        tx.commit().await?;
        if count > 0 {
            self.signals.due.notify_waiters();
        }
        Ok(count)
    }

    /// A row that a rule refuses to move must not hold up the others: it sleeps until something happens to it.
    async fn leave_refused_asleep(&self, tx: &mut Tx, stored: &StoredEnrollment, done: Result<()>) -> Result<()> {
        let Err(EngineError::Refused(refused)) = done else { return done };
        tracing::error!(enrollment = %stored.enrollment.id, ?refused, "an enrollment could not be woken up");
        storage::enrollments::set_wake(tx, stored.enrollment.id, stored.enrollment.revision, None).await?;
        Ok(())
    }

    /// A pause ended by itself, or the slot of a quota has come.
    async fn release(&self, tx: &mut Tx, stored: &StoredEnrollment) -> Result<()> {
        let (event, kind, words) = match &stored.enrollment.state {
            State::Paused { .. } => (enrollment::Event::Resumed, ActivityKind::SequenceResumed, "The pause is over"),
            _ => (enrollment::Event::Released, ActivityKind::SequenceReleased, "What held it is gone"),
        };
        let after = self.apply(tx, stored, event).await?;
        // Before, nothing of this row concerned its mailbox; now it may be an email that is due.
        if let (Some(mailbox), Some(wake)) = (after.enrollment.mailbox_id, after.wake_at) {
            storage::mailboxes::hasten(tx, mailbox, wake).await?;
        }
        let event = Event::new(kind, words);
        let line = history::of_enrollment(self.new_activity_id(), &after.enrollment, event, None, self.now());
        storage::activities::insert(tx, &line).await?;
        Ok(())
    }

    /// An active row whose step is a task: it is created, waited for, or over.
    async fn wake_task(&self, tx: &mut Tx, due: &Due, workspace: &Workspace, now: Timestamp) -> Result<()> {
        let enrollment = &due.stored.enrollment;
        let task = match enrollment.state.step() {
            Some(step) => storage::tasks::find_of_step(tx, enrollment.id, step).await?,
            None => None,
        };
        let mut facts = Facts::new(now, enrollment, &due.prepared.version.plan, &due.person, workspace);
        facts.sequence_paused = due.sequence.paused_at.is_some();
        facts.actor_zone = relance_domain::time::zone(&due.actor.time_zone);
        facts.actor_active = due.actor.deactivated_at.is_none();
        facts.suppressed = due.suppressed.as_ref();
        facts.emails_sent = due.stored.emails_sent;
        facts.open_task = task.as_ref().filter(|task| task.state == TaskState::Open);
        facts.delivery = due.delivery.as_ref();
        match decision(&facts) {
            Decision::CreateTask => self.create_step_task(tx, due, workspace, now).await,
            Decision::Wait { until, .. } => {
                storage::sending::set_wakes(tx, &[(enrollment.id, enrollment.revision, until.filter(|at| *at > now))])
                    .await?;
                Ok(())
            }
            Decision::Block { reason, resumes_at } => {
                self.change(tx, &due.stored, enrollment::Event::Blocked { reason, resumes_at }, now).await.map(drop)
            }
            Decision::Finish { reason } => {
                self.change(tx, &due.stored, enrollment::Event::Ended { reason }, now).await.map(drop)
            }
            Decision::Skip { .. } => self.skip_overdue(tx, due, task.as_ref(), now).await,
            // The step is an automated email although its row said otherwise: let its mailbox look.
            Decision::Send => {
                storage::sending::set_wakes(tx, &[(enrollment.id, enrollment.revision, None)]).await?;
                Ok(())
            }
        }
    }

    /// Creates the task of the current step; a step that does not wait for it is done at once.
    async fn create_step_task(&self, tx: &mut Tx, due: &Due, workspace: &Workspace, now: Timestamp) -> Result<()> {
        let enrollment = &due.stored.enrollment;
        let plan = &due.prepared.version.plan;
        let Some(step) = enrollment.state.step().and_then(|id| plan.step(id)) else { return Ok(()) };
        let Some(text) = step.action.task() else { return Ok(()) };
        let zone = relance_domain::time::zone(&due.actor.time_zone);
        let local = LocalSchedule::of_rep(plan.schedule.as_ref(), zone.as_ref(), workspace);
        let task = Task {
            id: self.new_task_id(),
            person_id: Some(enrollment.person_id),
            owner_id: enrollment.actor_id,
            enrollment_id: Some(enrollment.id),
            step_id: Some(step.id),
            delivery_id: None,
            kind: text.kind,
            content: due.task_words(step),
            due_at: task_due_at(now, text, &local),
            state: TaskState::Open,
            closed_at: None,
            created_at: now,
        };
        if storage::tasks::insert(tx, &task).await? {
            let event = Event::new(ActivityKind::TaskCreated, task.content.clone());
            let mut line = history::of_enrollment(self.new_activity_id(), enrollment, event, None, now);
            line.task_id = Some(task.id);
            storage::activities::insert(tx, &line).await?;
        }
        if text.mode == TaskMode::GoOn {
            let after = self.advance(tx, &due.stored, plan, now, 0).await?;
            if Self::has_just_ended(&due.stored, &after) {
                self.after_one_end(tx, &after.enrollment, &FinishReason::Completed, &Actor::System).await?;
            }
        } else {
            let wake = task_overdue_at(&task, step, &local);
            storage::sending::set_wakes(tx, &[(enrollment.id, enrollment.revision, wake)]).await?;
        }
        Ok(())
    }

    /// An overdue task is skipped and the enrollment goes on; a step that is gone is passed over.
    async fn skip_overdue(&self, tx: &mut Tx, due: &Due, task: Option<&Task>, now: Timestamp) -> Result<()> {
        let enrollment = &due.stored.enrollment;
        let plan = &due.prepared.version.plan;
        if let Some(task) = task.filter(|task| task.state == TaskState::Open) {
            storage::tasks::close(tx, task.id, TaskState::Skipped, now).await?;
            let event = Event::new(ActivityKind::TaskSkipped, format!("Overdue: {}", task.content));
            let mut line = history::of_enrollment(self.new_activity_id(), enrollment, event, None, now);
            line.task_id = Some(task.id);
            storage::activities::insert(tx, &line).await?;
        }
        let after = self.advance(tx, &due.stored, plan, now, 0).await?;
        if Self::has_just_ended(&due.stored, &after) {
            self.after_one_end(tx, &after.enrollment, &FinishReason::Completed, &Actor::System).await?;
        }
        Ok(())
    }
}
