//! `people/bulk`: one action on many people. Up to 1,000 rows are answered at once, more become a job (202).

use super::{auth::Caller, body::Body, doc, enrollments_bulk::JobRef, shapes::accepted};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use relance_domain::{JobId, PersonId, Timestamp, UserId, person::Kind};
use relance_engine::commands::{
    RowOutcome,
    bulk::{BulkAction, BulkDone, Selection},
};
use relance_storage::people_lists::{self, Filter, PeopleQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Most rows that are answered at once.
const AT_ONCE: usize = 1_000;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(bulk)).routes(routes!(restore))
}

/// Which people a request means: ids, or everyone who matches.
pub struct Whom {
    /// These.
    pub person_ids: Option<Vec<PersonId>>,
    /// Everyone who meets these rules.
    pub filter: Option<Value>,
    /// Of these, leads or contacts only.
    pub kind: Option<Kind>,
    /// Of these, with these words.
    pub q: Option<String>,
}

impl Whom {
    /// As commands take it.
    pub fn selection(self) -> Result<Selection> {
        match (self.person_ids, self.filter, self.kind, self.q) {
            (Some(ids), None, None, None) if ids.is_empty() => {
                Err(Problem::at("person_ids", "required", "Choose at least one person."))
            }
            (Some(mut ids), None, None, None) => {
                let mut seen = std::collections::HashSet::new();
                ids.retain(|id| seen.insert(*id));
                Ok(Selection::Ids(ids))
            }
            (Some(_), ..) => Err(Problem::at("filter", "invalid", "Give either person_ids or a filter, not both.")),
            (None, None, None, None) => Err(Problem::at(
                "person_ids",
                "required",
                "Give person_ids, or a filter; {\"all\": []} means everyone.",
            )),
            (None, filter, kind, q) => {
                let filter = match filter {
                    Some(filter) => super::people::parse_filter(&filter.to_string())?,
                    None => Filter::default(),
                };
                Ok(Selection::Matching { kind, search: q.unwrap_or_default(), filter })
            }
        }
    }

    /// The ids where they are few enough to be answered at once, else the selection.
    pub async fn resolve(self, app: &App) -> Result<(Vec<PersonId>, Option<Selection>)> {
        let selection = self.selection()?;
        match &selection {
            Selection::Ids(ids) if ids.len() <= AT_ONCE => Ok((ids.clone(), None)),
            Selection::Ids(_) => Ok((Vec::new(), Some(selection))),
            Selection::Matching { kind, search, filter } => {
                let query = PeopleQuery {
                    kind: *kind,
                    search: search.clone(),
                    filter: filter.clone(),
                    ..PeopleQuery::default()
                };
                let mut tx = app.engine.store.read().await?;
                let found = people_lists::ids(&mut tx, &query, None, AT_ONCE + 1).await?;
                Ok(if found.len() <= AT_ONCE { (found, None) } else { (Vec::new(), Some(selection)) })
            }
        }
    }
}

/// What to do with each.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActionWord {
    Convert,
    Delete,
    Stop,
    Pause,
    Resume,
    Retry,
    Tag,
    AssignOwner,
}

/// One action on many people. Either `person_ids` or `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bulk {
    /// What to do.
    #[schema(inline)]
    action: ActionWord,
    /// These people.
    #[serde(default)]
    #[schema(value_type = Option<Vec<doc::PersonId>>)]
    person_ids: Option<Vec<PersonId>>,
    /// Everyone who meets these rules.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
    /// With a filter: only leads or only contacts.
    #[serde(default)]
    #[schema(value_type = Option<doc::Kind>)]
    kind: Option<Kind>,
    /// With a filter: words that each begin a word of the person.
    #[serde(default)]
    q: Option<String>,
    /// Of `convert`: merge a lead into the one contact that has its address; else it is refused with `contact_exists`.
    #[serde(default)]
    merge: bool,
    /// Of `pause`: until when.
    #[serde(default)]
    #[schema(value_type = Option<doc::Instant>)]
    until: Option<Timestamp>,
    /// Of `tag`: tags to add.
    #[serde(default)]
    add: Vec<String>,
    /// Of `tag`: tags to remove.
    #[serde(default)]
    remove: Vec<String>,
    /// Of `assign_owner`: to whom; `null` = nobody.
    #[serde(default)]
    #[schema(value_type = Option<doc::UserId>)]
    owner_id: Option<UserId>,
}

