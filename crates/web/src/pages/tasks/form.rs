//! The form of a task, new or open.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person::{Person, email_key};
use relance_domain::step::TaskKind;
use relance_domain::{PersonId, Refused, TaskId, Timestamp};
use relance_engine::commands::tasks::{NewTask, TaskChange};
use relance_storage::{people, people_lists};
use serde::Deserialize;

use super::actions::may_lead_to;
use super::filter::users;
use super::show::find;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::pages::enroll::local_time;
use crate::pages::form::{Choice, Typed};
use crate::session::Visitor;
use crate::{answer, urls};

const FIELDS: [&str; 5] = ["kind", "content", "due_at", "owner_id", "person"];
/// Namesakes that are named when a person cannot be told.
const NAMESAKES: usize = 4;

/// About whom a new task is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct About {
    person: String,
    person_id: String,
}

impl About {
    fn person(&self) -> Option<PersonId> {
        self.person.parse().or_else(|_| self.person_id.parse()).ok()
    }
}

#[derive(Template)]
#[template(path = "tasks/form.html")]
struct Page {
    frame: Frame,
    title: &'static str,
    button: &'static str,
    /// Whom it is about, once that is settled.
    person: String,
    asks_person: bool,
    typed: Typed,
    errors: FormErrors,
    owners: Vec<Choice>,
    action: String,
    back: String,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }
}

async fn draw_new(
    app: &App,
    visitor: &Visitor,
    person: Option<PersonId>,
    typed: Typed,
    errors: FormErrors,
) -> Result<Page> {
    let mut tx = app.read().await?;
    let name = match person {
        Some(id) => people::find(&mut tx, id).await?.ok_or(PageError::NotFound("person"))?.name(),
        None => String::new(),
    };
    Ok(Page {
        frame: visitor.frame("tasks"),
        title: "New task",
        button: "Create task",
        person: name,
        asks_person: person.is_none(),
        typed,
        errors,
        owners: users(&mut tx, visitor).await?,
        action: visitor.once(urls::new_task(person)),
        back: person.map_or_else(|| urls::TASKS.to_owned(), urls::person),
    })
}

/// As a field of type `datetime-local` wants it.
fn local(at: Timestamp, visitor: &Visitor) -> String {
    at.zoned(&visitor.zone).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// The form of a new task.
pub async fn new(State(app): State<App>, visitor: Visitor, Query(about): Query<About>) -> Result<Response> {
    let soon = visitor.end_of_today().plus_ms(-7 * relance_domain::time::HOUR).max(visitor.now);
    let typed = Typed::of([
        ("kind", "call".to_owned()),
        ("due_at", local(soon, &visitor)),
        ("owner_id", visitor.user.id.to_string()),
    ]);
    answer::page(&draw_new(&app, &visitor, about.person(), typed, FormErrors::default()).await?)
}

/// What was typed, as a change of every field.
fn read(typed: &Typed, visitor: &Visitor) -> std::result::Result<TaskChange, Vec<Refused>> {
    let due_at = match typed.get("due_at").trim() {
        "" => None,
        text => match local_time(text, &visitor.zone) {
            Some(at) => Some(at),
            None => return Err(vec![Refused::at("due_at", "invalid_date", "Choose a date and time.")]),
        },
    };
    Ok(TaskChange {
        kind: Some(TaskKind::parse(typed.get("kind")).unwrap_or(TaskKind::Other)),
        content: Some(typed.get("content").to_owned()),
        due_at,
        owner_id: typed.get("owner_id").parse().ok(),
    })
}

/// The one person a name or address stands for.
fn the_one(found: &[Person], typed: &str) -> std::result::Result<PersonId, Refused> {
    let key = email_key(typed);
    let by_address = |person: &&Person| key.is_some() && email_key(&person.fields.email) == key;
    let by_name = |person: &&Person| person.name().eq_ignore_ascii_case(typed.trim());
    let of_name: Vec<_> = found.iter().filter(by_name).map(|person| person.id).collect();
    let of_address = found.iter().find(by_address).map(|person| person.id);
    match (of_address, of_name.as_slice(), found) {
        (Some(id), _, _) => Ok(id),
        (None, [id], _) => Ok(*id),
        (None, [], [person]) => Ok(person.id),
        (None, [], []) => {
            Err(Refused::at("person", "unknown", "Nobody has this name or address. Leave it empty, or check it."))
        }
        (None, _, many) => {
            let names: Vec<_> = many
                .iter()
                .take(NAMESAKES)
                .map(|person| format!("{} ({})", person.name(), person.fields.email))
                .collect();
            let message = format!("Several people match: {}. Type the email address.", crate::words::list(&names));
            Err(Refused::at("person", "ambiguous", message))
        }
    }
}

/// Creates it.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Query(about): Query<About>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let person = match (about.person(), typed.get("person").trim()) {
        (None, name) if !name.is_empty() => {
            let seen = visitor.sight.owners();
            let found = people_lists::suggest(&mut app.read().await?, name, None, seen, NAMESAKES + 1).await?;
            the_one(&found, name).map(Some)
        }
        (about, _) => Ok(about),
    };
    let created = match (read(&typed, &visitor), person) {
        (Ok(fields), Ok(person_id)) => {
            let TaskChange { kind, content, due_at, owner_id } = fields;
            let (kind, content) = (kind.unwrap_or(TaskKind::Other), content.unwrap_or_default());
            let new = NewTask { person_id, owner_id, kind, content, due_at };
            app.engine.create_task(&visitor.actor, new).await.map_err(PageError::from)
        }
        (Err(wrong), _) => Err(PageError::Refused(wrong)),
        (_, Err(wrong)) => Err(PageError::Refused(vec![wrong])),
    };
    match created {
        Ok(task) => {
            let to = about.person().map_or_else(|| urls::TASKS.to_owned(), urls::person);
            let due = crate::words::moment(task.due_at, visitor.now, &visitor.zone);
            Ok(answer::said(&to, &answer::toast("done", format!("The task is due {due}."))))
        }
        Err(error) => answer::refused(&draw_new(&app, &visitor, about.person(), typed, error.refused()?).await?),
    }
}

