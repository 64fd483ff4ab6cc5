//! What schedules look like in JSON, of sequences and of the workspace.
//!
//! `null` is any time; left out or `{}` it is a copy of the workspace's, and single fields of it that are left out are
//! the workspace's too. Whether a schedule ever opens is judged by the domain.

use super::{
    body::{from_value, merge},
    doc,
};
use crate::problem::{Problem, Result};
use relance_domain::holidays::HolidayChoice;
use relance_domain::schedule::{Day, MinuteOfDay, Schedule, Window, WindowFor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A time window on every sending day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowBody {
    /// Opens, such as `09:00`.
    #[schema(value_type = String, example = "09:00")]
    from: MinuteOfDay,
    /// Closes; up to `24:00`.
    #[schema(value_type = String, example = "17:00")]
    to: MinuteOfDay,
    /// For which emails.
    #[serde(rename = "for", default)]
    #[schema(value_type = doc::WindowFor)]
    only: WindowFor,
}

/// Sending days and windows.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Schedule)]
pub struct ScheduleBody {
    /// Sending days.
    #[schema(value_type = Vec<doc::Day>, required = false)]
    days: Vec<Day>,
    /// Windows on those days.
    #[schema(required = false)]
    windows: Vec<WindowBody>,
    /// `person`, `actor` or an IANA zone.
    #[schema(value_type = String, required = false)]
    time_zone: relance_domain::schedule::ScheduleZone,
    /// What is kept free: `workspace` (its holidays as they are then), `person` (those of the person's country), codes of
    /// calendars such as `DE` or `DE-BY`, local dates such as `2026-12-25`.
    #[schema(value_type = Vec<String>, required = false)]
    holidays: Vec<HolidayChoice>,
}

impl From<Schedule> for ScheduleBody {
    fn from(schedule: Schedule) -> Self {
        let Schedule { days, windows, time_zone, holidays } = schedule;
        let windows = windows.into_iter().map(|Window { from, to, only }| WindowBody { from, to, only }).collect();
        Self { days, windows, time_zone, holidays }
    }
}

impl From<ScheduleBody> for Schedule {
    fn from(body: ScheduleBody) -> Self {
        let ScheduleBody { days, windows, time_zone, holidays } = body;
        let windows = windows.into_iter().map(|WindowBody { from, to, only }| Window { from, to, only }).collect();
        Self { days, windows, time_zone, holidays }
    }
}

/// The schedule that `asked` describes over `base`.
pub fn schedule_over(base: &Schedule, asked: &Value) -> Result<Option<Schedule>> {
    let Value::Object(changes) = asked else {
        return if asked.is_null() {
            Ok(None)
        } else {
            Err(Problem::at("schedule", "invalid", "A schedule is an object, or null for any time."))
        };
    };
    let mut target = serde_json::to_value(ScheduleBody::from(base.clone())).unwrap_or_default();
    merge(&mut target, changes);
    let body: ScheduleBody = from_value(target).map_err(|problem| problem.below("schedule"))?;
    Ok(Some(body.into()))
}
