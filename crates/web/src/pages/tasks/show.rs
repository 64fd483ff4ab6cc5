//! One task with what belongs to it: the person, the sequence, and the draft of a manual email.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::TaskId;
use relance_domain::person::Person;
use relance_domain::step::{TaskKind, TaskMode, TaskText};
use relance_domain::task::{self, Task, TaskState};
use relance_storage::tasks::{self, TaskView};
use relance_storage::{Tx, email_edits, enrollments, people, sequences};

use super::{Links, first_line, kind_word, state_word};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Path;
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::pages::home::task_icon;
use crate::pages::preview::{self, Preview};
use crate::session::Visitor;
use crate::words::When;
use crate::{answer, urls, words};

/// The draft of a manual email.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) to: String,
    /// As its person gets it.
    pub(super) shown: Preview,
    /// Where its words are changed, and the preview in a frame of its own.
    pub(super) edit: String,
    pub(super) is_edited: bool,
}

/// A task as its page and the player show it.
#[derive(Clone, Debug, Default)]
pub(super) struct Face {
    pub(super) icon: &'static str,
    pub(super) href: String,
    pub(super) title: String,
    pub(super) content: String,
    pub(super) kind: &'static str,
    pub(super) person: String,
    pub(super) person_href: String,
    pub(super) phone: String,
    /// The number to call, as a link; empty if none is known.
    pub(super) call: String,
    /// Where its email is written; empty where there is a draft, or none is asked for.
    pub(super) write: String,
    /// What its sequence does meanwhile.
    pub(super) waits: String,
    pub(super) sequence: String,
    pub(super) sequence_href: String,
    pub(super) owner: String,
    pub(super) due: When,
    pub(super) is_overdue: bool,
    pub(super) state: &'static str,
    pub(super) is_open: bool,
    pub(super) is_of_sequence: bool,
    pub(super) may_reopen: bool,
    pub(super) draft: Option<Draft>,
    pub(super) links: Links,
}

#[derive(Template)]
#[template(path = "tasks/show.html")]
pub(super) struct Page {
    frame: Frame,
    task: Face,
    errors: FormErrors,
    until: String,
}

impl Page {
    /// An email to write comes first; it can still be done elsewhere.
    fn done_kind(&self) -> &'static str {
        if self.task.write.is_empty() { "primary" } else { "" }
    }

    /// Where the words of the draft are changed, and back to here.
    fn edit_draft(&self, edit: &str) -> String {
        urls::with_query(edit, &[("to", &self.task.href)])
    }
}

/// The task, if the visitor may see it: their own, about someone they see, or, for managers, of someone they look after.
pub(super) async fn find(tx: &mut Tx, visitor: &Visitor, id: TaskId) -> Result<TaskView> {
    let may_see = |task: &Task| {
        let is_in_sight = visitor.actor.acts_for_others() && visitor.sight.sees(Some(task.owner_id));
        task.owner_id == visitor.user.id || task.person_id.is_some() || is_in_sight
    };
    let view = tasks::find_view(tx, id).await?.filter(|view| may_see(&view.task));
    view.ok_or(PageError::NotFound("task"))
}

/// Whom it is about.
pub(super) async fn person(tx: &mut Tx, task: &Task) -> Result<Option<Person>> {
    match task.person_id {
        Some(id) => Ok(people::find(tx, id).await?),
        None => Ok(None),
    }
}

/// Everything shown of a task.
pub(super) async fn face(app: &App, visitor: &Visitor, view: &TaskView, person: Option<&Person>) -> Result<Face> {
    let task = &view.task;
    let phone = person
        .map_or("", |person| if person.fields.phone.is_empty() { &person.fields.mobile } else { &person.fields.phone });
    let is_open = task.state == TaskState::Open;
    let writes = is_open && task.kind == TaskKind::Email && !view.sends_email && person.is_some();
    Ok(Face {
        icon: task_icon(task.kind),
        href: urls::task(task.id),
        title: first_line(task),
        content: task.content.clone(),
        kind: kind_word(task.kind),
        person: person.map(Person::name).unwrap_or_default(),
        person_href: person.map(|person| urls::person(person.id)).unwrap_or_default(),
        phone: phone.to_owned(),
        call: urls::telephone(phone),
        write: if writes { urls::task_action(task.id, "email") } else { String::new() },
        waits: if is_open { waits(app, task).await? } else { String::new() },
        sequence: view.sequence_name.clone().unwrap_or_default(),
        sequence_href: task.enrollment_id.map(urls::enrollment).unwrap_or_default(),
        owner: view.owner_name.clone(),
        due: When::moment(task.due_at, visitor.now, &visitor.zone, &visitor.zone),
        is_overdue: task.state == TaskState::Open && task.due_at < super::today(visitor).0,
        state: state_word(task),
        is_open,
        is_of_sequence: task.enrollment_id.is_some(),
        may_reopen: matches!(task.state, TaskState::Done | TaskState::Skipped),
        draft: if view.sends_email { draft(app, visitor, task, person).await? } else { None },
        links: Links::of(task.id),
    })
}

/// What the sequence does while the task is open, by the mode of its step.
async fn waits(app: &App, task: &Task) -> Result<String> {
    let (Some(enrollment), Some(step)) = (task.enrollment_id, task.step_id) else { return Ok(String::new()) };
    let mut tx = app.read().await?;
    let found = enrollments::find(&mut tx, enrollment).await?;
    let Some(stored) = found.filter(|stored| stored.enrollment.sequence_id != task::EMAILS) else {
        return Ok(String::new());
    };
    let version = sequences::find_version(&mut tx, stored.enrollment.version_id).await?;
    let step = version.as_ref().and_then(|version| version.plan.step(step));
    Ok(step.and_then(|step| step.action.task()).map(mode_words).unwrap_or_default())
}