impl Bulk {
    fn action(&self) -> BulkAction {
        match self.action {
            ActionWord::Convert => BulkAction::Convert { merge: self.merge },
            ActionWord::Delete => BulkAction::Delete,
            ActionWord::Stop => BulkAction::Stop,
            ActionWord::Pause => BulkAction::Pause { until: self.until },
            ActionWord::Resume => BulkAction::Resume,
            ActionWord::Retry => BulkAction::Retry,
            ActionWord::Tag => BulkAction::Tag { add: self.add.clone(), remove: self.remove.clone() },
            ActionWord::AssignOwner => BulkAction::AssignOwner { owner_id: self.owner_id },
        }
    }
}

/// What became of one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkRow)]
struct RowBody {
    /// Whom.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
    /// `done` or `refused`.
    outcome: &'static str,
    /// The code of a refusal.
    reason: Option<String>,
    /// The same in a sentence; of a merge, into whom.
    message: Option<String>,
    /// The contact a lead was merged into.
    #[schema(value_type = Option<doc::PersonId>)]
    merged_into: Option<PersonId>,
}

impl From<RowOutcome> for RowBody {
    fn from(row: RowOutcome) -> Self {
        let (reason, message) = row.refused.map(|refused| (refused.code, refused.message)).unzip();
        let outcome = if reason.is_none() { "done" } else { "refused" };
        let message = message.or_else(|| Some(row.note).filter(|note| !note.is_empty()));
        Self { person_id: row.person_id, outcome, reason, message, merged_into: row.merged_into }
    }
}

/// A row per person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkRows)]
struct RowsBody {
    /// The job that keeps these rows; `POST /jobs/{id}/undo` takes it back where that can be.
    #[schema(value_type = doc::JobId)]
    job_id: JobId,
    /// How many were done.
    done: usize,
    /// How many were refused.
    refused: usize,
    /// One per person.
    rows: Vec<RowBody>,
}

/// Does one action with many people, each for itself; more than 1,000 as a job.
#[utoipa::path(post, path = "/people/bulk", tag = "people", operation_id = "bulk_people", request_body = Bulk,
    responses((status = 200, body = RowsBody), (status = 202, body = JobRef)))]
async fn bulk(State(app): State<App>, caller: Caller, Body(asked): Body<Bulk>) -> Result<Response> {
    let action = asked.action();
    let whom = Whom { person_ids: asked.person_ids, filter: asked.filter, kind: asked.kind, q: asked.q };
    let job_id = app.engine.new_job_id();
    match app.engine.bulk_people_as(&caller.actor, job_id, &whom.selection()?, action).await? {
        BulkDone::Rows(rows) => {
            let rows: Vec<RowBody> = rows.into_iter().map(RowBody::from).collect();
            let refused = rows.iter().filter(|row| row.reason.is_some()).count();
            Ok(Json(RowsBody { job_id, done: rows.len() - refused, refused, rows }).into_response())
        }
        BulkDone::Job(job_id) => Ok(accepted(job_id, JobRef { job_id })),
    }
}

/// Deleted people to bring back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Restore {
    /// Whom.
    #[schema(value_type = Vec<doc::PersonId>)]
    person_ids: Vec<PersonId>,
}

/// How many came back.
#[derive(Debug, Serialize, ToSchema)]
struct Restored {
    /// Whoever was deleted and not merged.
    restored: u64,
}

/// Takes a deletion back; sequences that ended stay ended.
#[utoipa::path(post, path = "/people/restore", tag = "people", operation_id = "restore_people", request_body = Restore,
    responses((status = 200, body = Restored)))]
async fn restore(State(app): State<App>, caller: Caller, Body(asked): Body<Restore>) -> Result<Json<Restored>> {
    Ok(Json(Restored { restored: app.engine.restore_people(&caller.actor, &asked.person_ids).await? }))
}
