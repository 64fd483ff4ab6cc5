//! `enrollments/preflight` and `enrollments/bulk`: many people at once, each row judged for itself.
//!
//! Up to 1,000 rows are answered at once with the forecast of the mailbox day by day; more become a job (202).

use super::{auth::Caller, body::Body, doc, people_bulk::Whom, shapes::accepted};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use relance_domain::{EnrollmentId, JobId, MailboxId, PersonId, SequenceId, Timestamp, UserId};
use relance_engine::commands::{
    RowOutcome,
    bulk::{BulkAction, BulkDone, Selection},
    enroll::{EnrollOutcome, EnrolledMany, OnMissing},
    preflight::{BulkForecast, EnrollRequest, ForecastDay, Preflight, PreflightRow},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(preflight)).routes(routes!(bulk)).routes(routes!(retry_all))
}

/// Whom to enroll, in what, from where, when. Either `person_ids` or `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEnrollments {
    /// In which sequence.
    #[schema(value_type = doc::SequenceId)]
    sequence_id: SequenceId,
    /// These people.
    #[serde(default)]
    #[schema(value_type = Option<Vec<doc::PersonId>>)]
    person_ids: Option<Vec<PersonId>>,
    /// Everyone who meets these rules.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    filter: Option<serde_json::Value>,
    /// With a filter: only leads or only contacts.
    #[serde(default)]
    #[schema(value_type = Option<doc::Kind>)]
    kind: Option<relance_domain::person::Kind>,
    /// With a filter: words that each begin a word of the person.
    #[serde(default)]
    q: Option<String>,
    /// From which mailbox; left out = the actor's.
    #[serde(default)]
    #[schema(value_type = Option<doc::MailboxId>)]
    mailbox_id: Option<MailboxId>,
    /// On whose behalf; left out = yours.
    #[serde(default)]
    #[schema(value_type = Option<doc::UserId>)]
    actor_id: Option<UserId>,
    /// What to do with people whose texts lack data: they start and wait, or are left out.
    #[serde(default)]
    #[schema(value_type = doc::OnMissing)]
    on_missing_merge_data: OnMissing,
    /// When; left out = now.
    #[serde(default)]
    #[schema(value_type = Option<doc::Instant>)]
    start_at: Option<Timestamp>,
    /// With which step, by position from 1; left out = the first.
    #[serde(default)]
    start_step: Option<usize>,
}

/// What happens to one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnrollmentRow)]
struct RowBody {
    /// Who.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
    /// `starts`, `waits_for_data`, `skipped` or `refused`.
    outcome: &'static str,
    /// The code of a refusal, or `missing_merge_data`; `null` if nothing is in the way.
    reason: Option<String>,
    /// The same in a sentence.
    message: Option<String>,
    /// Merge tags without a value.
    tags: Vec<String>,
    /// The enrollment that began, or the one in the way.
    #[schema(value_type = Option<doc::EnrollmentId>)]
    enrollment_id: Option<EnrollmentId>,
    /// When the first step is forecast to happen.
    #[schema(value_type = Option<doc::Instant>)]
    first_at: Option<Timestamp>,
    /// It was in this sequence before.
    was_enrolled_before: bool,
}

impl From<PreflightRow> for RowBody {
    fn from(row: PreflightRow) -> Self {
        let PreflightRow { person_id, outcome, first_at, was_enrolled_before } = row;
        let blank = Self {
            person_id,
            outcome: "starts",
            reason: None,
            message: None,
            tags: Vec::new(),
            enrollment_id: None,
            first_at,
            was_enrolled_before,
        };
        match outcome {
            Preflight::Starts => blank,
            Preflight::WaitsForData { tags } => {
                let message = format!("The emails need a value for {}.", relance_domain::enrollment::tag_words(&tags));
                let reason = Some("missing_merge_data".to_owned());
                Self { outcome: "waits_for_data", reason, message: Some(message), tags, ..blank }
            }
            Preflight::Refused { code, message, enrollment_id } => {
                Self { outcome: "refused", reason: Some(code), message: Some(message), enrollment_id, ..blank }
            }
        }
    }
}

