//! The email of a task, or to a person at once: written as any other, with a template to begin with, tags, files and the
//! preview; sending it does the task.
//!
//! Written to a person, the form carries the id of the task that is made of it, so that sending it twice sends once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person::{Kind, Person};
use relance_domain::task::Task;
use relance_domain::{MailboxId, PersonId, Refused, TaskId, UserId};
use relance_engine::EngineError;
use relance_engine::commands::task_emails::{EmailTask, TaskEmail};
use relance_storage::{mailboxes, people, templates};
use serde::Deserialize;

use super::actions::may_lead_to;
use super::{first_line, sending, show as shown};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::{Frame, Toast};
use crate::pages::attachments::{self, EmailForm};
use crate::pages::enroll::choose;
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
    /// Of an email to a person: the id of the task that is made of it.
    task: String,
}

impl Asked {
    /// Where one goes on once the email of a task is sent.
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

/// What is written in, and where one came from and goes on.
struct Desk {
    at: EmailTask,
    owner: UserId,
    person: PersonId,
    name: String,
    /// *Maya Okafor, maya@kestrel.example*.
    to: String,
    /// What the crumb says.
    task: String,
    section: &'static str,
    path: String,
    /// What the address of the form has besides.
    carried: Vec<(&'static str, String)>,
    back: String,
    after: String,
    template: String,
    /// A sequence goes on once it is sent.
    moves_on: bool,
}

fn addressed(person: &Person) -> String {
    if person.fields.email.is_empty() { person.name() } else { format!("{}, {}", person.name(), person.fields.email) }
}

impl Desk {
    /// That of an open task.
    async fn of_task(app: &App, visitor: &Visitor, id: TaskId, asked: &Asked) -> Result<Self> {
        let mut tx = app.read().await?;
        let task = shown::find(&mut tx, visitor, id).await?.task;
        let person = shown::person(&mut tx, &task).await?.ok_or(PageError::NotFound("person"))?;
        let after = asked.after().to_owned();
        Ok(Self {
            at: EmailTask::Open(id),
            owner: task.owner_id,
            person: person.id,
            to: addressed(&person),
            name: person.name(),
            task: first_line(&task),
            section: "tasks",
            path: urls::task_action(id, "email"),
            carried: vec![("to", after.clone())],
            back: asked.back(id),
            after,
            template: asked.template.clone(),
            moves_on: task.enrollment_id.is_some(),
        })
    }

