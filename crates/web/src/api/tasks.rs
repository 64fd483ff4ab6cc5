//! `tasks`: what people do by hand, of sequences or their own.

use super::{
    auth::Caller,
    body::{Body, NoBody, Patch},
    doc,
    query::{Id, List, Query, at_cursor, cursor_at, limit_u32},
    shapes::created,
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use relance_domain::{
    DeliveryId, EnrollmentId, PersonId, SequenceId, StepId, TaskId, Timestamp, UserId,
    step::TaskKind,
    task::{Task, TaskState},
};
use relance_engine::commands::tasks::{NewTask, TaskChange};
use relance_storage::tasks::{self, TaskFilter, TaskView};
use relance_storage::visibility::SeenBy;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, edit, delete))
        .routes(routes!(complete))
        .routes(routes!(skip))
        .routes(routes!(snooze))
        .routes(routes!(reopen))
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub struct TaskBody {
    /// Its id.
    #[schema(value_type = doc::TaskId)]
    id: TaskId,
    /// About whom.
    #[schema(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
    /// Who does it.
    #[schema(value_type = doc::UserId)]
    owner_id: UserId,
    /// The enrollment that made it.
    #[schema(value_type = Option<doc::EnrollmentId>)]
    enrollment_id: Option<EnrollmentId>,
    /// The step that made it.
    #[schema(value_type = Option<doc::StepId>)]
    step_id: Option<StepId>,
    /// The prepared email of a manual email step.
    #[schema(value_type = Option<doc::DeliveryId>)]
    delivery_id: Option<DeliveryId>,
    /// What it asks for.
    #[schema(value_type = doc::TaskKind)]
    kind: TaskKind,
    /// What to do.
    content: String,
    /// When it is due.
    #[schema(value_type = doc::Instant)]
    due_at: Timestamp,
    /// Where it is.
    #[schema(value_type = doc::TaskState)]
    state: TaskState,
    /// When it was done, skipped or cancelled.
    #[schema(value_type = Option<doc::Instant>)]
    closed_at: Option<Timestamp>,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
}

impl From<Task> for TaskBody {
    fn from(task: Task) -> Self {
        let Task { id, person_id, owner_id, enrollment_id, step_id, delivery_id, kind, content, due_at, .. } = task;
        let Task { state, closed_at, created_at, .. } = task;
        Self {
            id,
            person_id,
            owner_id,
            enrollment_id,
            step_id,
            delivery_id,
            kind,
            content,
            due_at,
            state,
            closed_at,
            created_at,
        }
    }
}

/// Which tasks.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Of this user; yours if left out.
    #[param(value_type = Option<doc::UserId>)]
    owner_id: Option<UserId>,
    /// About this person; then of any user.
    #[param(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
    /// `open` (if left out), `closed` or `any`.
    state: Option<String>,
    /// Asking for this.
    #[param(value_type = Option<doc::TaskKind>)]
    kind: Option<TaskKind>,
    /// Of this sequence.
    #[param(value_type = Option<doc::SequenceId>)]
    sequence_id: Option<SequenceId>,
    /// Whose words, or whose person's name, contain this.
    q: Option<String>,
    /// Due at or after this instant.
    #[param(value_type = Option<doc::Instant>)]
    due_from: Option<Timestamp>,
    /// Due before this instant.
    #[param(value_type = Option<doc::Instant>)]
    due_before: Option<Timestamp>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The task, if the caller may see it: their own, about someone they see, or, for managers, of someone they look after.
async fn find(app: &App, caller: &Caller, id: TaskId) -> Result<Task> {
    let sight = app.engine.sight(&caller.actor).await?;
    let mut tx = app.engine.store.read().await?;
    let may_see = |task: &Task| {
        let is_in_sight = caller.actor.acts_for_others() && sight.sees(Some(task.owner_id));
        task.owner_id == caller.id() || task.person_id.is_some() || is_in_sight
    };
    tasks::find(&mut tx, id).await?.filter(may_see).ok_or_else(|| Problem::not_found("task"))
}

