//! What a person does with one enrollment: pause, resume, stop, retry, resolve, skip, reschedule.
//!
//! Each goes back to the page it was asked from, with what was done or why a rule said no.

use askama::Template;
use axum::extract::State as AppState;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use relance_domain::enrollment::{Event, PausedBy};
use relance_domain::{EnrollmentId, StepId};
use relance_storage::enrollment_views::{self, EnrollmentView};
use serde::Deserialize;

use crate::answer;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::pages::enroll::local_time;
use crate::session::Visitor;
use crate::{urls, words};

/// A date as typed, and what became of an uncertain email.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    at: String,
    sent: String,
}

#[derive(Template)]
#[template(path = "enrollments/when.html")]
struct WhenPage {
    frame: Frame,
    title: String,
    text: &'static str,
    action: String,
    back: String,
    label: &'static str,
    button: &'static str,
    typed: Typed,
    errors: FormErrors,
    min: String,
    is_required: bool,
    dates: String,
    planned: Vec<(String, String)>,
}

/// The page a form was sent from, if it is one of ours.
pub fn back(headers: &HeaderMap, otherwise: String) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|url| url.split_once("://")?.1.split_once('/')).map(|(_, path)| format!("/{path}"));
    path.filter(|path| !path.starts_with("//")).unwrap_or(otherwise)
}

async fn view(app: &App, id: EnrollmentId) -> Result<EnrollmentView> {
    enrollment_views::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("enrollment"))
}

/// *Winter depots for Maya Okafor*.
fn named(view: &EnrollmentView) -> String {
    format!("{} for {}", view.sequence_name, view.person_name)
}

fn when_page(visitor: &Visitor, view: &EnrollmentView, is_pause: bool, typed: Typed, errors: FormErrors) -> WhenPage {
    let (id, step) = (view.stored.enrollment.id, view.stored.enrollment.state.step());
    let (title, text, label, button) = if is_pause {
        (
            "Pause",
            "Nothing leaves while it is paused. Without a date it waits until someone resumes it.",
            "Until (may stay empty)",
            "Pause",
        )
    } else {
        (
            "Reschedule",
            "The step that comes next leaves then, before others of this mailbox. What follows shifts with it.",
            "New date and time",
            "Reschedule",
        )
    };
    WhenPage {
        frame: visitor.frame("leads"),
        title: format!("{title} {}", named(view)),
        text,
        action: if is_pause {
            urls::enrollment_action(id, "pause")
        } else {
            urls::next_step_action(id, "reschedule", step)
        },
        back: urls::enrollment(id),
        label,
        button,
        typed,
        errors,
        min: visitor.now.zoned(&visitor.zone).strftime("%Y-%m-%dT%H:%M").to_string(),
        is_required: !is_pause,
        dates: urls::enrollment_action(id, if is_pause { "pause/dates" } else { "reschedule/dates" }),
        planned: Vec::new(),
    }
}

/// The page with the dates that would follow from what is typed; nothing is stored.
async fn with_dates(app: &App, visitor: &Visitor, id: EnrollmentId, is_pause: bool, typed: Typed) -> Result<Response> {
    let view = view(app, id).await?;
    let at = local_time(&typed.at, &visitor.zone);
    let mut page = when_page(visitor, &view, is_pause, typed, FormErrors::default());
    let Some(at) = at else {
        page.planned = vec![("Every step to come".to_owned(), "after someone resumes it".to_owned())];
        return answer::page(&page);
    };
    if at <= visitor.now {
        page.errors = FormErrors::one("at", "Choose a time that is still to come.");
        return answer::refused(&page);
    }
    let event =
        if is_pause { Event::Paused { until: Some(at), by: PausedBy::Person } } else { Event::Rescheduled { due: at } };
    let preview = app.engine.preview_enrollment(&visitor.actor, id).await?;
    let zone = crate::pages::people::rows::zone_of(&preview.person, visitor);
    for planned in app.engine.forecast_if(&visitor.actor, id, event).await? {
        let Some(step) = preview.steps.iter().find(|step| step.step.id == planned.step_id) else { continue };
        let title = crate::pages::enroll::steps::title(step.position, &step.step, false, &step.words.text);
        let when = planned.planned_at.map_or_else(
            || "after what comes before it".to_owned(),
            |at| words::When::moment(at, visitor.now, &zone, &visitor.zone).to_string(),
        );
        let after = if planned.after_task { ", if the task is done when due" } else { "" };
        page.planned.push((title, format!("{when}{after}")));
    }
    answer::page(&page)
}

