//! Notes about a person: written in the history, changed and removed by who wrote them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::activity::{Activity, ActivityKind};
use relance_domain::{ActivityId, PersonId};
use relance_storage::{Tx, activities, users};
use serde::Deserialize;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::words::{self, When};
use crate::{answer, urls};

/// Notes in the widget.
const FEW: usize = 3;

/// What was written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    text: String,
}

/// A note in the side column.
#[derive(Clone, Debug, Default)]
pub struct NoteRow {
    /// Its text.
    pub text: String,
    /// Who wrote it.
    pub by: String,
    /// When.
    pub when: When,
    /// Its form; empty for those who may not change it.
    pub edit: String,
}

#[derive(Template)]
#[template(path = "people/note.html")]
struct Page {
    frame: Frame,
    action: String,
    delete: String,
    back: String,
    text: String,
    errors: FormErrors,
}

/// Whether this visitor changes a note.
pub fn may_edit(note: &Activity, visitor: &Visitor) -> bool {
    visitor.actor.is_admin() || note.actor_id == Some(visitor.user.id)
}

/// The newest notes about a person.
pub async fn newest(tx: &mut Tx, person: PersonId, visitor: &Visitor) -> Result<Vec<NoteRow>> {
    let found = activities::list_of_person(tx, person, &[ActivityKind::Note], None, FEW).await?;
    let names: Vec<_> = users::list(tx).await?;
    let row = |note: Activity| NoteRow {
        by: names.iter().find(|user| Some(user.id) == note.actor_id).map(|user| user.name.clone()).unwrap_or_default(),
        when: When::age(note.at, visitor.now, &visitor.zone),
        edit: if may_edit(&note, visitor) { urls::note(person, note.id) } else { String::new() },
        text: words::shortened(&note.summary, 400),
    };
    Ok(found.into_iter().map(row).collect())
}

/// Adds a note.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let done = app.engine.add_note(&visitor.actor, id, &typed.text).await;
    answer::outcome(&urls::person(id), done, |_| answer::toast("done", "The note is in the history."))
}

fn draw(visitor: &Visitor, person: PersonId, note: ActivityId, text: String, errors: FormErrors) -> Page {
    Page {
        frame: visitor.frame("leads"),
        action: urls::note(person, note),
        delete: urls::delete_note(person, note),
        back: urls::person(person),
        text,
        errors,
    }
}

/// The form of a note.
pub async fn edit(
    State(app): State<App>,
    visitor: Visitor,
    Path((person, id)): Path<(PersonId, ActivityId)>,
) -> Result<Response> {
    let found = activities::find(&mut app.read().await?, id).await?;
    let is_it = |note: &Activity| note.kind == ActivityKind::Note && note.person_id == person;
    let note = found.filter(is_it).ok_or(PageError::NotFound("note"))?;
    if !may_edit(&note, &visitor) {
        return Err(PageError::Forbidden(
            "This note was written by someone else. Only they or an admin change it.".into(),
        ));
    }
    answer::page(&draw(&visitor, person, id, note.summary, FormErrors::default()))
}

/// Saves a note.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path((person, id)): Path<(PersonId, ActivityId)>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    match app.engine.edit_note(&visitor.actor, id, &typed.text).await.map_err(PageError::from) {
        Ok(_) => Ok(answer::said(&urls::person(person), &answer::toast("done", "The note is saved."))),
        Err(error) => answer::refused(&draw(&visitor, person, id, typed.text, error.refused()?)),
    }
}

/// Removes a note or a logged call.
pub async fn delete(
    State(app): State<App>,
    visitor: Visitor,
    Path((person, id)): Path<(PersonId, ActivityId)>,
) -> Result<Response> {
    let done = app.engine.delete_note(&visitor.actor, id).await;
    let words =
        |gone: &Activity| if gone.kind == ActivityKind::Note { "The note is gone." } else { "The call is gone." };
    answer::outcome(&urls::person(person), done, |gone| answer::toast("done", words(&gone)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_note_keeps_its_text() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            action: "/people/per_1/notes/act_1".into(),
            delete: "/people/per_1/notes/act_1/delete".into(),
            back: "/people/per_1".into(),
            text: "Met her <b>twice</b>".into(),
            errors: FormErrors::one("text", "A note has at most 50,000 characters."),
        };
        let html = page.render().expect("a page");
        assert!(html.contains("at most 50,000") && html.contains("Met her &#60;b&#62;twice"));
        assert!(html.contains("/people/per_1/notes/act_1/delete"));
    }
}
