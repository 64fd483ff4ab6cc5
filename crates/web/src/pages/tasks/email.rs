//! The email of a task: written as any other, with a template to begin with, tags, files and the preview; sending it does
//! the task.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::task::Task;
use relance_domain::{MailboxId, TaskId, UserId};
use relance_engine::EngineError;
use relance_engine::commands::task_emails::TaskEmail;
use relance_storage::{mailboxes, templates};
use serde::Deserialize;

use super::actions::may_lead_to;
use super::{first_line, sending, show as shown};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::{Frame, Toast};
use crate::pages::attachments::{self, EmailForm};
use crate::pages::enrollments::edit::{at_fields, words_of};
use crate::pages::form::{Choice, Typed};
use crate::pages::preview::{self, Preview};
use crate::pages::sequences::{put_body, template_name};
use crate::session::Visitor;
use crate::{answer, urls};

const FIELDS: [&str; 4] = ["mailbox_id", "email.subject", "email.body", "email.attachments"];

/// Where one goes on, and with which template one begins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    to: String,
    template: String,
}

impl Asked {
    /// Where one goes on once it is sent.
    fn after(&self) -> &str {
        if may_lead_to(&self.to) { &self.to } else { urls::TASKS }
    }

    /// Back to the task, in the player if one came from there.
    fn back(&self, id: TaskId) -> String {
        if self.after().starts_with(urls::TASK_PLAYER) {
            return urls::with_query(urls::TASK_PLAYER, &[("task", &id.to_string())]);
        }
        urls::task(id)
    }
}

#[derive(Template)]
#[template(path = "tasks/email.html")]
struct Page {
    frame: Frame,
    title: String,
    task: String,
    person: String,
    path: String,
    action: String,
    back: String,
    to: String,
    template: String,
    templates: Vec<Choice>,
    mailboxes: Vec<Choice>,
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

fn email_of(typed: &Typed) -> TaskEmail {
    TaskEmail { words: words_of(typed), mailbox_id: typed.get("mailbox_id").parse().ok() }
}

/// The mailboxes of whose task it is.
async fn own_mailboxes(app: &App, owner: UserId) -> Result<Vec<(MailboxId, String)>> {
    let found = mailboxes::of_user(&mut app.read().await?, owner).await?;
    Ok(found.into_iter().map(|mailbox| (mailbox.id, mailbox.address)).collect())
}

async fn draw(
    app: &App,
    visitor: &Visitor,
    (id, asked): (TaskId, &Asked),
    typed: Option<Typed>,
    errors: FormErrors,
) -> Result<Page> {
    let mut tx = app.read().await?;
    let view = shown::find(&mut tx, visitor, id).await?;
    let person = shown::person(&mut tx, &view.task).await?.ok_or(PageError::NotFound("person"))?;
    let found = templates::list(&mut tx, "", Some(visitor.user.id)).await?;
    drop(tx);
    let typed = match typed {
        Some(typed) => typed,
        None => {
            let words = app.engine.begin_task_email(&visitor.actor, id, asked.template.parse().ok()).await?;
            let mut typed = Typed::of([("email.subject", words.subject)]);
            put_body(&mut typed, &words.body_html, &words.body_text);
            attachments::put(&mut typed, &words.attachments, "");
            typed
        }
    };
    let from = own_mailboxes(app, view.task.owner_id).await?;
    let chosen = from.iter().find(|(id, _)| id.to_string() == typed.get("mailbox_id")).or(from.first());
    let from_words = chosen.map(|(_, address)| address.clone()).unwrap_or_default();
    let preview = match app.engine.preview_task_email(&visitor.actor, id, &email_of(&typed)).await {
        Ok(words) => preview::shown(&words, person.id, &person.name(), &from_words),
        Err(error @ EngineError::Refused(_)) => {
            Preview { person: person.id.to_string(), refused: error.to_string(), ..Preview::default() }
        }
        Err(error) => return Err(error.into()),
    };
    let path = urls::task_action(id, "email");
    Ok(Page {
        frame: visitor.frame("tasks"),
        title: format!("Email to {}", person.name()),
        task: first_line(&view.task),
        person: person.name(),
        action: urls::with_query(&path, &[("to", asked.after())]),
        preview_action: format!("{path}/preview"),
        path,
        back: asked.back(id),
        to: asked.after().to_owned(),
        template: asked.template.clone(),
        templates: found.iter().map(|template| Choice::new(template.id, template_name(template))).collect(),
        mailboxes: from.into_iter().map(|(id, address)| Choice::new(id, address)).collect(),
        typed,
        errors,
        preview,
    })
}

/// The form.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TaskId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    answer::page(&draw(&app, &visitor, (id, &asked), None, FormErrors::default()).await?)
}