/// The dates that a pause until then would lead to.
pub async fn pause_dates(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(id): Path<EnrollmentId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    with_dates(&app, &visitor, id, true, typed).await
}

/// The dates that a new date of the next step would lead to.
pub async fn reschedule_dates(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(id): Path<EnrollmentId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    with_dates(&app, &visitor, id, false, typed).await
}

/// Asks until when.
pub async fn ask_pause(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(id): Path<EnrollmentId>,
) -> Result<Response> {
    answer::page(&when_page(&visitor, &view(&app, id).await?, true, Typed::default(), FormErrors::default()))
}

/// Asks for a new date.
pub async fn ask_reschedule(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(id): Path<EnrollmentId>,
) -> Result<Response> {
    answer::page(&when_page(&visitor, &view(&app, id).await?, false, Typed::default(), FormErrors::default()))
}

/// Pauses, until a date if one is given.
pub async fn pause(
    AppState(app): AppState<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<EnrollmentId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let view = view(&app, id).await?;
    let until = local_time(&typed.at, &visitor.zone);
    if until.is_none() && !typed.at.is_empty() {
        let errors = FormErrors::one("at", "Choose a date and time.");
        return answer::refused(&when_page(&visitor, &view, true, typed, errors));
    }
    let to = if typed.at.is_empty() {
        back(&headers, urls::person(view.stored.enrollment.person_id))
    } else {
        urls::enrollment(id)
    };
    let done = app.engine.pause(&visitor.actor, id, until).await;
    answer::outcome(&to, done, |paused| {
        let until = until
            .map(|until| {
                format!(" until {}", crate::pages::in_sentence(&words::moment(until, visitor.now, &visitor.zone)))
            })
            .unwrap_or_default();
        let mut toast =
            answer::toast("paused", format!("{} is paused{until}.{}", named(&view), leaving(&paused.leaving)));
        toast.undo = urls::enrollment_action(id, "resume");
        toast
    })
}

/// *Already on its way: …*, as a stop or pause must say.
fn leaving(emails: &[relance_engine::commands::LeavingEmail]) -> String {
    if emails.is_empty() {
        return String::new();
    }
    let subjects: Vec<_> = emails.iter().map(|email| format!("“{}” to {}", email.subject, email.recipient)).collect();
    format!(" Already on its way: {}.", words::list(&subjects))
}

/// Resumes.
pub async fn resume(
    AppState(app): AppState<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<EnrollmentId>,
) -> Result<Response> {
    let view = view(&app, id).await?;
    let to = back(&headers, urls::person(view.stored.enrollment.person_id));
    let done = app.engine.resume(&visitor.actor, id).await;
    answer::outcome(&to, done, |_| answer::toast("active", format!("{} goes on.", named(&view))))
}

/// Stops, at once.
pub async fn stop(
    AppState(app): AppState<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<EnrollmentId>,
) -> Result<Response> {
    let view = view(&app, id).await?;
    let to = back(&headers, urls::person(view.stored.enrollment.person_id));
    let done = app.engine.stop(&visitor.actor, id).await;
    answer::outcome(&to, done, |stopped| {
        let mut parts = Vec::new();
        if stopped.cancelled_emails > 0 {
            parts.push(words::count(stopped.cancelled_emails, "email cancelled", "emails cancelled"));
        }
        if stopped.cancelled_tasks > 0 {
            parts.push(words::count(stopped.cancelled_tasks, "task cancelled", "tasks cancelled"));
        }
        let cancelled = if parts.is_empty() { String::new() } else { format!(" {}.", words::list(&parts)) };
        answer::toast(
            "ended",
            format!("{} was stopped; no further email leaves.{cancelled}{}", named(&view), leaving(&stopped.leaving)),
        )
    })
}

