//! `tasks/bulk`: one action on several tasks, each for itself.

use super::{auth::Caller, body::Body, doc};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use relance_domain::{JobId, PersonId, TaskId, Timestamp, UserId};
use relance_engine::commands::bulk_tasks::TaskAct;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(bulk))
}

/// What to do.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TaskActWord {
    /// Done. A draft is refused: complete it by itself.
    Complete,
    /// Skipped.
    Skip,
    /// Due at `until`.
    Snooze,
    /// Given to `owner_id`.
    Assign,
}

/// One action on up to 1,000 tasks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BulkOfTasks {
    /// What to do.
    action: TaskActWord,
    /// With which.
    #[schema(value_type = Vec<doc::TaskId>)]
    task_ids: Vec<TaskId>,
    /// For `snooze`: until when.
    #[serde(default)]
    #[schema(value_type = Option<doc::Instant>)]
    until: Option<Timestamp>,
    /// For `assign`: to whom.
    #[serde(default)]
    #[schema(value_type = Option<doc::UserId>)]
    owner_id: Option<UserId>,
}

impl BulkOfTasks {
    fn act(&self) -> Result<TaskAct> {
        Ok(match self.action {
            TaskActWord::Complete => TaskAct::Complete,
            TaskActWord::Skip => TaskAct::Skip,
            TaskActWord::Snooze => TaskAct::Snooze {
                until: self.until.ok_or_else(|| Problem::at("until", "required", "Say until when."))?,
            },
            TaskActWord::Assign => TaskAct::Assign {
                owner_id: self.owner_id.ok_or_else(|| Problem::at("owner_id", "required", "Say to whom."))?,
            },
        })
    }
}

/// A task that was not changed.
#[derive(Debug, Serialize, ToSchema)]
struct RefusedTask {
    /// About whom it is.
    #[schema(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
    /// Why, in a sentence that begins with its words.
    message: String,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
struct BulkTasksDone {
    /// The job that keeps the rows; `POST /jobs/{id}/undo` takes it back.
    #[schema(value_type = doc::JobId)]
    job_id: JobId,
    /// How many were done.
    done: i64,
    /// Those that were not.
    refused: Vec<RefusedTask>,
}

/// Does one action with several tasks, each for itself.
#[utoipa::path(post, path = "/tasks/bulk", tag = "tasks", operation_id = "bulk_tasks", request_body = BulkOfTasks,
    responses((status = 200, body = BulkTasksDone)))]
async fn bulk(State(app): State<App>, caller: Caller, Body(asked): Body<BulkOfTasks>) -> Result<Json<BulkTasksDone>> {
    let (id, act) = (app.engine.new_job_id(), asked.act()?);
    let done = app.engine.bulk_tasks(&caller.actor, id, &asked.task_ids, act).await?;
    let refused = done.refused.into_iter().map(|(person_id, message)| RefusedTask { person_id, message });
    Ok(Json(BulkTasksDone { job_id: done.job, done: done.done, refused: refused.collect() }))
}
