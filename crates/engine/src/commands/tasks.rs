//! Tasks: of a sequence step or made by hand.
//!
//! Closing the task a sequence waits for moves the sequence on. Completing the task of a manual email makes its email
//! due instead: the enrollment's row says `automated_email` for that step from then on (the plan still says
//! `manual_email`, which is how the sender knows that a person pressed send), and the sender takes it from there.

use super::{access, moves, teams};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    PersonId, Refused, TaskId, Timestamp, UserId,
    activity::{Activity, ActivityKind},
    enrollment::{Event, FinishReason, State, tag_words},
    step::{Action, TaskKind},
    task::{Task, TaskState},
    user::Actor,
};
use relance_storage::{
    Tx, activities,
    enrollments::{self, StoredEnrollment},
    people, tasks,
};

/// A task someone makes by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// About whom.
    pub person_id: Option<PersonId>,
    /// Who does it; `None` = the one who asks.
    pub owner_id: Option<UserId>,
    /// What it asks for.
    pub kind: TaskKind,
    /// What to do.
    pub content: String,
    /// When it is due; `None` = now.
    pub due_at: Option<Timestamp>,
}

/// What to change of a task; `None` = leave as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskChange {
    /// What it asks for.
    pub kind: Option<TaskKind>,
    /// What to do.
    pub content: Option<String>,
    /// When it is due.
    pub due_at: Option<Timestamp>,
    /// Who does it.
    pub owner_id: Option<UserId>,
}

const MOST_CHARS: usize = 10_000;

fn checked(content: &str) -> Result<String> {
    let content = content.replace('\0', "").trim().to_owned();
    if content.is_empty() {
        return Err(Refused::at("content", "required", "Say what the task is.").into());
    }
    if content.chars().count() > MOST_CHARS {
        return Err(Refused::at("content", "too_long", "A task has at most 10,000 characters.").into());
    }
    Ok(content)
}

/// The task, if the actor may change it: their own, of a person they own, or any they see for managers and admins. One
/// that is out of sight is *not found*.
pub(crate) async fn touchable(tx: &mut Tx, actor: &Actor, id: TaskId) -> Result<Task> {
    let task = tasks::find(tx, id).await?.ok_or(EngineError::NotFound("task"))?;
    if actor.is_admin() || actor.user_id() == Some(task.owner_id) {
        return Ok(task);
    }
    let sight = teams::sight(tx, actor).await?;
    let owner = match task.person_id {
        Some(person) => people::owners(tx, &[person]).await?.remove(&person).flatten(),
        None => Some(task.owner_id),
    };
    if !sight.sees(owner) {
        return Err(EngineError::NotFound("task"));
    }
    if actor.acts_for_others() || task.person_id.is_some() && owner.is_some() && owner == actor.user_id() {
        return Ok(task);
    }
    Err(EngineError::Forbidden("This task belongs to someone else. Ask them or a manager.".to_owned()))
}

/// The open task, if the actor may change it.
pub(crate) async fn open_task(tx: &mut Tx, actor: &Actor, id: TaskId) -> Result<Task> {
    let task = touchable(tx, actor, id).await?;
    if task.state != TaskState::Open {
        return Err(EngineError::refused("closed", "This task is already closed."));
    }
    Ok(task)
}

/// The enrollment that waits at the step of this task, locked; `None` if it has gone on or there is none.
pub(crate) async fn waiting_enrollment(tx: &mut Tx, task: &Task) -> Result<Option<StoredEnrollment>> {
    let Some(id) = task.enrollment_id else { return Ok(None) };
    let stored = enrollments::find_for_update(tx, id).await?;
    Ok(stored
        .filter(|stored| stored.enrollment.state.step().is_some() && stored.enrollment.state.step() == task.step_id))
}

