//! The page of a person: head with actions, history with composer, widgets at the side; notes, conversion, deletion.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::PersonId;
use relance_domain::person::{Kind, Person};
use relance_engine::EngineError;
use relance_storage::tasks::{self, TaskFilter};
use relance_storage::{Tx, people, users};
use serde::Deserialize;

use super::feed::{self, Feed};
use super::widget::{self, Widget};
use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Where in the history.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct At {
    before: String,
}

/// A note.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Note {
    text: String,
}

/// A fact in the side column.
#[derive(Clone, Debug, Default)]
struct Fact {
    label: &'static str,
    value: String,
    href: String,
}

/// An open task.
#[derive(Clone, Debug, Default)]
struct OpenTask {
    content: String,
    href: String,
    done: String,
    due: String,
    is_of_sequence: bool,
    is_late: bool,
}

#[derive(Template)]
#[template(path = "people/show.html")]
struct Page {
    frame: Frame,
    person: Person,
    name: String,
    local_time: String,
    facts: Vec<Fact>,
    tags: Vec<String>,
    tasks: Vec<OpenTask>,
    feed: Feed,
    widget: Widget,
}

impl Page {
    fn is_lead(&self) -> bool {
        self.person.kind == Kind::Lead
    }

    fn section(&self) -> &'static str {
        if self.is_lead() { "Leads" } else { "Contacts" }
    }

    fn section_href(&self) -> &'static str {
        urls::people(self.person.kind)
    }

    /// *VP Operations at Kestrel Freight*.
    fn work(&self) -> String {
        let fields = &self.person.fields;
        let is_named = self.name == fields.organization_name;
        match (fields.title.as_str(), if is_named { "" } else { fields.organization_name.as_str() }) {
            ("", organization) => organization.to_owned(),
            (title, "") => title.to_owned(),
            (title, organization) => format!("{title} at {organization}"),
        }
    }
}

/// The page of a person; a merged lead leads to the contact it became.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Query(at): Query<At>,
) -> Result<Response> {
    let mut tx = app.read().await?;
    let Some(person) = people::find(&mut tx, id).await? else {
        let to = people::redirect(&mut tx, id).await?.ok_or(PageError::NotFound("person"))?;
        return Ok(answer::go(&urls::person(to)));
    };
    let page = Page {
        frame: visitor.frame(if person.kind == Kind::Lead { "leads" } else { "contacts" }),
        name: person.name(),
        local_time: local_time(&person, &visitor),
        facts: facts(&mut tx, &person).await?,
        tags: person.fields.tags.clone(),
        tasks: open_tasks(&mut tx, &person, &visitor).await?,
        feed: feed::read(&mut tx, &person, feed::parse_before(&at.before), &visitor).await?,
        widget: widget::read(&app, &mut tx, &person, &visitor).await?,
        person,
    };
    answer::page(&page)
}

/// *09:48 in London*; empty while the zone is unknown.
pub(crate) fn local_time(person: &Person, visitor: &Visitor) -> String {
    person
        .zone()
        .map(|zone| format!("{} in {}", words::clock(visitor.now, &zone), words::place(&zone)))
        .unwrap_or_default()
}

async fn facts(tx: &mut Tx, person: &Person) -> Result<Vec<Fact>> {
    let fields = &person.fields;
    let owner = match fields.owner_id {
        Some(id) => users::find(tx, id).await?.map(|user| user.name).unwrap_or_default(),
        None => "Nobody".to_owned(),
    };
    let fact = |label, value: &str| Fact { label, value: value.to_owned(), href: String::new() };
    let address = &fields.address;
    let place = [&address.line, &address.postal_code, &address.city, &address.state, &address.country];
    let place: Vec<_> = place.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
    let zone = match (fields.time_zone.as_str(), person.zone()) {
        ("", Some(zone)) => format!("{} from the country", zone.iana_name().unwrap_or_default()),
        (zone, _) => zone.to_owned(),
    };
    let all = [
        fact("Owner", &owner),
        Fact {
            label: "Email",
            value: fields.email.clone(),
            href: if fields.email.is_empty() { String::new() } else { format!("mailto:{}", fields.email) },
        },
        fact("Other emails", &fields.other_emails.join(", ")),
        fact("Phone", &fields.phone),
        fact("Mobile", &fields.mobile),
        fact("Industry", &fields.industry),
        fact("Source", &fields.source),
        fact("Website", &fields.website),
        fact("LinkedIn", &fields.linkedin),
        fact("Address", &place.join(", ")),
        fact("Time zone", &zone),
        fact("Description", &fields.description),
    ];
    let known = all
        .into_iter()
        .filter(|fact| !fact.value.is_empty() || ["Email", "Phone", "Industry", "Time zone"].contains(&fact.label));
    Ok(known.collect())
}

