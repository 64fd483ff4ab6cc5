//! What is done with a task: done (a draft is sent), skipped, later, taken back.
//!
//! A form may say with `to` where one goes on, as the player does; else one goes back to the page one came from.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::tz::TimeZone;
use jiff::{ToSpan, civil::Weekday};
use relance_domain::{Refused, TaskId, Timestamp};

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Form, Path};
use crate::pages::enroll::local_time;
use crate::pages::enrollments::actions::back;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// When a working day begins, for what is put off.
const MORNING: i8 = 9;

/// What a button below a task sends: where from, which task, and the form around it.
type Pressed = (HeaderMap, Path<TaskId>, Form<Typed>);

/// Where one goes on: where the form says, else back to the list one came from, but not to the page of the closed task.
fn after(headers: &HeaderMap, typed: &Typed, id: TaskId) -> String {
    let wanted = typed.get("to");
    if wanted == urls::TASKS || wanted.strip_prefix(urls::TASKS).is_some_and(|rest| rest.starts_with(['/', '?'])) {
        return wanted.to_owned();
    }
    let to = back(headers, urls::TASKS.to_owned());
    if to.starts_with(&urls::task(id)) { urls::TASKS.to_owned() } else { to }
}

/// Done; the draft of a manual email leaves.
pub async fn done(State(app): State<App>, visitor: Visitor, pressed: Pressed) -> Result<Response> {
    let (headers, Path(id), Form(typed)) = pressed;
    let done = app.engine.complete_task(&visitor.actor, id).await;
    let words =
        if typed.is_set("send") { "Sent on its way: it leaves as soon as the mailbox may send." } else { "Done." };
    answer::outcome(&after(&headers, &typed, id), done, |_| answer::toast("done", words))
}

/// Skipped; its sequence goes on without it.
pub async fn skip(State(app): State<App>, visitor: Visitor, pressed: Pressed) -> Result<Response> {
    let (headers, Path(id), Form(typed)) = pressed;
    let skipped = app.engine.skip_task(&visitor.actor, id).await;
    answer::outcome(&after(&headers, &typed, id), skipped, |task| {
        let goes_on = if task.enrollment_id.is_some() { " Its sequence goes on." } else { "" };
        answer::toast("done", format!("Skipped.{goes_on}"))
    })
}

/// The morning of tomorrow or of next Monday.
fn morning(when: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = now.zoned(zone).date();
    let day = match when {
        "tomorrow" => today.checked_add(1.day()).ok()?,
        "next_week" => today.nth_weekday(1, Weekday::Monday).ok()?,
        _ => return None,
    };
    Some(Timestamp::from_zoned(&zone.to_zoned(day.at(MORNING, 0, 0, 0)).ok()?))
}

/// Due later: tomorrow, next week, or at the time that was typed.
pub async fn snooze(State(app): State<App>, visitor: Visitor, pressed: Pressed) -> Result<Response> {
    let (headers, Path(id), Form(typed)) = pressed;
    let until = morning(typed.get("when"), visitor.now, &visitor.zone)
        .or_else(|| local_time(typed.get("until"), &visitor.zone));
    let snoozed = match until {
        Some(until) => app.engine.snooze_task(&visitor.actor, id, until).await.map_err(PageError::from),
        None => Err(PageError::Refused(vec![Refused::at("until", "invalid_date", "Choose a date and time.")])),
    };
    match snoozed {
        Ok(task) => {
            let due = words::moment(task.due_at, visitor.now, &visitor.zone);
            Ok(answer::said(&after(&headers, &typed, id), &answer::toast("waiting", format!("Due {due}."))))
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
        assert_eq!(told("someday"), None);
    }
}