/// The form with the preview of what is typed; nothing is sent.
pub async fn preview(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TaskId>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    answer::page(&draw(&app, &visitor, (id, &Asked::default()), Some(typed), FormErrors::default()).await?)
}

/// What is said once it is on its way, with the way back.
async fn sent(app: &App, visitor: &Visitor, (before, after): (&Task, &Task)) -> Result<Toast> {
    if before.enrollment_id.is_some() {
        return Ok(answer::toast("done", "Sent on its way. Its sequence goes on."));
    }
    let words = sending::words(app, visitor, after).await?;
    Ok(Toast { undo: urls::task_action(after.id, "reopen"), ..answer::toast("done", words) })
}

/// Sends it; the task is done.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TaskId>,
    Query(asked): Query<Asked>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    let wrong = attachments::refused(&typed);
    if !wrong.is_empty() {
        return answer::refused(&draw(&app, &visitor, (id, &asked), Some(typed), FormErrors(wrong)).await?);
    }
    let before = shown::find(&mut app.read().await?, &visitor, id).await?.task;
    match app.engine.send_task_email(&visitor.actor, id, &email_of(&typed)).await.map_err(PageError::from) {
        Ok(after) => Ok(answer::said(asked.after(), &sent(&app, &visitor, (&before, &after)).await?)),
        // Somebody was quicker: there is no form to come back to.
        Err(PageError::Refused(refused)) if refused.iter().any(|refused| refused.code == "closed") => {
            let words = refused.into_iter().map(|refused| refused.message).collect::<Vec<_>>().join(" ");
            Ok(answer::said(asked.after(), &answer::toast("blocked", words)))
        }
        Err(error) => {
            let errors = at_fields(error.refused()?);
            answer::refused(&draw(&app, &visitor, (id, &asked), Some(typed), errors).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_with_the_next_task_and_back_to_this_one() {
        let id = TaskId::from_uuid(uuid::Uuid::from_u128(1));
        let asked = |to: &str| Asked { to: to.to_owned(), template: String::new() };
        assert_eq!(asked("/tasks/player?task=tsk_2").after(), "/tasks/player?task=tsk_2");
        assert_eq!(asked("/tasks/player?task=tsk_2").back(id), format!("/tasks/player?task={id}"));
        assert_eq!((asked("https://evil.example").after(), asked("").back(id)), ("/tasks", urls::task(id)));
    }

    #[test]
    fn an_email_is_written_with_a_template_files_and_what_is_wrong_at_its_field() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Email to Maya Okafor".into(),
            task: "Answer her question".into(),
            person: "Maya Okafor".into(),
            path: "/tasks/tsk_1/email".into(),
            action: "/tasks/tsk_1/email?to=%2Ftasks".into(),
            back: "/tasks/tsk_1".into(),
            to: "/tasks".into(),
            template: "tpl_1".into(),
            templates: vec![Choice::new("tpl_1", "Intro")],
            mailboxes: vec![Choice::new("mbx_1", "nora@halden.example"), Choice::new("mbx_2", "n@halden.example")],
            typed: Typed::of([("email.subject", "Hi <you>".into()), ("email.format", "html".into())]),
            errors: FormErrors::one("email.body", "Write what the email says."),
            preview: Preview { person: "per_1".into(), to: "Maya".into(), ..Preview::default() },
            preview_action: "/tasks/tsk_1/email/preview".into(),
        };
        let html = page.render().expect("a page");
        for words in
            ["Hi &#60;you&#62;", "Write what the email says.", "Intro", "n@halden.example", "Attachments", "Send"]
        {
            assert!(html.contains(words), "{words}");
        }
    }
}