    /// That of an email to a person.
    async fn of_person(app: &App, visitor: &Visitor, id: PersonId, asked: &Asked) -> Result<Self> {
        let person = people::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("person"))?;
        visitor.must_see(&person)?;
        let task = asked.task.parse().unwrap_or_else(|_| app.engine.new_task_id());
        Ok(Self {
            at: EmailTask::New(task, id),
            owner: visitor.user.id,
            person: id,
            to: addressed(&person),
            name: person.name(),
            task: person.name(),
            section: if person.kind == Kind::Lead { "leads" } else { "contacts" },
            path: urls::email(id),
            carried: vec![("task", task.to_string())],
            back: urls::person(id),
            after: urls::person(id),
            template: asked.template.clone(),
            moves_on: false,
        })
    }
}

/// Why no email can be sent as things are, with the cure.
#[derive(Clone, Debug, Default)]
struct Stopped {
    words: String,
    cure: &'static str,
    href: String,
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
    carried: Vec<(&'static str, String)>,
    template: String,
    templates: Vec<Choice>,
    mailboxes: Vec<Choice>,
    typed: Typed,
    errors: FormErrors,
    stopped: Option<Stopped>,
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

async fn stopped(app: &App, visitor: &Visitor, desk: &Desk) -> Result<Option<Stopped>> {
    let Some(EngineError::Refused(refused)) = app.engine.task_email_refused(&visitor.actor, desk.at).await? else {
        return Ok(None);
    };
    let Some(first) = refused.into_iter().next() else { return Ok(None) };
    let enrollment = first.field.and_then(|id| id.parse().ok());
    let (cure, href) = choose::cure(&first.code, enrollment, desk.person);
    Ok(Some(Stopped { words: first.message, cure, href }))
}

async fn draw(app: &App, visitor: &Visitor, desk: Desk, typed: Option<Typed>, errors: FormErrors) -> Result<Page> {
    let found = templates::list(&mut app.read().await?, "", Some(visitor.user.id)).await?;
    let typed = match typed {
        Some(typed) => typed,
        None => {
            let words = app.engine.begin_task_email(&visitor.actor, desk.at, desk.template.parse().ok()).await?;
            let mut typed = Typed::of([("email.subject", words.subject)]);
            put_body(&mut typed, &words.body_html, &words.body_text);
            attachments::put(&mut typed, &words.attachments, "");
            typed
        }
    };
    let from = own_mailboxes(app, desk.owner).await?;
    let chosen = from.iter().find(|(id, _)| id.to_string() == typed.get("mailbox_id")).or(from.first());
    let from_words = chosen.map(|(_, address)| address.clone()).unwrap_or_default();
    let preview = match app.engine.preview_task_email(&visitor.actor, desk.at, &email_of(&typed)).await {
        Ok(words) => preview::shown(&words, desk.person, &desk.to, &from_words),
        Err(error @ EngineError::Refused(_)) => {
            Preview { person: desk.person.to_string(), refused: error.to_string(), ..Preview::default() }
        }
        Err(error) => return Err(error.into()),
    };
    // What was refused already says so itself.
    let stopped = if errors.0.is_empty() { stopped(app, visitor, &desk).await? } else { None };
    let carried: Vec<(&str, &str)> = desk.carried.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(Page {
        frame: visitor.frame(desk.section),
        title: format!("Email to {}", desk.name),
        task: desk.task,
        person: desk.name,
        action: urls::with_query(&desk.path, &carried),
        preview_action: format!("{}/preview", desk.path),
        path: desk.path,
        back: desk.back,
        carried: desk.carried,
        template: desk.template,
        templates: found.iter().map(|template| Choice::new(template.id, template_name(template))).collect(),
        mailboxes: from.into_iter().map(|(id, address)| Choice::new(id, address)).collect(),
        typed,
        errors,
        stopped,
        preview,
    })
}

/// The form of a task's email.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TaskId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let desk = Desk::of_task(&app, &visitor, id, &asked).await?;
    answer::page(&draw(&app, &visitor, desk, None, FormErrors::default()).await?)
}

/// The form of an email to a person.
pub async fn show_to(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let desk = Desk::of_person(&app, &visitor, id, &asked).await?;
    match draw(&app, &visitor, desk, None, FormErrors::default()).await {
        Ok(page) => answer::page(&page),
        Err(PageError::Refused(refused)) if is_closed(&refused) => Ok(too_late(&urls::person(id), refused)),
        Err(error) => Err(error),
    }
}

fn is_closed(refused: &[Refused]) -> bool {
    refused.iter().any(|refused| refused.code == "closed")
}

/// Somebody was quicker: there is no form to come back to.
fn too_late(to: &str, refused: Vec<Refused>) -> Response {
    let words = refused.into_iter().map(|refused| refused.message).collect::<Vec<_>>().join(" ");
    answer::said(to, &answer::toast("blocked", words))
}

/// The form with the preview of what is typed; nothing is sent.
pub async fn preview(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TaskId>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    let desk = Desk::of_task(&app, &visitor, id, &Asked::default()).await?;
    answer::page(&draw(&app, &visitor, desk, Some(typed), FormErrors::default()).await?)
}

/// As [`preview`], of an email to a person.
pub async fn preview_to(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    let desk = Desk::of_person(&app, &visitor, id, &Asked::default()).await?;
    answer::page(&draw(&app, &visitor, desk, Some(typed), FormErrors::default()).await?)
}

/// What is said once it is on its way, with the way back.
async fn sent(app: &App, visitor: &Visitor, (moves_on, after): (bool, &Task)) -> Result<Toast> {
    if moves_on {
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
    send(&app, &visitor, Desk::of_task(&app, &visitor, id, &asked).await?, typed).await
}

/// Sends an email to a person.
pub async fn create_to(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Query(asked): Query<Asked>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    send(&app, &visitor, Desk::of_person(&app, &visitor, id, &asked).await?, typed).await
}

async fn send(app: &App, visitor: &Visitor, desk: Desk, typed: Typed) -> Result<Response> {
    let wrong = attachments::refused(&typed);
    if !wrong.is_empty() {
        return answer::refused(&draw(app, visitor, desk, Some(typed), FormErrors(wrong)).await?);
    }
    match app.engine.send_task_email(&visitor.actor, desk.at, &email_of(&typed)).await.map_err(PageError::from) {
        Ok(after) => Ok(answer::said(&desk.after, &sent(app, visitor, (desk.moves_on, &after)).await?)),
        Err(PageError::Refused(refused)) if is_closed(&refused) => Ok(too_late(&desk.after, refused)),
        Err(error) => {
            let errors = at_fields(error.refused()?);
            answer::refused(&draw(app, visitor, desk, Some(typed), errors).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_with_the_next_task_and_back_to_this_one() {
        let id = TaskId::from_uuid(uuid::Uuid::from_u128(1));
        let asked = |to: &str| Asked { to: to.to_owned(), ..Asked::default() };
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
            carried: vec![("to", "/tasks".into())],
            template: "tpl_1".into(),
            templates: vec![Choice::new("tpl_1", "Intro")],
            mailboxes: vec![Choice::new("mbx_1", "nora@halden.example"), Choice::new("mbx_2", "n@halden.example")],
            typed: Typed::of([("email.subject", "Hi <you>".into()), ("email.format", "html".into())]),
            errors: FormErrors::one("email.body", "Write what the email says."),
            stopped: Some(Stopped {
                words: "No mailbox is connected.".into(),
                cure: "Connect a mailbox",
                href: "/m".into(),
            }),
            preview: Preview { person: "per_1".into(), to: "Maya".into(), ..Preview::default() },
            preview_action: "/tasks/tsk_1/email/preview".into(),
        };
        let html = page.render().expect("a page");
        for words in [
            "Hi &#60;you&#62;",
            "Write what the email says.",
            "Intro",
            "n@halden.example",
            "Attachments",
            "Send",
            "Connect a mailbox",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }
}
