//! `sequences/{id}/impact` and `activate`: what publishing would do to those who are enrolled, and publishing.
//!
//! Both go by the same judgement; a caller that looked first names the draft it looked at and is refused if it is
//! another one by then.

use super::{
    auth::Caller,
    body::{OptionalBody, Patch},
    doc,
    query::{Id, Query, cursor, limit},
    sequence_shapes::{SequenceBody, patched},
    sequences::{body_of, fields_of, find, workspace_schedule},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relance_domain::{EnrollmentId, JobId, PersonId, SequenceId, StepId, Timestamp, publishing::Enrolled};
use relance_engine::commands::{
    bulk::BulkDone,
    impact::{GoesOn, Impact, ImpactRow, ImpactStep},
    publish::{Published, Publishing},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(impact)).routes(routes!(activate))
}

/// Which people of the impact.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImpactParams {
    /// People of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// How many wait for one step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImpactStep)]
struct StepRow {
    /// Which step.
    #[schema(value_type = doc::StepId)]
    step_id: StepId,
    /// Its position in the new version; `null` = it is gone.
    position: Option<usize>,
    /// Its position in the version that is followed.
    was: usize,
    /// What it is called.
    label: String,
    /// How many are active.
    active: u64,
    /// How many are paused.
    paused: u64,
    /// How many are blocked.
    blocked: u64,
}

impl From<ImpactStep> for StepRow {
    fn from(step: ImpactStep) -> Self {
        let ImpactStep { step_id, position, was, label, active, paused, blocked } = step;
        Self { step_id, position, was, label, active, paused, blocked }
    }
}

/// What would happen to one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImpactRow)]
struct PersonRow {
    /// Who.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
    /// In which enrollment.
    #[schema(value_type = doc::EnrollmentId)]
    enrollment_id: EnrollmentId,
    /// The name as shown.
    name: String,
    /// The position of the current step in the version that is followed.
    from: usize,
    /// `stays`, `moves` (the step is gone, the next follows), `completes` (none is left) or `keeps` (the version).
    #[schema(value_type = doc::ImpactOutcome)]
    outcome: &'static str,
    /// With `moves`: the position in the new version.
    to: Option<usize>,
    /// With `keeps`: why.
    why: Option<String>,
    /// The next email says something else.
    changes_words: bool,
    /// What comes next is due at another time.
    changes_date: bool,
    /// When the current step is due.
    #[schema(value_type = Option<doc::Instant>)]
    due_before: Option<Timestamp>,
    /// When the step it goes on with would be due.
    #[schema(value_type = Option<doc::Instant>)]
    due_after: Option<Timestamp>,
    /// An email would leave today.
    leaves_today: bool,
}

impl From<ImpactRow> for PersonRow {
    fn from(row: ImpactRow) -> Self {
        let (outcome, to, why) = match row.goes_on {
            GoesOn::Stays => ("stays", None, None),
            GoesOn::Moves { to } => ("moves", Some(to), None),
            GoesOn::Completes => ("completes", None, None),
            GoesOn::Keeps { why } => ("keeps", None, Some(why)),
        };
        Self {
            person_id: row.person_id,
            enrollment_id: row.enrollment_id,
            name: row.name,
            from: row.from,
            outcome,
            to,
            why,
            changes_words: row.changes_words,
            changes_date: row.changes_date,
            due_before: row.due_before,
            due_after: row.due_after,
            leaves_today: row.leaves_today,
        }
    }
}

/// What publishing would do to those who are enrolled, if they follow it too.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Impact)]
struct ImpactBody {
    /// The draft that was judged; send it with `activate`.
    draft_number: u32,
    /// It says something that is not live.
    is_new: bool,
    /// Everyone who is on the sequence now.
    ongoing: u64,
    /// Of those, how many follow another version and were judged one by one: all, or the first 5,000.
    judged: u64,
    /// Who waits for which step.
    steps: Vec<StepRow>,
    /// Their step is gone and they go on with another one.
    moves: u64,
    /// Their step is gone and none is left.
    completes: u64,
    /// Their next email says something else.
    changes_words: u64,
    /// What comes next is due at another time.
    changes_date: u64,
    /// They keep their version whatever is chosen.
    keeps: u64,
    /// Emails of theirs that leave today as it is.
    leaves_today_before: u64,
    /// Emails of theirs that would leave today.
    leaves_today_after: u64,
    /// Those who were judged, whom most happens to first.
    people: Vec<PersonRow>,
    /// Where the next page of people begins; `null` after the last.
    next_cursor: Option<String>,
}

