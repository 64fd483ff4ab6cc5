//! Calls made by hand: logged in the history with their outcome, changed and removed by who logged them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::activity::{Activity, ActivityKind};
use relance_domain::call::{Call, CallOutcome};
use relance_domain::time::MINUTE;
use relance_domain::{ActivityId, PersonId};
use relance_storage::{activities, people};

use super::notes::may_edit;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::enroll::local_time;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls};

/// Fields of the form.
const FIELDS: [&str; 3] = ["outcome", "at", "text"];

#[derive(Template)]
#[template(path = "people/call.html")]
struct Page {
    frame: Frame,
    title: String,
    action: String,
    back: String,
    /// Numbers to call, as written; none while a call is changed.
    numbers: Vec<String>,
    /// Removes the call; empty for a new one.
    delete: String,
    /// The latest time a call can have been made; empty where its time stays.
    max: String,
    typed: Typed,
    errors: FormErrors,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }

    fn outcomes(&self) -> [(&'static str, &'static str, bool); 4] {
        let typed = self.typed.get("outcome");
        CallOutcome::ALL.map(|outcome| (outcome.as_str(), outcome.words(), outcome.as_str() == typed))
    }
}

/// What a form says; refused at the field that cannot be read.
fn call(typed: &Typed, visitor: &Visitor) -> std::result::Result<Call, FormErrors> {
    let outcome = CallOutcome::parse(typed.get("outcome"))
        .ok_or_else(|| FormErrors::one("outcome", "Choose how the call ended."))?;
    let at = match typed.get("at") {
        "" => visitor.now,
        text => local_time(text, &visitor.zone).ok_or_else(|| FormErrors::one("at", "Choose a date and time."))?,
    };
    // A form knows minutes: the one that runs means now, after everything that has happened in it.
    let at = if (0..MINUTE).contains(&visitor.now.since(at)) { visitor.now } else { at };
    Ok(Call { outcome, at, text: typed.get("text").to_owned() })
}

fn now_of(visitor: &Visitor) -> String {
    visitor.now.zoned(&visitor.zone).strftime("%Y-%m-%dT%H:%M").to_string()
}

async fn new_page(app: &App, visitor: &Visitor, id: PersonId, typed: Typed, errors: FormErrors) -> Result<Page> {
    let person = people::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("person"))?;
    visitor.must_see(&person)?;
    let numbers = [&person.fields.phone, &person.fields.mobile];
    Ok(Page {
        frame: visitor.frame("leads"),
        title: format!("Log a call to {}", person.name()),
        action: visitor.once(urls::calls(id)),
        back: urls::person(id),
        numbers: numbers.into_iter().filter(|number| !number.is_empty()).cloned().collect(),
        delete: String::new(),
        max: now_of(visitor),
        typed,
        errors,
    })
}

/// The form of a call that was just made.
pub async fn new(State(app): State<App>, visitor: Visitor, Path(id): Path<PersonId>) -> Result<Response> {
    let typed = Typed::of([("outcome", CallOutcome::Reached.as_str().to_owned()), ("at", now_of(&visitor))]);
    answer::page(&new_page(&app, &visitor, id, typed, FormErrors::default()).await?)
}

/// Logs a call.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let logged = match call(&typed, &visitor) {
        Ok(call) => app.engine.log_call(&visitor.actor, id, call).await.map_err(PageError::from),
        Err(wrong) => Err(PageError::Refused(wrong.0)),
    };
    match logged {
        Ok(event) => {
            let mut toast = answer::toast("done", "The call is in the history.");
            toast.undo = urls::delete_note(id, event.id);
            Ok(answer::said(&urls::person(id), &toast))
        }
        Err(error) => answer::refused(&new_page(&app, &visitor, id, typed, error.refused()?).await?),
    }
}

async fn find(app: &App, visitor: &Visitor, person: PersonId, id: ActivityId) -> Result<Activity> {
    let found = activities::find(&mut app.read().await?, id).await?;
    let is_it = |event: &Activity| event.kind == ActivityKind::CallLogged && event.person_id == person;
    let event = found.filter(is_it).ok_or(PageError::NotFound("call"))?;
    if may_edit(&event, visitor) {
        return Ok(event);
    }
    Err(PageError::Forbidden("This call was logged by someone else. Only they or an admin change it.".into()))
}

fn edit_page(visitor: &Visitor, event: &Activity, typed: Typed, errors: FormErrors) -> Page {
    Page {
        frame: visitor.frame("leads"),
        title: "Edit call".to_owned(),
        action: urls::call(event.person_id, event.id),
        back: urls::person(event.person_id),
        numbers: Vec::new(),
        delete: urls::delete_note(event.person_id, event.id),
        max: String::new(),
        typed,
        errors,
    }
}

/// The form of a call.
pub async fn edit(
    State(app): State<App>,
    visitor: Visitor,
    Path((person, id)): Path<(PersonId, ActivityId)>,
) -> Result<Response> {
    let event = find(&app, &visitor, person, id).await?;
    let text = |name: &str| event.detail.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let typed = Typed::of([("outcome", text("outcome")), ("text", text("text"))]);
    answer::page(&edit_page(&visitor, &event, typed, FormErrors::default()))
}

/// Saves a call.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path((person, id)): Path<(PersonId, ActivityId)>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let event = find(&app, &visitor, person, id).await?;
    let saved = match call(&typed, &visitor) {
        Ok(call) => app.engine.edit_call(&visitor.actor, id, call).await.map_err(PageError::from),
        Err(wrong) => Err(PageError::Refused(wrong.0)),
    };
    match saved {
        Ok(_) => Ok(answer::said(&urls::person(person), &answer::toast("done", "The call is saved."))),
        Err(error) => answer::refused(&edit_page(&visitor, &event, typed, error.refused()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_call_keeps_what_was_typed_and_offers_the_numbers() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Log a call to Maya".into(),
            action: "/people/per_1/calls".into(),
            back: "/people/per_1".into(),
            numbers: vec!["+44 20 <b>".into()],
            delete: String::new(),
            max: "2026-11-24T09:48".into(),
            typed: Typed::of([("outcome", "no_answer".into()), ("at", "2027-01-01T09:00".into())]),
            errors: FormErrors::one("at", "Choose a time until now."),
        };
        let html = page.render().expect("a page");
        for words in
            ["value=\"no_answer\" checked", "2027-01-01T09:00", "Choose a time until now.", "tel:+4420", "&#60;b&#62;"]
        {
            assert!(html.contains(words), "{words}: {html}");
        }
        let edited = Page { delete: "/people/per_1/notes/act_1/delete".into(), max: String::new(), ..page };
        let html = edited.render().expect("a page");
        assert!(html.contains("Delete call") && !html.contains("datetime-local"));
    }
}
