//! One action on several tasks: done, skipped, put off, given to someone. Each for itself, with its outcome; taken back
//! together.
//!
//! It is a job like every bulk action, so that a crash in the middle goes on and the rows say what became of each.

use super::{
    access, at_most_1000,
    bulk::{BulkAction, BulkPayload},
    tasks::TaskChange,
};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    JobId, PersonId, Refused, TaskId, Timestamp, UserId,
    task::{Task, TaskState},
    user::Actor,
};
use relance_storage::{
    Tx,
    jobs::{self, Job, JobRow},
    tasks,
};
use serde::{Deserialize, Serialize};

/// What to do with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act")]
pub enum TaskAct {
    /// Done. A draft is refused: it is read before it is sent.
    Complete,
    /// Skipped; sequences go on without them.
    Skip,
    /// Due then.
    Snooze {
        /// When.
        until: Timestamp,
    },
    /// Someone else does them.
    Assign {
        /// Who.
        owner_id: UserId,
    },
}

impl TaskAct {
    const fn words(self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::Skip => "Skip",
            Self::Snooze { .. } => "Snooze",
            Self::Assign { .. } => "Assign",
        }
    }
}

/// What was so before; it lies with the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskBefore {
    task: TaskId,
    due_at: Timestamp,
    owner_id: UserId,
}

/// What became of the tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TasksDone {
    /// The job that keeps the rows.
    pub job: JobId,
    /// How many were done.
    pub done: i64,
    /// Those that were not, with the reason.
    pub refused: Vec<(Option<PersonId>, String)>,
}

/// Ids as they lie in the job's file.
pub(crate) fn tasks_to_bytes(ids: &[TaskId]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.uuid().as_bytes()).collect()
}

/// Reads [`tasks_to_bytes`].
pub(crate) fn tasks_from_bytes(bytes: &[u8]) -> Vec<TaskId> {
    bytes.chunks_exact(16).filter_map(|id| Some(TaskId::from_uuid(uuid::Uuid::from_slice(id).ok()?))).collect()
}

/// The row of a task that was changed, or refused.
fn row(id: TaskId, before: Option<&Task>, done: Result<()>) -> Result<JobRow> {
    let first_line = before.and_then(|task| task.content.lines().next()).unwrap_or_default();
    let data = before.map(|task| TaskBefore { task: id, due_at: task.due_at, owner_id: task.owner_id });
    let (outcome, reason) = match done {
        Ok(()) => ("done", String::new()),
        Err(error @ (EngineError::Refused(_) | EngineError::Forbidden(_) | EngineError::NotFound(_))) => {
            let words = error.to_string();
            ("refused", if first_line.is_empty() { words } else { format!("“{first_line}”: {words}") })
        }
        Err(error) => return Err(error),
    };
    Ok(JobRow {
        number: 0,
        outcome: outcome.to_owned(),
        reason,
        person_id: before.and_then(|task| task.person_id),
        enrollment_id: None,
        data: data.map(|data| serde_json::to_string(&data).unwrap_or_default()).unwrap_or_default(),
    })
}

impl Engine {
    /// Does one action with up to 1,000 tasks under an id the caller chose: asked again with it, it is not done twice.
    pub async fn bulk_tasks(&self, actor: &Actor, id: JobId, ids: &[TaskId], act: TaskAct) -> Result<TasksDone> {
        if self.known_bulk(actor, id).await?.is_none() {
            at_most_1000(ids.len())?;
            self.start_bulk_tasks(actor, id, ids, act).await?;
        }
        self.finish_now(id).await?;
        self.tasks_done(id).await
    }

    async fn start_bulk_tasks(&self, actor: &Actor, id: JobId, ids: &[TaskId], act: TaskAct) -> Result<()> {
        if ids.is_empty() {
            return Err(Refused::at("task_ids", "required", "Choose at least one task.").into());
        }
        let mut tx = self.store.begin().await?;
        match act {
            TaskAct::Snooze { until } if until <= self.now() => {
                return Err(Refused::at("until", "in_the_past", "Choose a time that is still to come.").into());
            }
            TaskAct::Assign { owner_id } => {
                access::owner_only(actor, Some(owner_id), "task")?;
                access::active_user(&mut tx, owner_id, "owner_id").await?;
            }
            _ => {}
        }
        let noun = if ids.len() == 1 { "task" } else { "tasks" };
        let title = format!("{} {} {noun}", act.words(), ids.len());
        let payload = BulkPayload { actor: actor.clone(), action: BulkAction::OfTasks { act }, matching: None };
        self.store_bulk_titled(&mut tx, id, (ids.len(), title), payload, &[tasks_to_bytes(ids)]).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn tasks_done(&self, id: JobId) -> Result<TasksDone> {
        let mut tx = self.store.read().await?;
        let job: Job = jobs::find(&mut tx, id).await?.ok_or(EngineError::NotFound("job"))?;
        let rows = jobs::list_rows(&mut tx, id, Some("refused"), 0, 1_000).await?;
        let refused = rows.into_iter().map(|row| (row.person_id, row.reason)).collect();
        Ok(TasksDone { job: id, done: job.done_count, refused })
    }

    /// Does the action with these tasks in a transaction of the caller; a refusal concerns its row alone.
    pub(crate) async fn task_rows(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        ids: &[TaskId],
        act: TaskAct,
    ) -> Result<Vec<JobRow>> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            let before = tasks::find_view(tx, *id).await?;
            let sends = before.as_ref().is_some_and(|view| view.sends_email);
            let done = match act {
                TaskAct::Complete if sends => {
                    let message = "This email is read before it is sent. Open it.";
                    Err(EngineError::refused("is_draft", message))
                }
                TaskAct::Complete => self.close_task_in(tx, actor, *id, TaskState::Done).await,
                TaskAct::Skip => self.close_task_in(tx, actor, *id, TaskState::Skipped).await,
                TaskAct::Snooze { until } => self.snooze_task_in(tx, actor, *id, until).await,
                TaskAct::Assign { owner_id } => {
                    let change = TaskChange { owner_id: Some(owner_id), ..TaskChange::default() };
                    self.edit_task_in(tx, actor, *id, change).await
                }
            };
            rows.push(row(*id, before.as_ref().map(|view| &view.task), done.map(drop))?);
        }
        Ok(rows)
    }

    /// Takes rows of [`Engine::task_rows`] back; what someone changed since stays and says so.
    pub(crate) async fn undo_task_rows(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        rows: &[JobRow],
        act: TaskAct,
    ) -> Result<Vec<JobRow>> {
        let mut undone = Vec::with_capacity(rows.len());
        for stored in rows {
            let Ok(before) = serde_json::from_str::<TaskBefore>(&stored.data) else { continue };
            let task = tasks::find(tx, before.task).await?;
            let done = match act {
                TaskAct::Complete | TaskAct::Skip => self.reopen_task_in(tx, actor, before.task).await,
                TaskAct::Snooze { until } if task.as_ref().is_some_and(|task| task.due_at == until) => {
                    self.snooze_task_in(tx, actor, before.task, before.due_at).await
                }
                TaskAct::Assign { owner_id } if task.as_ref().is_some_and(|task| task.owner_id == owner_id) => {
                    let change = TaskChange { owner_id: Some(before.owner_id), ..TaskChange::default() };
                    self.edit_task_in(tx, actor, before.task, change).await
                }
                TaskAct::Snooze { .. } | TaskAct::Assign { .. } => {
                    Err(EngineError::refused("changed_since", "This task was changed since. It stays as it is."))
                }
            };
            undone.push(row(before.task, task.as_ref(), done.map(drop))?);
        }
        Ok(undone)
    }
}