async fn open_tasks(tx: &mut Tx, person: &Person, visitor: &Visitor) -> Result<Vec<OpenTask>> {
    let filter = TaskFilter { person: Some(person.id), open: Some(true), ..TaskFilter::default() };
    let found = tasks::page(tx, filter, None, 10).await?;
    let row = |task: relance_domain::task::Task| OpenTask {
        content: task.content.lines().next().unwrap_or_default().to_owned(),
        href: urls::task(task.id),
        done: urls::task_action(task.id, "done"),
        due: words::date(task.due_at, visitor.now, &visitor.zone),
        is_of_sequence: task.enrollment_id.is_some(),
        is_late: task.due_at < visitor.end_of_today(),
    };
    Ok(found.into_iter().map(|view| row(view.task)).collect())
}

/// Adds a note.
pub async fn note(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Form(note): Form<Note>,
) -> Result<Response> {
    let done = app.engine.add_note(&visitor.actor, id, &note.text).await;
    answer::outcome(&urls::person(id), done, |_| answer::toast("done", "The note is in the history."))
}

/// Deletes a person, which can be undone.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<PersonId>) -> Result<Response> {
    let person = {
        let mut tx = app.read().await?;
        people::find(&mut tx, id).await?.ok_or(PageError::NotFound("person"))?
    };
    match app.engine.delete_people(&visitor.actor, &[id]).await {
        Ok(ended) => {
            let mut toast = answer::toast("done", format!("{} was deleted.{}", person.name(), ended_words(&ended)));
            toast.undo = urls::restore_people(&[id]);
            Ok(answer::said(urls::people(person.kind), &toast))
        }
        Err(error @ (EngineError::Refused(_) | EngineError::Forbidden(_))) => {
            Ok(answer::said(&urls::person(id), &answer::toast("blocked", error.to_string())))
        }
        Err(error) => Err(error.into()),
    }
}

/// *3 sequences stopped, 2 emails cancelled; 1 email was already on its way.*
pub(crate) fn ended_words(ended: &relance_engine::commands::Ended) -> String {
    let mut parts = Vec::new();
    if ended.enrollments > 0 {
        parts.push(words::count(ended.enrollments, "sequence ended", "sequences ended"));
    }
    if ended.cancelled_emails > 0 {
        parts.push(words::count(ended.cancelled_emails, "email cancelled", "emails cancelled"));
    }
    if ended.cancelled_tasks > 0 {
        parts.push(words::count(ended.cancelled_tasks, "task cancelled", "tasks cancelled"));
    }
    let mut text = if parts.is_empty() { String::new() } else { format!(" {}.", words::list(&parts)) };
    if !ended.leaving.is_empty() {
        let subjects: Vec<_> =
            ended.leaving.iter().map(|email| format!("“{}” to {}", email.subject, email.recipient)).collect();
        text.push_str(&format!(" Already on its way: {}.", words::list(&subjects)));
    }
    text
}

/// Which people come back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ids {
    ids: String,
}

/// Brings deleted people back.
pub async fn restore(State(app): State<App>, visitor: Visitor, Query(wanted): Query<Ids>) -> Result<Response> {
    let ids: Vec<PersonId> = wanted.ids.split(',').filter_map(|id| id.parse().ok()).collect();
    let to = match ids.as_slice() {
        [one] => urls::person(*one),
        _ => urls::people(Kind::Lead).to_owned(),
    };
    let done = app.engine.restore_people(&visitor.actor, &ids).await;
    answer::outcome(&to, done, |number| {
        let verb = if number == 1 { "is" } else { "are" };
        answer::toast("done", format!("{} {verb} back. Sequences that ended stay ended.", words::people(number)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::Timestamp;
    use relance_domain::person::Fields;

    #[test]
    fn the_page_of_a_person_shows_history_sequences_and_cures() {
        let at = Timestamp::from_ms(0);
        let fields = Fields {
            first_name: "Maya".into(),
            last_name: "Okafor".into(),
            title: "VP Operations".into(),
            organization_name: "Kestrel Freight".into(),
            ..Fields::default()
        };
        let person = Person {
            id: PersonId::from_uuid(Default::default()),
            kind: Kind::Lead,
            fields,
            created_at: at,
            updated_at: at,
        };
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            name: person.name(),
            local_time: "09:48 in London".into(),
            facts: vec![
                Fact { label: "Phone", value: "+44 20".into(), ..Fact::default() },
                Fact { label: "Industry", ..Fact::default() },
            ],
            tags: vec!["reefer".into()],
            tasks: vec![OpenTask {
                content: "Call Maya".into(),
                is_of_sequence: true,
                due: "Today".into(),
                ..OpenTask::default()
            }],
            feed: feed::sample(),
            widget: widget::sample(),
            person,
        };
        let html = page.render().expect("a page");
        for words in [
            "VP Operations at Kestrel Freight",
            "Convert to contact",
            "Quoted text, 18 lines",
            "Add industry",
            "Mark as sent",
            "reefer",
            "Call Maya",
            "09:48 in London",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(html.contains("sandbox"), "the email is shown in a frame that runs nothing");
    }
}