impl ImpactBody {
    fn of(impact: Impact, from: usize, limit: usize) -> Self {
        let next = from.saturating_add(limit);
        Self {
            draft_number: impact.draft_number,
            is_new: impact.is_new,
            ongoing: impact.ongoing,
            judged: impact.judged,
            steps: impact.steps.into_iter().map(StepRow::from).collect(),
            moves: impact.moves,
            completes: impact.completes,
            changes_words: impact.words,
            changes_date: impact.dates,
            keeps: impact.keeps,
            leaves_today_before: impact.today_before,
            leaves_today_after: impact.today_after,
            next_cursor: (next < impact.rows.len()).then(|| URL_SAFE_NO_PAD.encode(next.to_string())),
            people: impact.rows.into_iter().skip(from).take(limit).map(PersonRow::from).collect(),
        }
    }
}

/// Says who would be affected by publishing: the draft, or the draft with the fields of the body changed. Changes nothing.
#[utoipa::path(post, path = "/sequences/{id}/impact", tag = "sequences", operation_id = "sequence_impact",
    params(("id" = doc::SequenceId, Path), ImpactParams),
    request_body = Option<super::sequence_shapes::SequenceBodyFields>, responses((status = 200, body = ImpactBody)))]
async fn impact(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SequenceId>,
    Query(params): Query<ImpactParams>,
    OptionalBody(changes): OptionalBody<Map<String, Value>>,
) -> Result<Json<ImpactBody>> {
    caller.admins_only("publish sequences")?;
    let (limit, after) = (limit(params.limit)?, cursor(params.cursor.as_deref())?);
    let unknown =
        || Problem::at("cursor", "invalid_cursor", "This page does not exist any more. Begin at the first page.");
    let from = after.map(|text| text.parse().map_err(|_| unknown())).transpose()?.unwrap_or(0);
    let changed = match changes.is_empty() {
        true => None,
        false => {
            let stored = fields_of(find(&app, id).await?);
            Some(patched(&Patch::of(changes), &stored, &app.engine, &workspace_schedule(&app).await?)?.plan)
        }
    };
    let impact = app.engine.impact(&caller.actor, id, changed).await?;
    Ok(Json(ImpactBody::of(impact, from, limit)))
}

/// Who follows what is published.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Activate {
    /// `keep` (if left out): new people only; `move`: those enrolled too.
    #[schema(value_type = Option<doc::Enrolled>)]
    enrolled: Enrolled,
    /// The number of the draft that was looked at; another one by then is refused with `changed_meanwhile`.
    draft_number: Option<u32>,
}

/// What became of those enrolled.
#[derive(Debug, Serialize, ToSchema)]
struct MovedBody {
    /// The job that does or did it; its rows tell of each, and `jobs/{id}/undo` takes it back.
    #[schema(value_type = doc::JobId)]
    job_id: JobId,
    /// How many follow the new version; `null` while the job works on it.
    moved: Option<usize>,
    /// How many keep theirs; `null` while the job works on it.
    refused: Option<usize>,
}

/// A sequence after it was published.
#[derive(Debug, Serialize, ToSchema)]
struct PublishedSequence {
    #[serde(flatten)]
    #[schema(inline)]
    sequence: SequenceBody,
    /// What became of those enrolled; `null` = they follow the version they followed.
    moved: Option<MovedBody>,
}

/// Publishes the draft as a new version, if it says something new, and activates the sequence.
#[utoipa::path(post, path = "/sequences/{id}/activate", tag = "sequences", operation_id = "activate_sequence",
    params(("id" = doc::SequenceId, Path)), request_body = Option<Activate>,
    responses((status = 200, body = PublishedSequence)))]
async fn activate(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SequenceId>,
    OptionalBody(asked): OptionalBody<Activate>,
) -> Result<Json<PublishedSequence>> {
    let how = Publishing { enrolled: asked.enrolled, draft_number: asked.draft_number };
    let Published { sequence, moved, .. } = app.engine.publish_sequence(&caller.actor, id, how).await?;
    let moved = moved.map(|(job_id, done)| match done {
        BulkDone::Job(_) => MovedBody { job_id, moved: None, refused: None },
        BulkDone::Rows(rows) => {
            let refused = rows.iter().filter(|row| row.refused.is_some()).count();
            MovedBody { job_id, moved: Some(rows.len() - refused), refused: Some(refused) }
        }
    });
    Ok(Json(PublishedSequence { sequence: body_of(&app, sequence).await?, moved }))
}
