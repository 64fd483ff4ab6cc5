//! What is done with a task: done (a draft is sent), skipped, later, taken back.
//!
//! A form may say with `to` where one goes on, as the player does; else one goes back to the page one came from.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::tz::TimeZone;
use jiff::{ToSpan, civil::Weekday};
use relance_domain::{Refused, TaskId, Timestamp};
use relance_engine::commands::tasks::TaskChange;
use relance_storage::tasks;
use serde::Deserialize;

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::pages::enroll::local_time;
use crate::pages::enrollments::actions::back;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// When a working day begins, for what is put off.
const MORNING: i8 = 9;
/// *Later today*: so long from now.
const LATER_MS: i64 = 3 * relance_domain::time::HOUR;

/// What a button below a task sends: where from, which task, and the form around it.
type Pressed = (HeaderMap, Path<TaskId>, Form<Typed>);

/// A page of tasks, and nothing else.
pub fn may_lead_to(wanted: &str) -> bool {
    wanted == urls::TASKS || wanted.strip_prefix(urls::TASKS).is_some_and(|rest| rest.starts_with(['/', '?']))
}

/// Where one goes on: where the form says, else back to the list one came from, but not to the page of the closed task.
fn after(headers: &HeaderMap, typed: &Typed, id: TaskId) -> String {
    let wanted = typed.get("to");
    if may_lead_to(wanted) {
        return wanted.to_owned();
    }
    let to = back(headers, urls::TASKS.to_owned());
    if to.starts_with(&urls::task(id)) { urls::TASKS.to_owned() } else { to }
}

/// A toast with the way back.
fn with_undo(words: String, undo: String) -> crate::frame::Toast {
    crate::frame::Toast { undo, ..answer::toast("done", words) }
}

/// Done; the draft of a manual email leaves.
pub async fn done(State(app): State<App>, visitor: Visitor, pressed: Pressed) -> Result<Response> {
    let (headers, Path(id), Form(typed)) = pressed;
    let done = app.engine.complete_task(&visitor.actor, id).await;
    let words = match &done {
        Ok(task) if typed.is_set("send") => super::sending::words(&app, &visitor, task).await?,
        _ => "Done.".to_owned(),
    };
    answer::outcome(&after(&headers, &typed, id), done, |_| with_undo(words, urls::task_action(id, "reopen")))
}

/// Skipped; its sequence goes on without it.
pub async fn skip(State(app): State<App>, visitor: Visitor, pressed: Pressed) -> Result<Response> {
    let (headers, Path(id), Form(typed)) = pressed;
    let skipped = app.engine.skip_task(&visitor.actor, id).await;
    answer::outcome(&after(&headers, &typed, id), skipped, |task| {
        let goes_on = if task.enrollment_id.is_some() { " Its sequence goes on." } else { "" };
        with_undo(format!("Skipped.{goes_on}"), urls::task_action(id, "reopen"))
    })
}

/// Opens a task again that was done or skipped.
pub async fn reopen(State(app): State<App>, visitor: Visitor, pressed: Pressed) -> Result<Response> {
    let (headers, Path(id), Form(typed)) = pressed;
    let open = app.engine.reopen_task(&visitor.actor, id).await;
    answer::outcome(&after(&headers, &typed, id), open, |_| answer::toast("done", "The task is open again."))
}

/// The due time before it was put off.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Before {
    at: i64,
}

/// Due again when it was before.
pub async fn unsnooze(
    State(app): State<App>,
    visitor: Visitor,
    Query(before): Query<Before>,
    pressed: Pressed,
) -> Result<Response> {
    let (headers, Path(id), Form(typed)) = pressed;
    let change = TaskChange { due_at: Some(Timestamp::from_ms(before.at)), ..TaskChange::default() };
    let back = app.engine.edit_task(&visitor.actor, id, change).await;
    answer::outcome(&after(&headers, &typed, id), back, |_| answer::toast("done", "Due when it was before."))
}