impl From<EnrollOutcome> for RowBody {
    fn from(outcome: EnrollOutcome) -> Self {
        let row = Self::from(outcome.row);
        let left_out = !outcome.started && row.outcome != "refused";
        let enrollment_id = outcome.enrollment_id.or(row.enrollment_id);
        Self { outcome: if left_out { "skipped" } else { row.outcome }, enrollment_id, ..row }
    }
}

impl From<RowOutcome> for RowBody {
    fn from(row: RowOutcome) -> Self {
        let RowOutcome { person_id, enrollment_id, refused, .. } = row;
        let outcome = match refused {
            Some(refused) => Preflight::Refused { code: refused.code, message: refused.message, enrollment_id },
            None => Preflight::Starts,
        };
        let row = Self::from(PreflightRow { person_id, outcome, first_at: None, was_enrolled_before: false });
        Self { enrollment_id, ..row }
    }
}

/// Emails of the mailbox on one day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnrollmentForecastDay)]
struct DayBody {
    /// The day, in the zone of the mailbox.
    #[schema(value_type = doc::Date)]
    date: Date,
    /// Emails that have left on it, or were planned before.
    already_planned: u32,
    /// First emails of these people.
    first_emails: u32,
    /// Follow-ups of these people, if nobody answers.
    follow_ups: u32,
    /// Most emails of the mailbox on it: fewer than its daily quota while it ramps up.
    quota: u32,
}

/// When the emails leave, with everyone else's of the mailbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnrollmentForecast)]
struct ForecastBody {
    /// From which mailbox; `null` for tasks only.
    #[schema(value_type = Option<doc::MailboxId>)]
    mailbox_id: Option<MailboxId>,
    /// Most emails of that mailbox a day.
    daily_quota: u32,
    /// Day by day, to the last email.
    days: Vec<DayBody>,
    /// When the last first email leaves.
    #[schema(value_type = Option<doc::Instant>)]
    last_first_at: Option<Timestamp>,
    /// When the last follow-up leaves, if nobody answers.
    #[schema(value_type = Option<doc::Instant>)]
    last_follow_up_at: Option<Timestamp>,
    /// Emails in all.
    emails: u64,
}

impl From<BulkForecast> for ForecastBody {
    fn from(forecast: BulkForecast) -> Self {
        let day = |day: ForecastDay| DayBody {
            date: day.day,
            already_planned: day.planned,
            first_emails: day.first,
            follow_ups: day.follow_up,
            quota: day.quota,
        };
        Self {
            mailbox_id: forecast.mailbox_id,
            daily_quota: forecast.quota,
            days: forecast.days.into_iter().map(day).collect(),
            last_first_at: forecast.last_first_at,
            last_follow_up_at: forecast.last_follow_up_at,
            emails: forecast.emails,
        }
    }
}

/// A row per person and the forecast.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnrollmentRows)]
struct RowsBody {
    /// How many start, wait for data ones included.
    starts: usize,
    /// How many of them wait for data.
    waits_for_data: usize,
    /// How many do not start.
    refused: usize,
    /// One per person.
    rows: Vec<RowBody>,
    /// When the first steps happen.
    forecast: ForecastBody,
}

/// The job that does the rest.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobRef {
    /// Its id: see `GET jobs/{id}`.
    #[schema(value_type = doc::JobId)]
    pub job_id: JobId,
}

impl RowsBody {
    fn of(rows: Vec<RowBody>, forecast: BulkForecast) -> Self {
        let starting = |row: &&RowBody| matches!(row.outcome, "starts" | "waits_for_data");
        let starts = rows.iter().filter(starting).count();
        let waits_for_data = rows.iter().filter(|row| row.outcome == "waits_for_data").count();
        Self { starts, waits_for_data, refused: rows.len() - starts, rows, forecast: forecast.into() }
    }
}