impl Engine {
    /// Creates a task by hand.
    pub async fn create_task(&self, actor: &Actor, new: NewTask) -> Result<Task> {
        let owner = new.owner_id.or(actor.user_id()).ok_or(EngineError::NotFound("user"))?;
        access::owner_only(actor, Some(owner), "task")?;
        let now = self.now();
        let task = Task {
            id: self.new_task_id(),
            person_id: new.person_id,
            owner_id: owner,
            enrollment_id: None,
            step_id: None,
            delivery_id: None,
            kind: new.kind,
            content: checked(&new.content)?,
            due_at: new.due_at.unwrap_or(now),
            state: TaskState::Open,
            closed_at: None,
            created_at: now,
        };
        let mut tx = self.store.begin().await?;
        access::active_user(&mut tx, owner, "owner_id").await?;
        if let Some(person) = task.person_id {
            teams::seen_person(&mut tx, actor, person).await?;
        }
        tasks::insert(&mut tx, &task).await?;
        self.task_event(&mut tx, &task, ActivityKind::TaskCreated, actor).await?;
        tx.commit().await?;
        Ok(task)
    }

    pub(crate) async fn task_event(&self, tx: &mut Tx, task: &Task, kind: ActivityKind, actor: &Actor) -> Result<()> {
        let Some(person_id) = task.person_id else { return Ok(()) };
        let first_line: String = task.content.lines().next().unwrap_or_default().chars().take(200).collect();
        let event = Activity {
            task_id: Some(task.id),
            enrollment_id: task.enrollment_id,
            sequence_id: match task.enrollment_id {
                Some(id) => enrollments::find(tx, id).await?.map(|stored| stored.enrollment.sequence_id),
                None => None,
            },
            detail: serde_json::json!({ "kind": task.kind.as_str() }),
            ..self.event(person_id, kind, actor, first_line)
        };
        activities::insert(tx, &event).await?;
        Ok(())
    }

    /// Changes an open task.
    pub async fn edit_task(&self, actor: &Actor, id: TaskId, change: TaskChange) -> Result<Task> {
        let mut tx = self.store.begin().await?;
        let task = self.edit_task_in(&mut tx, actor, id, change).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(task)
    }