/// Where one came from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Behind {
    to: String,
}

impl Behind {
    fn back(&self) -> String {
        if may_lead_to(&self.to) { self.to.clone() } else { urls::TASKS.to_owned() }
    }
}

async fn draw_edit(
    app: &App,
    visitor: &Visitor,
    (id, behind): (TaskId, &Behind),
    sent: Option<(Typed, FormErrors)>,
) -> Result<Page> {
    let mut tx = app.read().await?;
    let view = find(&mut tx, visitor, id).await?;
    let task = &view.task;
    let (typed, errors) = sent.unwrap_or_else(|| {
        let typed = Typed::of([
            ("kind", task.kind.as_str().to_owned()),
            ("content", task.content.clone()),
            ("due_at", local(task.due_at, visitor)),
            ("owner_id", task.owner_id.to_string()),
        ]);
        (typed, FormErrors::default())
    });
    Ok(Page {
        frame: visitor.frame("tasks"),
        title: "Edit task",
        button: "Save task",
        person: view.person_name.clone().unwrap_or_default(),
        asks_person: false,
        typed,
        errors,
        owners: users(&mut tx, visitor).await?,
        action: urls::with_query(&urls::task_action(id, "edit"), &[("to", &behind.to)]),
        back: behind.back(),
    })
}

/// The form of an open task.
pub async fn edit(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TaskId>,
    Query(behind): Query<Behind>,
) -> Result<Response> {
    answer::page(&draw_edit(&app, &visitor, (id, &behind), None).await?)
}

/// Saves it.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TaskId>,
    Query(behind): Query<Behind>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let saved = match read(&typed, &visitor) {
        Ok(change) => app.engine.edit_task(&visitor.actor, id, change).await.map_err(PageError::from),
        Err(wrong) => Err(PageError::Refused(wrong)),
    };
    match saved {
        Ok(_) => Ok(answer::said(&behind.back(), &answer::toast("done", "The task is saved."))),
        Err(error) => {
            answer::refused(&draw_edit(&app, &visitor, (id, &behind), Some((typed, error.refused()?))).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::person::{Fields, Kind};

    #[test]
    fn a_new_task_keeps_what_was_typed() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "New task",
            button: "Create task",
            person: "Maya Okafor".into(),
            asks_person: false,
            typed: Typed::of([
                ("kind", "call".into()),
                ("content", String::new()),
                ("due_at", "2026-11-24T17:00".into()),
            ]),
            errors: FormErrors::one("content", "Say what the task is."),
            owners: vec![Choice::new("usr_1", "Nora")],
            action: "/tasks/new?person=per_1".into(),
            back: "/people/per_1".into(),
        };
        let html = page.render().expect("a page");
        for words in ["Maya Okafor", "Say what the task is.", "2026-11-24T17:00", "Nora"] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("name=\"person\""));
        let nobody = Page { person: String::new(), asks_person: true, ..page };
        assert!(nobody.render().expect("a page").contains("name=\"person\""));
    }

    fn person(number: u128, name: &str, email: &str) -> Person {
        let at = Timestamp::from_ms(0);
        let fields = Fields { last_name: name.into(), email: email.into(), ..Fields::default() };
        Person {
            id: PersonId::from_uuid(uuid::Uuid::from_u128(number)),
            kind: Kind::Lead,
            fields,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn a_person_is_taken_only_when_one_can_be_meant() {
        let found = [person(1, "Okafor", "maya@kestrel.example"), person(2, "Okafor Ltd", "info@okafor.example")];
        assert_eq!(the_one(&found, "okafor"), Ok(found[0].id), "the exact name");
        assert_eq!(the_one(&found, "INFO@okafor.example"), Ok(found[1].id), "the address");
        assert_eq!(the_one(&found[..1], "oka"), Ok(found[0].id), "the only one");
        assert!(the_one(&found, "oka").expect_err("a refusal").message.contains("maya@kestrel.example"));
        assert_eq!(the_one(&[], "oka").expect_err("a refusal").field.as_deref(), Some("person"));
    }
}