impl NewEnrollments {
    /// Who is selected, and what with; the request has the ids where they were given or are few.
    async fn split(self, app: &App) -> Result<(EnrollRequest, Option<Selection>, OnMissing)> {
        let Self { sequence_id, mailbox_id, actor_id, start_at, start_step, .. } = self;
        let whom = Whom { person_ids: self.person_ids, filter: self.filter, kind: self.kind, q: self.q };
        let (person_ids, beyond) = whom.resolve(app).await?;
        let request = EnrollRequest { sequence_id, person_ids, mailbox_id, actor_id, start_at, start_step };
        Ok((request, beyond, self.on_missing_merge_data))
    }
}

/// Judges up to 1,000 people without changing anything.
#[utoipa::path(post, path = "/enrollments/preflight", tag = "enrollments", operation_id = "preflight_enrollments",
    request_body = NewEnrollments, responses((status = 200, body = RowsBody)))]
async fn preflight(
    State(app): State<App>,
    caller: Caller,
    Body(asked): Body<NewEnrollments>,
) -> Result<Json<RowsBody>> {
    let (request, beyond, on_missing) = asked.split(&app).await?;
    if beyond.is_some() {
        return Err(Problem::at("filter", "too_many", "More than 1,000 people match. Judge fewer at once."));
    }
    let (rows, forecast) = app.engine.preflight_rows(&caller.actor, &request, on_missing).await?;
    let left_out = |row: PreflightRow| {
        let row = RowBody::from(row);
        let skips = on_missing == OnMissing::Skip && row.outcome == "waits_for_data";
        RowBody { outcome: if skips { "skipped" } else { row.outcome }, ..row }
    };
    Ok(Json(RowsBody::of(rows.into_iter().map(left_out).collect(), forecast)))
}

/// Enrolls many, each row for itself.
///
/// Up to 1,000 people are answered at once with the forecast and leave no job; more become a job (202).
#[utoipa::path(post, path = "/enrollments/bulk", tag = "enrollments", operation_id = "enroll_many",
    request_body = NewEnrollments, responses((status = 200, body = RowsBody), (status = 202, body = JobRef)))]
async fn bulk(State(app): State<App>, caller: Caller, Body(asked): Body<NewEnrollments>) -> Result<Response> {
    let (request, beyond, on_missing) = asked.split(&app).await?;
    let job_id = match beyond {
        None => match app.engine.enroll_many(&caller.actor, &request, on_missing).await? {
            EnrolledMany::Rows(rows, forecast) => {
                let rows = rows.into_iter().map(RowBody::from).collect();
                return Ok(Json(RowsBody::of(rows, forecast)).into_response());
            }
            EnrolledMany::Job(job) => job,
        },
        Some(selection) => {
            let action = BulkAction::Enroll { request, on_missing };
            match app.engine.bulk_people(&caller.actor, &selection, action).await? {
                BulkDone::Job(job) => job,
                // Fewer match than a moment ago.
                BulkDone::Rows(rows) => {
                    let rows = rows.into_iter().map(RowBody::from).collect();
                    return Ok(Json(RowsBody::of(rows, BulkForecast::default())).into_response());
                }
            }
        }
    };
    Ok(accepted(job_id, JobRef { job_id }))
}

/// Which enrollments to try again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryAll {
    /// The code of what blocks them.
    blocked_reason: String,
}

/// How many go on.
#[derive(Debug, Serialize, ToSchema)]
struct Retried {
    /// Enrollments that were tried again.
    retried: u64,
}

/// Tries every enrollment again that this reason blocks and that you may touch.
#[utoipa::path(post, path = "/enrollments/retry", tag = "enrollments", operation_id = "retry_enrollments",
    request_body = RetryAll, responses((status = 200, body = Retried)))]
async fn retry_all(State(app): State<App>, caller: Caller, Body(asked): Body<RetryAll>) -> Result<Json<Retried>> {
    Ok(Json(Retried { retried: app.engine.retry_all(&caller.actor, &asked.blocked_reason).await? }))
}