    /// As [`Engine::edit_task`], in a transaction of the caller.
    pub(crate) async fn edit_task_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: TaskId,
        change: TaskChange,
    ) -> Result<Task> {
        let mut task = open_task(tx, actor, id).await?;
        if let Some(owner) = change.owner_id {
            if owner != task.owner_id {
                access::active_user(tx, owner, "owner_id").await?;
            }
            task.owner_id = owner;
        }
        if let Some(content) = change.content {
            task.content = checked(&content)?;
        }
        task.kind = change.kind.unwrap_or(task.kind);
        task.due_at = change.due_at.unwrap_or(task.due_at);
        tasks::update(tx, &task).await?;
        self.task_event(tx, &task, ActivityKind::TaskChanged, actor).await?;
        self.look_again(tx, &task).await?;
        Ok(task)
    }

    /// The engine decides again when the task of a waiting step moved: it may become overdue at another time.
    pub(crate) async fn look_again(&self, tx: &mut Tx, task: &Task) -> Result<()> {
        if let Some(stored) = waiting_enrollment(tx, task).await?
            && matches!(stored.enrollment.state, State::Active { .. })
        {
            enrollments::set_wake(tx, stored.enrollment.id, stored.enrollment.revision, Some(self.now())).await?;
        }
        Ok(())
    }

    /// Done. A task its sequence waits for moves the sequence on; completing the task of a manual email sends its draft.
    pub async fn complete_task(&self, actor: &Actor, id: TaskId) -> Result<Task> {
        self.close_task(actor, id, TaskState::Done).await
    }

    /// Skipped; the sequence moves on without it.
    pub async fn skip_task(&self, actor: &Actor, id: TaskId) -> Result<Task> {
        self.close_task(actor, id, TaskState::Skipped).await
    }

    async fn close_task(&self, actor: &Actor, id: TaskId, state: TaskState) -> Result<Task> {
        self.check_draft(actor, id, state).await?;
        let mut tx = self.store.begin().await?;
        let task = self.close_task_in(&mut tx, actor, id, state).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(task)
    }

    /// A draft that lacks values is not sent: its task stays open.
    async fn check_draft(&self, actor: &Actor, id: TaskId, state: TaskState) -> Result<()> {
        let mut tx = self.store.read().await?;
        let task = open_task(&mut tx, actor, id).await?;
        let sends = tasks::find_view(&mut tx, id).await?.is_some_and(|view| view.sends_email);
        drop(tx);
        let (Some(enrollment), Some(step), true) = (task.enrollment_id, task.step_id, sends) else { return Ok(()) };
        if state != TaskState::Done {
            return Ok(());
        }
        let missing = self.preview_step(actor, enrollment, step).await?.missing_tags;
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("There is no value for {}. Fill it in, or edit the email.", tag_words(&missing));
        Err(EngineError::refused("missing_merge_data", message))
    }

    /// Done or skipped, in a transaction of the caller.
    pub(crate) async fn close_task_in(&self, tx: &mut Tx, actor: &Actor, id: TaskId, state: TaskState) -> Result<Task> {
        let now = self.now();
        let task = open_task(tx, actor, id).await?;
        let waiting = waiting_enrollment(tx, &task).await?;
        if !tasks::close(tx, id, state, now).await? {
            return Err(EngineError::refused("closed", "This task is already closed."));
        }
        let task = Task { state, closed_at: Some(now), ..task };
        let kind = if state == TaskState::Done { ActivityKind::TaskDone } else { ActivityKind::TaskSkipped };
        self.task_event(tx, &task, kind, actor).await?;
        if let Some(stored) = waiting {
            self.go_on_from(tx, actor, &stored, state).await?;
        }
        Ok(task)
    }

    async fn go_on_from(&self, tx: &mut Tx, actor: &Actor, stored: &StoredEnrollment, state: TaskState) -> Result<()> {
        let plan = moves::plan_of(tx, stored).await?;
        let step = moves::current_step(stored, &plan)?;
        if state == TaskState::Done && matches!(step.action, Action::ManualEmail { .. }) {
            return self.send_draft(tx, stored).await;
        }
        let after = self.advance(tx, stored, &plan, self.now(), 0).await?;
        if Self::has_just_ended(stored, &after) {
            self.after_one_end(tx, &after.enrollment, &FinishReason::Completed, actor).await?;
        }
        Ok(())
    }

    /// The email of a manual step is due now, as if it were automated.
    async fn send_draft(&self, tx: &mut Tx, stored: &StoredEnrollment) -> Result<()> {
        let now = self.now();
        let event = match stored.enrollment.state {
            State::Paused { .. } => {
                let message = "This sequence is paused. Resume it, then send the email.";
                return Err(EngineError::refused("paused", message));
            }
            State::Blocked { .. } => Event::Released,
            State::Active { .. } | State::Finished { .. } => Event::Rescheduled { due: now },
        };
        self.apply_with(tx, stored, event, |change| {
            change.step_action = Some("automated_email");
            change.moved_by_hand = true;
            change.wake_at = Some(now);
        })
        .await?;
        Ok(())
    }

    /// Due later.
    pub async fn snooze_task(&self, actor: &Actor, id: TaskId, until: Timestamp) -> Result<Task> {
        if until <= self.now() {
            return Err(Refused::at("until", "in_the_past", "Choose a time that is still to come.").into());
        }
        let mut tx = self.store.begin().await?;
        let task = self.snooze_task_in(&mut tx, actor, id, until).await?;
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(task)
    }

    /// Due at another time, in a transaction of the caller.
    pub(crate) async fn snooze_task_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: TaskId,
        until: Timestamp,
    ) -> Result<Task> {
        let task = Task { due_at: until, ..open_task(tx, actor, id).await? };
        tasks::snooze(tx, id, until).await?;
        self.task_event(tx, &task, ActivityKind::TaskChanged, actor).await?;
        self.look_again(tx, &task).await?;
        Ok(task)
    }

    /// Takes back a task made by hand; those of sequences are skipped instead.
    pub async fn delete_task(&self, actor: &Actor, id: TaskId) -> Result<()> {
        let mut tx = self.store.begin().await?;
        let task = open_task(&mut tx, actor, id).await?;
        if task.enrollment_id.is_some() {
            let message = "This task belongs to a sequence. Skip it, or stop the sequence.";
            return Err(EngineError::refused("of_sequence", message));
        }
        tasks::close(&mut tx, id, TaskState::Cancelled, self.now()).await?;
        self.task_event(&mut tx, &task, ActivityKind::TaskCancelled, actor).await?;
        tx.commit().await?;
        Ok(())
    }
}