/// *The sequence waits until this is done or skipped.*
pub(super) fn mode_words(text: &TaskText) -> String {
    match text.mode {
        TaskMode::Wait => "The sequence waits until this is done or skipped.".to_owned(),
        TaskMode::GoOn => "The sequence goes on without waiting for this.".to_owned(),
        TaskMode::WaitUntilOverdue => {
            let days = words::count(text.overdue_days.into(), "business day", "business days");
            format!("The sequence waits for this; {days} after it was due it is skipped.")
        }
    }
}

async fn draft(app: &App, visitor: &Visitor, task: &Task, person: Option<&Person>) -> Result<Option<Draft>> {
    let (Some(enrollment), Some(step), Some(person)) = (task.enrollment_id, task.step_id, person) else {
        return Ok(None);
    };
    let words = app.engine.preview_step(&visitor.actor, enrollment, step).await?;
    let edits = email_edits::of_enrollments(&mut app.read().await?, &[enrollment]).await?;
    Ok(Some(Draft {
        to: person.fields.email.clone(),
        shown: preview::shown(&words, person.id, &person.name(), ""),
        edit: urls::edit_step(enrollment, step),
        is_edited: edits.contains_key(&(enrollment, step)),
    }))
}

/// The page of a task.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<TaskId>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, id, &Typed::default(), FormErrors::default()).await?)
}

pub(super) async fn draw(app: &App, visitor: &Visitor, id: TaskId, typed: &Typed, errors: FormErrors) -> Result<Page> {
    let mut tx = app.read().await?;
    let view = find(&mut tx, visitor, id).await?;
    let person = person(&mut tx, &view.task).await?;
    drop(tx);
    Ok(Page {
        frame: visitor.frame("tasks"),
        task: face(app, visitor, &view, person.as_ref()).await?,
        errors,
        until: typed.get("until").to_owned(),
    })
}

#[cfg(test)]
pub(super) fn sample() -> Face {
    use crate::pages::attachments::FileRow;
    Face {
        icon: "mail",
        title: "Read the draft".into(),
        kind: "Email",
        content: "Read the draft\nand send it".into(),
        person: "Maya Okafor".into(),
        person_href: "/people/per_1".into(),
        sequence: "Winter depots".into(),
        sequence_href: "/enrollments/enr_1".into(),
        waits: "The sequence waits until this is done or skipped.".into(),
        owner: "Nora".into(),
        state: "Open",
        is_open: true,
        is_of_sequence: true,
        draft: Some(Draft {
            to: "maya@kestrel.example".into(),
            shown: Preview {
                subject: "Cold-chain gaps".into(),
                html: "<p>Hi Maya</p>".into(),
                missing: vec![("industry".into(), "/people/per_1/edit#f-industry".into())],
                files: vec![FileRow { name: "Offer.pdf".into(), size: "12 KB".into(), ..FileRow::default() }],
                ..Preview::default()
            },
            edit: "/enrollments/enr_1/steps/stp_1/edit".into(),
            ..Draft::default()
        }),
        links: Links {
            done: "/tasks/tsk_1/done".into(),
            skip: "/tasks/tsk_1/skip".into(),
            snooze: "/tasks/tsk_1/snooze".into(),
            ..Links::default()
        },
        ..Face::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(task: Face) -> String {
        let errors = FormErrors::one("until", "Choose a time that is still to come.");
        let frame = Frame { clock_rate: 1, ..Frame::default() };
        Page { frame, task, errors, until: "2026-11-24T09:00".into() }.render().expect("a page")
    }

    #[test]
    fn the_task_of_a_manual_email_shows_its_draft_and_sends_it() {
        let html = page(sample());
        for words in [
            "<p>Hi Maya</p>",
            "Send this email",
            "/tasks/tsk_1/skip",
            "Winter depots",
            "still to come",
            "industry",
            "2026-11-24T09:00",
            "Edit this email",
            "waits until this is done",
            "Offer.pdf",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("Delete"), "a task of a sequence is skipped");
    }

    #[test]
    fn a_closed_task_says_what_became_of_it_and_offers_nothing() {
        let links = Links { reopen: "/tasks/tsk_1/reopen".into(), ..Links::default() };
        let html = page(Face { is_open: false, may_reopen: true, state: "Skipped", draft: None, links, ..sample() });
        assert!(
            html.contains("Skipped") && html.contains("/tasks/tsk_1/reopen") && !html.contains("/tasks/tsk_1/done")
        );
    }

    #[test]
    fn a_number_can_be_called_and_the_modes_read_as_sentences() {
        assert_eq!(urls::telephone("+44 (0)20 7946-0958"), "tel:+4402079460958");
        assert_eq!(urls::telephone("ask her"), "");
        let text =
            |mode| TaskText { kind: TaskKind::Call, content: String::new(), due_in_days: 0, mode, overdue_days: 2 };
        assert!(mode_words(&text(TaskMode::WaitUntilOverdue)).contains("2 business days after it was due"));
        assert_ne!(mode_words(&text(TaskMode::Wait)), mode_words(&text(TaskMode::GoOn)));
    }
}