/// In three hours, or the morning of tomorrow, of the day after that, or of next Monday.
pub(super) fn morning(when: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = now.zoned(zone).date();
    let day = match when {
        "later" => return Some(now.plus_ms(LATER_MS)),
        "tomorrow" => today.checked_add(1.day()).ok()?,
        "two_days" => today.checked_add(2.days()).ok()?,
        "next_week" => today.nth_weekday(1, Weekday::Monday).ok()?,
        _ => return None,
    };
    Some(Timestamp::from_zoned(&zone.to_zoned(day.at(MORNING, 0, 0, 0)).ok()?))
}

/// When a task was due, in milliseconds.
async fn find_due(app: &App, id: TaskId) -> Result<i64> {
    let task = tasks::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("task"))?;
    Ok(task.due_at.ms())
}

/// Due later: tomorrow, next week, or at the time that was typed.
pub async fn snooze(State(app): State<App>, visitor: Visitor, pressed: Pressed) -> Result<Response> {
    let (headers, Path(id), Form(typed)) = pressed;
    let until = morning(typed.get("when"), visitor.now, &visitor.zone)
        .or_else(|| local_time(typed.get("until"), &visitor.zone));
    let before = find_due(&app, id).await?;
    let snoozed = match until {
        Some(until) => app.engine.snooze_task(&visitor.actor, id, until).await.map_err(PageError::from),
        None => Err(PageError::Refused(vec![Refused::at("until", "invalid_date", "Choose a date and time.")])),
    };
    match snoozed {
        Ok(task) => {
            let due = words::moment(task.due_at, visitor.now, &visitor.zone);
            let undo = urls::with_query(&urls::task_action(id, "unsnooze"), &[("at", &before.to_string())]);
            let toast = crate::frame::Toast { undo, ..answer::toast("waiting", format!("Due {due}.")) };
            Ok(answer::said(&after(&headers, &typed, id), &toast))
        }
        Err(error) => answer::refused(&super::show::draw(&app, &visitor, id, &typed, error.refused()?).await?),
    }
}

/// Takes back a task made by hand.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<TaskId>) -> Result<Response> {
    let gone = app.engine.delete_task(&visitor.actor, id).await;
    answer::outcome(urls::TASKS, gone, |()| answer::toast("done", "The task is deleted."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, header};

    #[test]
    fn after_a_task_is_closed_one_goes_on_in_the_list_one_came_from() {
        let id = TaskId::from_uuid(uuid::Uuid::from_u128(1));
        let from = |url: String| {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, HeaderValue::from_str(&url).expect("an address"));
            after(&headers, &Typed::default(), id)
        };
        assert_eq!(from("http://localhost:8080/tasks?part=upcoming".to_owned()), "/tasks?part=upcoming");
        assert_eq!(from(format!("http://localhost:8080/tasks/{id}")), "/tasks");
        assert_eq!(after(&HeaderMap::new(), &Typed::default(), id), "/tasks");
    }

    #[test]
    fn the_player_goes_on_with_the_next_task_and_nowhere_else() {
        let id = TaskId::from_uuid(uuid::Uuid::from_u128(1));
        let to = |to: &str| after(&HeaderMap::new(), &Typed::of([("to", to.to_owned())]), id);
        assert_eq!(to("/tasks/player?task=tsk_2"), "/tasks/player?task=tsk_2");
        assert_eq!(to("https://evil.example"), "/tasks");
        assert_eq!(to("/tasks.evil.example"), "/tasks");
    }

    #[test]
    fn what_is_put_off_is_due_in_the_morning_of_ones_own_zone() {
        let paris = TimeZone::get("Europe/Paris").expect("a zone");
        let monday = Timestamp::parse("2026-11-23T10:00:00Z").expect("an instant");
        let told = |when| morning(when, monday, &paris).map(|at| at.zoned(&paris).strftime("%a %F %H:%M").to_string());
        assert_eq!(told("tomorrow").as_deref(), Some("Tue 2026-11-24 09:00"));
        assert_eq!(told("next_week").as_deref(), Some("Mon 2026-11-30 09:00"));
        assert_eq!(told("later").as_deref(), Some("Mon 2026-11-23 14:00"));
        assert_eq!(told("two_days").as_deref(), Some("Wed 2026-11-25 09:00"));
        assert_eq!(told("someday"), None);
    }
}