/// Lists tasks by due time; closed ones latest first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", operation_id = "list_tasks", params(ListParams),
    responses((status = 200, body = List<TaskBody>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<List<TaskBody>>> {
    let limit = limit_u32(params.limit)?;
    let open = match params.state.as_deref() {
        None | Some("open") => Some(true),
        Some("closed") => Some(false),
        Some("any") => None,
        Some(_) => return Err(Problem::at("state", "invalid", "Ask for open, closed or any.")),
    };
    let owners: Vec<UserId> = match (params.owner_id, params.person_id) {
        (Some(owner), _) => vec![owner],
        (None, Some(_)) => Vec::new(),
        (None, None) => vec![caller.id()],
    };
    let sight = app.engine.sight(&caller.actor).await?.owners();
    let filter = TaskFilter {
        owners: &owners,
        open,
        due_from: params.due_from,
        due_before: params.due_before,
        person: params.person_id,
        kind: params.kind,
        sequence: params.sequence_id,
        words: params.q.as_deref().unwrap_or_default(),
        manages: caller.actor.acts_for_others(),
        seen_by: sight.as_deref().map(|owners| SeenBy { user: caller.id(), owners }),
    };
    let after = cursor_at(params.cursor.as_deref())?;
    let mut tx = app.engine.store.read().await?;
    let found = tasks::page(&mut tx, filter, after, limit + 1).await?;
    let cursor = |last: &TaskView| at_cursor(last.task.due_at, last.task.id);
    Ok(Json(List::page(found, limit as usize, cursor, |view| view.task.into())))
}

/// A task someone makes by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTask)]
struct NewTaskFields {
    /// About whom.
    #[serde(default)]
    #[schema(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
    /// Who does it; left out = you.
    #[serde(default)]
    #[schema(value_type = Option<doc::UserId>)]
    owner_id: Option<UserId>,
    /// What it asks for.
    #[schema(value_type = doc::TaskKind)]
    kind: TaskKind,
    /// What to do.
    content: String,
    /// When it is due; left out = now.
    #[serde(default)]
    #[schema(value_type = Option<doc::Instant>)]
    due_at: Option<Timestamp>,
}

/// Creates a task by hand.
#[utoipa::path(post, path = "/tasks", tag = "tasks", operation_id = "create_task", request_body = NewTaskFields,
    responses((status = 201, body = TaskBody)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewTaskFields>) -> Result<Response> {
    let NewTaskFields { person_id, owner_id, kind, content, due_at } = new;
    let task = app.engine.create_task(&caller.actor, NewTask { person_id, owner_id, kind, content, due_at }).await?;
    Ok(created(format!("tasks/{}", task.id), TaskBody::from(task)))
}

/// Reads a task.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks", operation_id = "read_task", params(("id" = doc::TaskId, Path)),
    responses((status = 200, body = TaskBody)))]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<TaskId>) -> Result<Json<TaskBody>> {
    Ok(Json(find(&app, &caller, id).await?.into()))
}

/// What to change of an open task; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaskPatch)]
struct TaskFields {
    /// What it asks for.
    #[schema(value_type = Option<doc::TaskKind>)]
    kind: Option<TaskKind>,
    /// What to do.
    content: Option<String>,
    /// When it is due.
    #[schema(value_type = Option<doc::Instant>)]
    due_at: Option<Timestamp>,
    /// Who does it.
    #[schema(value_type = Option<doc::UserId>)]
    owner_id: Option<UserId>,
}

/// Changes an open task.
#[utoipa::path(patch, path = "/tasks/{id}", tag = "tasks", operation_id = "edit_task", params(("id" = doc::TaskId, Path)),
    request_body = TaskFields, responses((status = 200, body = TaskBody)))]
async fn edit(State(app): State<App>, caller: Caller, Id(id): Id<TaskId>, patch: Patch) -> Result<Json<TaskBody>> {
    let TaskFields { kind, content, due_at, owner_id } = patch.alone()?;
    let change = TaskChange { kind, content, due_at, owner_id };
    Ok(Json(app.engine.edit_task(&caller.actor, id, change).await?.into()))
}

/// Deletes a task made by hand.
#[utoipa::path(delete, path = "/tasks/{id}", tag = "tasks", operation_id = "delete_task", params(("id" = doc::TaskId, Path)),
    responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<TaskId>) -> Result<StatusCode> {
    app.engine.delete_task(&caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Marks a task as done; of a manual email, this sends its draft.
#[utoipa::path(post, path = "/tasks/{id}/complete", tag = "tasks", operation_id = "complete_task",
    params(("id" = doc::TaskId, Path)), responses((status = 200, body = TaskBody)))]
async fn complete(State(app): State<App>, caller: Caller, Id(id): Id<TaskId>, _: NoBody) -> Result<Json<TaskBody>> {
    Ok(Json(app.engine.complete_task(&caller.actor, id).await?.into()))
}

/// Skips a task; its sequence goes on without it.
#[utoipa::path(post, path = "/tasks/{id}/skip", tag = "tasks", operation_id = "skip_task",
    params(("id" = doc::TaskId, Path)), responses((status = 200, body = TaskBody)))]
async fn skip(State(app): State<App>, caller: Caller, Id(id): Id<TaskId>, _: NoBody) -> Result<Json<TaskBody>> {
    Ok(Json(app.engine.skip_task(&caller.actor, id).await?.into()))
}

/// Opens a task again that was done or skipped, as long as nothing has followed it: neither the next step of its sequence
/// nor its email.
#[utoipa::path(post, path = "/tasks/{id}/reopen", tag = "tasks", operation_id = "reopen_task",
    params(("id" = doc::TaskId, Path)), responses((status = 200, body = TaskBody)))]
async fn reopen(State(app): State<App>, caller: Caller, Id(id): Id<TaskId>, _: NoBody) -> Result<Json<TaskBody>> {
    Ok(Json(app.engine.reopen_task(&caller.actor, id).await?.into()))
}

/// Until when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Snooze {
    /// The new due time.
    #[schema(value_type = doc::Instant)]
    until: Timestamp,
}

/// Moves a task to a later due time.
#[utoipa::path(post, path = "/tasks/{id}/snooze", tag = "tasks", operation_id = "snooze_task",
    params(("id" = doc::TaskId, Path)), request_body = Snooze, responses((status = 200, body = TaskBody)))]
async fn snooze(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    Body(asked): Body<Snooze>,
) -> Result<Json<TaskBody>> {
    Ok(Json(app.engine.snooze_task(&caller.actor, id, asked.until).await?.into()))
}
