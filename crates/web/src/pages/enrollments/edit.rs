//! One person's email, changed by hand before it leaves: subject and text with a live preview, and the way back.

use askama::Template;
use axum::extract::State as AppState;
use axum::response::Response;
use relance_domain::{EnrollmentId, Refused, StepId};
use relance_engine::EngineError;
use relance_engine::commands::edits::{EmailToEdit, EmailWords};
use relance_storage::{enrollment_views, users};
use serde::Deserialize;

use crate::answer;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::Frame;
use crate::pages::attachments::{self, EmailForm};
use crate::pages::form::Typed;
use crate::pages::preview::{Preview, shown};
use crate::pages::sequences::{body_of, put_body};
use crate::pages::tasks;
use crate::session::Visitor;
use crate::urls;

const FIELDS: [&str; 3] = ["email.subject", "email.body", "email.attachments"];

#[derive(Template)]
#[template(path = "enrollments/edit.html")]
struct Page {
    frame: Frame,
    title: String,
    person: String,
    back: String,
    action: String,
    reset: String,
    edited: String,
    in_thread: bool,
    typed: Typed,
    errors: FormErrors,
    preview: Preview,
    preview_action: String,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }
}

/// Where one came from: a task whose draft this is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Behind {
    to: String,
}

impl Behind {
    /// Back to the task, or to the enrollment.
    fn back(&self, (id, step): (EnrollmentId, StepId)) -> String {
        if tasks::actions::may_lead_to(&self.to) { self.to.clone() } else { urls::enrollment_step(id, step) }
    }

    fn action(&self, (id, step): (EnrollmentId, StepId)) -> String {
        urls::with_query(&urls::edit_step(id, step), &[("to", &self.to)])
    }
}

/// Fields as the form names them.
pub fn at_fields(errors: FormErrors) -> FormErrors {
    let renamed = |refused: Refused| Refused { field: refused.field.map(|field| format!("email.{field}")), ..refused };
    FormErrors(errors.0.into_iter().map(renamed).collect())
}

fn typed_of(to_edit: &EmailToEdit, read_at: &str) -> Typed {
    let mut typed = Typed::of([("email.subject", to_edit.words.subject.clone())]);
    put_body(&mut typed, &to_edit.words.body_html, &to_edit.words.body_text);
    attachments::put(&mut typed, &to_edit.words.attachments, read_at);
    typed
}

/// Subject, text and files as they were typed.
pub fn words_of(typed: &Typed) -> EmailWords {
    let (body_html, body_text) = body_of(typed);
    EmailWords {
        subject: typed.get("email.subject").to_owned(),
        body_html,
        body_text,
        attachments: attachments::of(typed),
    }
}

async fn draw(
    app: &App,
    visitor: &Visitor,
    ((id, step), behind): ((EnrollmentId, StepId), &Behind),
    typed: Option<Typed>,
    errors: FormErrors,
) -> Result<Page> {
    let to_edit = app.engine.email_to_edit(&visitor.actor, id, step).await?;
    let mut tx = app.read().await?;
    let view = enrollment_views::find(&mut tx, id).await?.ok_or(PageError::NotFound("enrollment"))?;
    let edited = match to_edit.edited_by {
        Some(by) => users::find(&mut tx, by).await?.map(|user| user.name).unwrap_or_default(),
        None => String::new(),
    };
    drop(tx);
    let typed = typed.unwrap_or_else(|| typed_of(&to_edit, &attachments::at_enrollment(id, step)));
    let person = view.stored.enrollment.person_id;
    let from = view.mailbox_address.clone().unwrap_or_default();
    let preview = match app.engine.preview_edit(&visitor.actor, id, step, &words_of(&typed)).await {
        Ok(words) => shown(&words, person, &view.person_name, &from),
        Err(error @ EngineError::Refused(_)) => Preview {
            person: person.to_string(),
            to: view.person_name.clone(),
            refused: error.to_string(),
            ..Preview::default()
        },
        Err(error) => return Err(error.into()),
    };
    Ok(Page {
        frame: visitor.frame("leads"),
        title: format!("Edit this email to {}", view.person_name),
        person: view.person_name,
        back: behind.back((id, step)),
        action: behind.action((id, step)),
        reset: if to_edit.edited_by.is_some() { urls::reset_step(id, step) } else { String::new() },
        edited,
        in_thread: to_edit.in_thread,
        typed,
        errors,
        preview,
        preview_action: urls::preview_step(id, step),
    })
}

/// The form with the words as they are now.
pub async fn show(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(at): Path<(EnrollmentId, StepId)>,
    Query(behind): Query<Behind>,
) -> Result<Response> {
    answer::page(&draw(&app, &visitor, (at, &behind), None, FormErrors::default()).await?)
}

/// The form with the preview of what is typed; nothing is saved.
pub async fn preview(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(at): Path<(EnrollmentId, StepId)>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    answer::page(&draw(&app, &visitor, (at, &Behind::default()), Some(typed), FormErrors::default()).await?)
}

/// Saves the words for this person.
pub async fn update(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(at): Path<(EnrollmentId, StepId)>,
    Query(behind): Query<Behind>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    let wrong = attachments::refused(&typed);
    if !wrong.is_empty() {
        return answer::refused(&draw(&app, &visitor, (at, &behind), Some(typed), FormErrors(wrong)).await?);
    }
    match app.engine.edit_email(&visitor.actor, at.0, at.1, &words_of(&typed)).await.map_err(PageError::from) {
        Ok(()) => {
            let mut toast = answer::toast("done", "Saved. Only this person gets these words.");
            toast.undo = urls::reset_step(at.0, at.1);
            Ok(answer::said(&behind.back(at), &toast))
        }
        Err(error) => {
            answer::refused(&draw(&app, &visitor, (at, &behind), Some(typed), at_fields(error.refused()?)).await?)
        }
    }
}

/// Back to the words of the sequence.
pub async fn reset(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path((id, step)): Path<(EnrollmentId, StepId)>,
) -> Result<Response> {
    let done = app.engine.reset_email(&visitor.actor, id, step).await;
    answer::outcome(&urls::enrollment_step(id, step), done, |was_edited| {
        let words = if was_edited {
            "Back to the words of the sequence."
        } else {
            "Nobody had changed this email; it has the words of the sequence."
        };
        answer::toast("done", words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_stand_in_the_form_with_their_preview_and_the_way_back() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Edit this email to Rui Almeida".into(),
            person: "Rui Almeida".into(),
            back: "/enrollments/enr_1?step=stp_1".into(),
            action: "/enrollments/enr_1/steps/stp_1/edit".into(),
            reset: "/enrollments/enr_1/steps/stp_1/reset".into(),
            edited: "Nora Lindqvist".into(),
            in_thread: true,
            typed: Typed::of([("email.subject", "Cold rooms".into()), ("email.body", "Hi {{ person.nam }}".into())]),
            errors: at_fields(FormErrors(vec![Refused::at("body", "unknown_tag", "There is no tag person.nam.")])),
            preview: Preview { person: "per_1".into(), to: "Rui".into(), ..Preview::default() },
            preview_action: "/enrollments/enr_1/steps/stp_1/preview".into(),
        };
        let html = page.render().expect("a page");
        for words in [
            "Hi {{ person.nam }}",
            "There is no tag person.nam.",
            "Nora Lindqvist",
            "words of the sequence",
            "same thread",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }
}
