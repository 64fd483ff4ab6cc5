//! `activities`: what happened to people. Read only; commands write them.

use super::{
    doc,
    query::{Id, List, Query, at_cursor, cursor_at, limit},
    shapes::{UserRef, user_names},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use relance_domain::{
    ActivityId, DeliveryId, EnrollmentId, InboundId, PersonId, SequenceId, TaskId, Timestamp, UserId,
    activity::{Activity, ActivityKind},
};
use relance_storage::{activities, sending_pauses};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// One event in the history of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activity)]
pub struct ActivityBody {
    /// Its id.
    #[schema(value_type = doc::ActivityId)]
    id: ActivityId,
    /// When it happened.
    #[schema(value_type = doc::Instant)]
    at: Timestamp,
    /// Whose history.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
    /// What happened: `email_sent`, `reply_received`, `note` …
    kind: &'static str,
    /// Who did it; `null` = Relance or the prospect.
    actor: Option<UserRef>,
    /// In which sequence.
    #[schema(value_type = Option<doc::SequenceId>)]
    sequence_id: Option<SequenceId>,
    /// In which enrollment.
    #[schema(value_type = Option<doc::EnrollmentId>)]
    enrollment_id: Option<EnrollmentId>,
    /// Which email.
    #[schema(value_type = Option<doc::DeliveryId>)]
    delivery_id: Option<DeliveryId>,
    /// Which received message.
    #[schema(value_type = Option<doc::InboundId>)]
    inbound_id: Option<InboundId>,
    /// Which task.
    #[schema(value_type = Option<doc::TaskId>)]
    task_id: Option<TaskId>,
    /// One line in words.
    summary: String,
    /// Further facts.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

impl ActivityBody {
    /// An activity with the name of who did it.
    pub fn of(activity: Activity, names: &HashMap<UserId, UserRef>) -> Self {
        Self {
            id: activity.id,
            at: activity.at,
            person_id: activity.person_id,
            kind: activity.kind.as_str(),
            actor: activity.actor_id.and_then(|id| names.get(&id).cloned()),
            sequence_id: activity.sequence_id,
            enrollment_id: activity.enrollment_id,
            delivery_id: activity.delivery_id,
            inbound_id: activity.inbound_id,
            task_id: activity.task_id,
            summary: activity.summary,
            detail: activity.detail,
        }
    }
}

/// Which page of a history.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only these kinds, separated by commas.
    kind: Option<String>,
}

/// Whose history, and which page of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Whose history.
    #[param(value_type = doc::PersonId)]
    person_id: PersonId,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only these kinds, separated by commas.
    kind: Option<String>,
}

/// A page of a person's history; of one kind where `only` says so.
pub async fn page(
    app: &App,
    person: PersonId,
    params: PageParams,
    only: Option<ActivityKind>,
) -> Result<List<ActivityBody>> {
    let known = ActivityKind::ALL.map(ActivityKind::as_str);
    let asked = super::query::words("kind", params.kind.as_deref(), &known)?;
    let mut kinds: Vec<ActivityKind> = asked.into_iter().filter_map(ActivityKind::parse).collect();
    kinds.extend(only);
    let (limit, after) = (limit(params.limit)?, cursor_at(params.cursor.as_deref())?);
    let mut tx = app.engine.store.read().await?;
    if relance_storage::people::find(&mut tx, person).await?.is_none() {
        return Err(Problem::not_found("person"));
    }
    let found = activities::list_of_person(&mut tx, person, &kinds, after, limit + 1).await?;
    let names = user_names(&mut tx).await?;
    let cursor = |last: &Activity| at_cursor(last.at, last.id);
    Ok(List::page(found, limit, cursor, |activity| ActivityBody::of(activity, &names)))
}

/// Lists the history of a person, newest first.
#[utoipa::path(get, path = "/activities", tag = "activities", operation_id = "list_activities", params(ListParams),
    responses((status = 200, body = List<ActivityBody>)))]
async fn list(State(app): State<App>, Query(params): Query<ListParams>) -> Result<Json<List<ActivityBody>>> {
    let ListParams { person_id, limit, cursor, kind } = params;
    page(&app, person_id, PageParams { limit, cursor, kind }, None).await.map(Json)
}

/// In whose history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReadParams {
    /// In whose history: needed for a stop of all sending, which stands in many; else it may be left out.
    #[param(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
}

/// Reads an activity.
#[utoipa::path(get, path = "/activities/{id}", tag = "activities", operation_id = "read_activity",
    params(("id" = doc::ActivityId, Path), ReadParams), responses((status = 200, body = ActivityBody)))]
async fn read(
    State(app): State<App>,
    Id(id): Id<ActivityId>,
    Query(params): Query<ReadParams>,
) -> Result<Json<ActivityBody>> {
    let mut tx = app.engine.store.read().await?;
    let mut found = activities::find(&mut tx, id).await?;
    if let Some(person) = params.person_id {
        found = found.filter(|activity| activity.person_id == person);
        if found.is_none() {
            found = sending_pauses::find(&mut tx, id, person).await?;
        }
    }
    let activity = found.ok_or_else(|| Problem::not_found("activity"))?;
    let names = user_names(&mut tx).await?;
    Ok(Json(ActivityBody::of(activity, &names)))
}
