//! `holiday-calendars`, read by everyone, and `workspace/holidays`: which of them the workspace follows, with its own days.

use super::{
    auth::Caller,
    body::Patch,
    doc,
    query::{Id, List, Query},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use jiff::civil::Date;
use relance_domain::holidays::{self, OwnDay, WorkspaceHolidays, YEARS};
use relance_storage::workspace;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read)).routes(routes!(read_own, edit_own))
}

/// The public holidays of a country or a region.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HolidayCalendar)]
struct CalendarBody {
    /// `DE`, or `DE-BY` for a region.
    code: &'static str,
    /// *Bavaria*.
    name: &'static str,
    /// *Bavaria (Germany)*.
    place: String,
    /// The first year it covers.
    first_year: i16,
    /// The last year it covers.
    last_year: i16,
}

impl From<&'static holidays::Calendar> for CalendarBody {
    fn from(calendar: &'static holidays::Calendar) -> Self {
        let (first_year, last_year) = YEARS;
        Self { code: calendar.code, name: calendar.name, place: calendar.place(), first_year, last_year }
    }
}

/// A holiday.
#[derive(Debug, Serialize, ToSchema)]
struct HolidayBody {
    /// Its local date.
    #[schema(value_type = doc::Date)]
    date: Date,
    /// Its name.
    name: String,
}

/// A calendar with its days.
#[derive(Debug, Serialize, ToSchema)]
struct CalendarDays {
    #[serde(flatten)]
    #[schema(inline)]
    calendar: CalendarBody,
    /// Its days, in order.
    days: Vec<HolidayBody>,
}

/// Which year.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Year {
    /// Only this year; left out = all that are covered.
    year: Option<i16>,
}

/// Lists the holiday calendars, each country right before its regions.
#[utoipa::path(get, path = "/holiday-calendars", tag = "workspace", operation_id = "list_holiday_calendars",
    responses((status = 200, body = List<CalendarBody>)))]
async fn list() -> Json<List<CalendarBody>> {
    Json(List::whole(holidays::calendars().iter().map(CalendarBody::from).collect()))
}

/// Reads a calendar with its days.
#[utoipa::path(get, path = "/holiday-calendars/{code}", tag = "workspace", operation_id = "read_holiday_calendar",
    params(("code" = String, Path), Year), responses((status = 200, body = CalendarDays)))]
async fn read(Id(code): Id<String>, Query(Year { year }): Query<Year>) -> Result<Json<CalendarDays>> {
    let calendar = holidays::calendar(&code).ok_or_else(|| Problem::not_found("holiday calendar"))?;
    let years = year.map_or(YEARS.0..=YEARS.1, |year| year..=year);
    let days = years.flat_map(|year| calendar.in_year(year));
    let days = days.map(|(date, name)| HolidayBody { date: *date, name: name.clone() }).collect();
    Ok(Json(CalendarDays { calendar: calendar.into(), days }))
}

/// A day of one's own.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OwnDay)]
struct OwnDayBody {
    /// Its local date.
    #[schema(value_type = doc::Date)]
    date: Date,
    /// What it is called.
    name: String,
}

/// Which days the workspace keeps free.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = WorkspaceHolidays)]
struct HolidaysBody {
    /// Codes of the calendars it follows.
    #[schema(required = false)]
    calendars: Vec<String>,
    /// Days beyond those of the calendars.
    #[schema(required = false)]
    own_days: Vec<OwnDayBody>,
    /// Days of the calendars on which mail leaves all the same.
    #[schema(value_type = Vec<doc::Date>, required = false)]
    left_out: Vec<Date>,
}

impl From<WorkspaceHolidays> for HolidaysBody {
    fn from(WorkspaceHolidays { calendars, own_days, left_out }: WorkspaceHolidays) -> Self {
        let own_days = own_days.into_iter().map(|OwnDay { date, name }| OwnDayBody { date, name }).collect();
        Self { calendars, own_days, left_out }
    }
}

impl From<HolidaysBody> for WorkspaceHolidays {
    fn from(HolidaysBody { calendars, own_days, left_out }: HolidaysBody) -> Self {
        let own_days = own_days.into_iter().map(|OwnDayBody { date, name }| OwnDay { date, name }).collect();
        Self { calendars, own_days, left_out }
    }
}

async fn stored(app: &App) -> Result<WorkspaceHolidays> {
    let mut tx = app.engine.store.read().await?;
    Ok(workspace::read(&mut tx).await?.ok_or_else(|| Problem::not_found("workspace"))?.holidays)
}

/// Reads which days the workspace keeps free.
#[utoipa::path(get, path = "/workspace/holidays", tag = "workspace", operation_id = "read_holidays",
    responses((status = 200, body = HolidaysBody)))]
async fn read_own(State(app): State<App>) -> Result<Json<HolidaysBody>> {
    Ok(Json(stored(&app).await?.into()))
}

/// Changes which days the workspace keeps free; admins only. Lists are replaced whole; what is left out stays.
#[utoipa::path(patch, path = "/workspace/holidays", tag = "workspace", operation_id = "edit_holidays",
    request_body = HolidaysBody, responses((status = 200, body = HolidaysBody)))]
async fn edit_own(State(app): State<App>, caller: Caller, patch: Patch) -> Result<Json<HolidaysBody>> {
    let wanted: HolidaysBody = patch.merged(&HolidaysBody::from(stored(&app).await?))?;
    Ok(Json(app.engine.edit_holidays(&caller.actor, |holidays| *holidays = wanted.into()).await?.into()))
}
