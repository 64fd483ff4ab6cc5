//! `jobs`: long work, such as an import or a bulk action, with the outcome of each row.
//!
//! Everyone sees their own jobs, managers and admins those of everyone.

use super::{
    auth::Caller,
    body::NoBody,
    doc,
    query::{Id, List, Query, cursor_of, limit},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use relance_domain::{EnrollmentId, JobId, PersonId, Timestamp, UserId, user::Sight};
use relance_storage::jobs::{self, Job, JobRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Most jobs a list shows.
const MOST: usize = 1_000;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(rows))
        .routes(routes!(cancel))
        .routes(routes!(undo))
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
struct JobBody {
    /// Its id.
    #[schema(value_type = doc::JobId)]
    id: JobId,
    /// `import_people`, `bulk_people` or `bulk_enroll`.
    kind: &'static str,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// In words.
    title: String,
    /// Rows in all, as far as known.
    total: i64,
    /// Rows done.
    done: i64,
    /// Rows refused.
    refused: i64,
    /// Counts by outcome and what else is to be told.
    #[schema(value_type = Object)]
    summary: serde_json::Value,
    /// The fault that ended it.
    error: Option<String>,
    /// Who asked for it; `null` = the command line.
    #[schema(value_type = Option<doc::UserId>)]
    created_by: Option<UserId>,
    /// When it was asked for.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<doc::Instant>)]
    finished_at: Option<Timestamp>,
}

impl From<Job> for JobBody {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind.as_str(),
            state: job.state.as_str(),
            title: job.title,
            total: job.total,
            done: job.done_count,
            refused: job.refused_count,
            summary: job.summary,
            error: job.error,
            created_by: job.created_by,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    }
}

/// The outcome of one row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobRow)]
struct RowBody {
    /// From 1, in the order of the input.
    number: i64,
    /// `created`, `updated`, `skipped`, `refused`, `enrolled` …
    outcome: String,
    /// Why, in words.
    reason: String,
    /// The person it became or concerned.
    #[schema(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
    /// The enrollment it became.
    #[schema(value_type = Option<doc::EnrollmentId>)]
    enrollment_id: Option<EnrollmentId>,
    /// The row as it came, the code of a refusal, or what was so before, as JSON.
    data: String,
}

impl From<JobRow> for RowBody {
    fn from(row: JobRow) -> Self {
        let JobRow { number, outcome, reason, person_id, enrollment_id, data } = row;
        Self { number, outcome, reason, person_id, enrollment_id, data }
    }
}

/// One's own, and those of whom one acts for; what Relance itself began is for admins.
fn may_read(caller: &Caller, sight: &Sight, job: &Job) -> bool {
    job.created_by.map_or_else(|| caller.actor.is_admin(), |by| caller.actor.acts_for(sight, by))
}

async fn find(app: &App, caller: &Caller, id: JobId) -> Result<Job> {
    let mut tx = app.engine.store.read().await?;
    let job = jobs::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("job"))?;
    let sight = app.engine.sight(&caller.actor).await?;
    if may_read(caller, &sight, &job) {
        Ok(job)
    } else {
        Err(Problem::forbidden("This job was asked for by someone else."))
    }
}

/// Which jobs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the latest jobs, the newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", operation_id = "list_jobs", params(ListParams),
    responses((status = 200, body = List<JobBody>)))]
async fn list(State(app): State<App>, caller: Caller, Query(params): Query<ListParams>) -> Result<Json<List<JobBody>>> {
    let limit = limit(params.limit)?;
    let after: Option<JobId> = cursor_of(params.cursor.as_deref())?;
    let of = if caller.actor.acts_for_others() { None } else { Some(caller.id()) };
    let mut tx = app.engine.store.read().await?;
    let mut found = jobs::list_recent(&mut tx, of, MOST).await?;
    let sight = app.engine.sight(&caller.actor).await?;
    found.retain(|job| may_read(&caller, &sight, job));
    let begin = after.map_or(0, |after| found.iter().position(|job| job.id == after).map_or(found.len(), |at| at + 1));
    let rest: Vec<Job> = found.into_iter().skip(begin).take(limit + 1).collect();
    Ok(Json(List::page(rest, limit, |last| last.id.to_string(), JobBody::from)))
}

/// Reads a job: how far it is.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", operation_id = "read_job", params(("id" = doc::JobId, Path)),
    responses((status = 200, body = JobBody)))]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<JobId>) -> Result<Json<JobBody>> {
    Ok(Json(find(&app, &caller, id).await?.into()))
}

/// Which rows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RowParams {
    /// Only rows of this outcome, such as `refused`.
    outcome: Option<String>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The outcome of each row so far.
#[utoipa::path(get, path = "/jobs/{id}/rows", tag = "jobs", operation_id = "list_job_rows",
    params(("id" = doc::JobId, Path), RowParams), responses((status = 200, body = List<RowBody>)))]
async fn rows(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<JobId>,
    Query(params): Query<RowParams>,
) -> Result<Json<List<RowBody>>> {
    find(&app, &caller, id).await?;
    let limit = limit(params.limit)?;
    let after = cursor_of(params.cursor.as_deref())?.unwrap_or(0);
    let mut tx = app.engine.store.read().await?;
    let found = jobs::list_rows(&mut tx, id, params.outcome.as_deref(), after, limit + 1).await?;
    Ok(Json(List::page(found, limit, |last| last.number.to_string(), RowBody::from)))
}

/// Stops a job after its current chunk; what is done stays done.
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs", operation_id = "cancel_job",
    params(("id" = doc::JobId, Path)), responses((status = 200, body = JobBody)))]
async fn cancel(State(app): State<App>, caller: Caller, Id(id): Id<JobId>, _: NoBody) -> Result<Json<JobBody>> {
    find(&app, &caller, id).await?;
    app.engine.cancel_job(&caller.actor, id).await?;
    Ok(Json(find(&app, &caller, id).await?.into()))
}

/// Takes a bulk action back where that can be: deletion, tags, owner, pause, resume. Answers the job that does it; asked again,
/// the same.
#[utoipa::path(post, path = "/jobs/{id}/undo", tag = "jobs", operation_id = "undo_job",
    params(("id" = doc::JobId, Path)), responses((status = 200, body = JobBody)))]
async fn undo(State(app): State<App>, caller: Caller, Id(id): Id<JobId>, _: NoBody) -> Result<Json<JobBody>> {
    find(&app, &caller, id).await?;
    let (undo, _) = app.engine.undo_bulk(&caller.actor, id).await?;
    Ok(Json(find(&app, &caller, undo).await?.into()))
}
