//! `sequences/{id}/versions`: what was published when and by whom, and what each version changed. Nothing changes one.

use super::{
    doc,
    query::{Id, List, Query, cursor, limit},
    schedule_shapes::ScheduleBody,
    sequence_shapes::{ExitBody, SequenceBodyFields, StepBody, UnsubscribeBody},
    shapes::{UserRef, user_names},
};
use crate::{
    app::App,
    problem::{Problem, Result},
    version_changes::differences,
};
use axum::{Json, extract::State};
use relance_domain::{
    SequenceId, Timestamp, VersionId,
    sequence::{Plan, Version},
};
use relance_storage::sequences;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A published version of a sequence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SequenceVersion)]
struct VersionBody {
    /// Its id, as enrollments name it.
    #[schema(value_type = doc::VersionId)]
    id: VersionId,
    /// 1 for the first.
    number: u32,
    /// New enrollments follow it.
    live: bool,
    /// Who published it; `null` = Relance itself.
    published_by: Option<UserRef>,
    /// When.
    #[schema(value_type = doc::Instant)]
    published_at: Timestamp,
    /// What it changed of the version before, in sentences; empty for the first.
    changes: Vec<String>,
    /// Sending days and windows; `null` = any time.
    #[schema(value_type = Option<ScheduleBody>)]
    schedule: Option<Value>,
    /// Exit rules.
    exit: ExitBody,
    /// Unsubscribe footer and headers.
    unsubscribe: UnsubscribeBody,
    /// In order, with the texts of templates as they were then.
    steps: Vec<StepBody>,
}

/// Which page of the versions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the versions of a sequence, newest first.
#[utoipa::path(get, path = "/sequences/{id}/versions", tag = "sequences", operation_id = "list_sequence_versions",
    params(("id" = doc::SequenceId, Path), ListParams), responses((status = 200, body = List<VersionBody>)))]
async fn list(
    State(app): State<App>,
    Id(id): Id<SequenceId>,
    Query(params): Query<ListParams>,
) -> Result<Json<List<VersionBody>>> {
    let (limit, after) = (limit(params.limit)?, cursor(params.cursor.as_deref())?);
    let unknown =
        || Problem::at("cursor", "invalid_cursor", "This page does not exist any more. Begin at the first page.");
    let below = after.map(|text| text.parse::<u32>().map_err(|_| unknown())).transpose()?.unwrap_or(u32::MAX);
    let mut tx = app.engine.store.read().await?;
    let live = sequences::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("sequence"))?.version_id;
    let versions = sequences::versions(&mut tx, id).await?;
    let names = user_names(&mut tx).await?;
    drop(tx);
    let pairs: Vec<(&Version, Option<&Plan>)> = versions
        .iter()
        .enumerate()
        .map(|(index, version)| (version, versions.get(index + 1).map(|before| &before.plan)))
        .filter(|(version, _)| version.number < below)
        .take(limit + 1)
        .collect();
    let cursor = |last: &(&Version, Option<&Plan>)| last.0.number.to_string();
    Ok(Json(List::page(pairs, limit, cursor, |(version, before)| {
        let SequenceBodyFields { schedule, exit, unsubscribe, steps, .. } =
            SequenceBodyFields::of("", "", &version.plan);
        VersionBody {
            id: version.id,
            number: version.number,
            live: live == Some(version.id),
            published_by: version.published_by.and_then(|id| names.get(&id).cloned()),
            published_at: version.published_at,
            changes: before.map(|before| differences(before, &version.plan)).unwrap_or_default(),
            schedule: schedule.filter(|schedule| !schedule.is_null()),
            exit,
            unsubscribe,
            steps,
        }
    })))
}