/// Retries what is blocked.
pub async fn retry(
    AppState(app): AppState<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<EnrollmentId>,
) -> Result<Response> {
    let view = view(&app, id).await?;
    let to = back(&headers, urls::enrollment(id));
    let done = app.engine.retry(&visitor.actor, id).await;
    answer::outcome(&to, done, |_| answer::toast("active", format!("{} is tried again.", named(&view))))
}

/// Says what became of an uncertain email.
pub async fn resolve(
    AppState(app): AppState<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<EnrollmentId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let to = back(&headers, urls::enrollment(id));
    let sent = match typed.sent.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(PageError::Malformed("Say whether the email was sent: yes or no.".to_owned())),
    };
    let done = app.engine.resolve(&visitor.actor, id, sent).await;
    let words =
        if sent { "Marked as sent. The sequence goes on from then." } else { "Marked as not sent. It is sent again." };
    answer::outcome(&to, done, |_| answer::toast("done", words))
}

/// Which step was next where the button was pressed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    step: String,
}

impl Next {
    /// That step; the one that is next now if the address names none.
    fn of(&self, view: &EnrollmentView, what: &'static str) -> Result<StepId> {
        if self.step.is_empty() {
            return view.stored.enrollment.state.step().ok_or(PageError::NotFound(what));
        }
        self.step.parse().map_err(|_| PageError::NotFound(what))
    }
}

/// Skips the step that comes next.
pub async fn skip(
    AppState(app): AppState<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<EnrollmentId>,
    Query(next): Query<Next>,
) -> Result<Response> {
    let view = view(&app, id).await?;
    let to = back(&headers, urls::enrollment(id));
    let step = next.of(&view, "step to skip")?;
    let done = app.engine.skip_step(&visitor.actor, id, step).await;
    answer::outcome(&to, done, |_| {
        answer::toast("done", format!("Step {} of {} was skipped.", view.stored.position, named(&view)))
    })
}

/// Moves the step that comes next.
pub async fn reschedule(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(id): Path<EnrollmentId>,
    Query(next): Query<Next>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let view = view(&app, id).await?;
    let step = next.of(&view, "step to move")?;
    let moved = match local_time(&typed.at, &visitor.zone) {
        Some(at) => app.engine.reschedule(&visitor.actor, id, step, at).await.map(|_| at).map_err(PageError::from),
        None => Err(PageError::Refused(FormErrors::one("at", "Choose a date and time.").0)),
    };
    match moved {
        Ok(at) => {
            let words =
                format!("Moved to {}.", crate::pages::in_sentence(&words::moment(at, visitor.now, &visitor.zone)));
            Ok(answer::said(&urls::enrollment(id), &answer::toast("done", words)))
        }
        Err(error) => {
            let mut page = when_page(&visitor, &view, false, typed, error.refused()?);
            page.action = urls::next_step_action(id, "reschedule", Some(step));
            answer::refused(&page)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_goes_back_to_the_page_it_was_asked_from_and_to_no_other_site() {
        let mut headers = HeaderMap::new();
        assert_eq!(back(&headers, "/x".into()), "/x");
        headers.insert(header::REFERER, "https://relance.example/people/per_1?a=b".parse().expect("a header"));
        assert_eq!(back(&headers, "/x".into()), "/people/per_1?a=b");
        headers.insert(header::REFERER, "https://relance.example//evil.example".parse().expect("a header"));
        assert_eq!(back(&headers, "/x".into()), "/x");
    }

    #[test]
    fn a_refused_date_stands_at_its_field() {
        let page = WhenPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Reschedule Winter depots for Maya".into(),
            text: "The step leaves then.",
            action: "/enrollments/enr_1/reschedule".into(),
            back: "/enrollments/enr_1".into(),
            label: "New date and time",
            button: "Reschedule",
            typed: Typed { at: "2026-11-01T09:00".into(), ..Typed::default() },
            errors: FormErrors::one("at", "Choose a time that is still to come."),
            min: "2026-11-24T09:48".into(),
            is_required: true,
            dates: "/enrollments/enr_1/reschedule/dates".into(),
            planned: vec![("2. Email".into(), "Tue 1 Dec, 10:11".into())],
        };
        let html = page.render().expect("a page");
        assert!(html.contains("Tue 1 Dec, 10:11"), "the dates that follow");
        assert!(html.contains("still to come") && html.contains("2026-11-01T09:00"));
    }
}
