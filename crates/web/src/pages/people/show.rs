//! The page of a person: head with actions, history with composer, widgets at the side in the admin's order; deletion.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::PersonId;
use relance_domain::person::{Kind, Person};
use relance_domain::person_layout::Widget as Part;
use relance_engine::EngineError;
use relance_storage::tasks::{self, TaskFilter};
use relance_storage::{Tx, people, people_choices};
use serde::Deserialize;

use super::details::{self, Facts};
use super::feed::{self, Feed, Shown};
use super::from_list::{self, FromList};
use super::notes::{self, NoteRow};
use super::related::{self, Related};
use super::widget::{self, Widget};
use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Where in the history.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct At {
    before: String,
    show: String,
    from: String,
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
    facts: Facts,
    tasks: Vec<OpenTask>,
    notes: Vec<NoteRow>,
    related: Related,
    statuses: Vec<String>,
    layout: Vec<Part>,
    feed: Feed,
    widget: Widget,
    list: Option<FromList>,
}

#[derive(Template)]
#[template(path = "people/deleted.html")]
struct DeletedPage {
    frame: Frame,
    name: String,
    when: String,
    restore: String,
}

impl Page {
    fn is_lead(&self) -> bool {
        self.person.kind == Kind::Lead
    }

    /// What the first crumb says and where it leads: to the list one came from, unless that has a name of its own.
    fn section(&self) -> (&'static str, &str) {
        let (words, plain) = from_list::section(self.person.kind);
        (words, self.list.as_ref().filter(|list| list.name.is_empty()).map_or(plain, |list| &list.href))
    }

    /// *Delete and end 2 sequences*.
    fn delete_words(&self) -> String {
        match (self.widget.active.len() + self.widget.blocked.len()) as u64 {
            0 => "Delete".to_owned(),
            ongoing => format!("Delete and end {}", words::count(ongoing, "sequence", "sequences")),
        }
    }

    /// What the menu of the status says.
    fn status_words(&self) -> &str {
        match self.person.fields.status.as_str() {
            "" => "No status",
            status => status,
        }
    }

    /// *VP Operations at*, *Kestrel Freight* and where that leads: to the company, or to everyone who names it.
    fn work(&self) -> (String, String, String) {
        let fields = &self.person.fields;
        let (place, href) = match &self.related.company {
            Some(company) => (company.name.clone(), company.href.clone()),
            None if self.name == fields.organization_name => (String::new(), String::new()),
            None => {
                let place = fields.organization_name.clone();
                let href = urls::with_query(urls::people(self.person.kind), &[("q", &place)]);
                (place, href)
            }
        };
        let at = if fields.title.is_empty() || place.is_empty() { "" } else { " at " };
        (format!("{}{at}", fields.title), place, href)
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
        return gone(&mut tx, &visitor, id).await;
    };
    visitor.must_see(&person)?;
    let widget = widget::read(&app, &mut tx, &person, &visitor).await?;
    let mut feed =
        feed::read(&mut tx, &person, Shown::parse(&at.show), feed::parse_before(&at.before), &visitor).await?;
    let frame = visitor.frame(if person.kind == Kind::Lead { "leads" } else { "contacts" });
    // Beside an index the list itself is in sight.
    let list = match frame.is_record || at.from.is_empty() {
        true => None,
        false => from_list::read(&app, &mut tx, &visitor, &at.from, id).await?,
    };
    if let Some(list) = &list {
        feed.carry("from", &list.href);
    }
    let page = Page {
        frame,
        list,
        name: person.name(),
        local_time: local_time(&person, &visitor),
        facts: details::read(&mut tx, &person, &widget).await?,
        tasks: open_tasks(&mut tx, &person, &visitor).await?,
        notes: notes::newest(&mut tx, id, &visitor).await?,
        related: related::read(&app, &mut tx, &person, &visitor).await?,
        statuses: people_choices::statuses(&mut tx, person.kind).await?,
        layout: app.engine.person_layout().await?.shown().to_vec(),
        feed,
        widget,
        person,
    };
    answer::page(&page)
}

/// Someone who is not there: merged into another, deleted, or never known.
async fn gone(tx: &mut Tx, visitor: &Visitor, id: PersonId) -> Result<Response> {
    if let Some(to) = people::redirect(tx, id).await? {
        return Ok(answer::go(&urls::person(to)));
    }
    let (at, owner) = people::deleted_at(tx, id).await?.ok_or(PageError::NotFound("person"))?;
    if !visitor.sight.sees(owner) {
        return Err(PageError::NotFound("person"));
    }
    let name = people::names(tx, &[id]).await?.pop().map(|(_, name)| name).unwrap_or_default();
    answer::page(&DeletedPage {
        frame: visitor.frame("leads"),
        name,
        when: crate::pages::in_sentence(&words::moment(at, visitor.now, &visitor.zone)),
        restore: urls::restore_people(&[id]),
    })
}

/// Where a page of a person is now who was merged into another, or deleted: a link, or a form in another tab.
pub(crate) async fn instead(tx: &mut Tx, path: &str) -> Option<String> {
    let (id, rest) = path.strip_prefix("/people/")?.split_once('/')?;
    let id: PersonId = id.parse().ok()?;
    if let Some(to) = people::redirect(tx, id).await.ok()? {
        // A form is not sent on: what it changed is another's now.
        let is_page = ["edit", "convert", "enroll", "calls"].contains(&rest);
        return Some(if is_page { format!("{}/{rest}", urls::person(to)) } else { urls::person(to) });
    }
    people::deleted_at(tx, id).await.ok()??;
    Some(urls::person(id))
}

/// *09:48 in London*; empty while the zone is unknown.
pub(crate) fn local_time(person: &Person, visitor: &Visitor) -> String {
    person
        .zone()
        .map(|zone| format!("{} in {}", words::clock(visitor.now, &zone), words::place(&zone)))
        .unwrap_or_default()
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

    fn sample() -> Page {
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
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            name: person.name(),
            local_time: "09:48 in London".into(),
            facts: details::sample(),
            tasks: vec![OpenTask {
                content: "Call Maya".into(),
                is_of_sequence: true,
                due: "Today".into(),
                ..OpenTask::default()
            }],
            notes: vec![NoteRow { text: "Ask for Felixstowe.".into(), by: "Nora".into(), ..NoteRow::default() }],
            related: Related::default(),
            statuses: vec!["New".into(), "Working".into()],
            layout: vec![Part::Notes, Part::Sequences, Part::Details, Part::Tasks],
            feed: feed::sample(),
            widget: widget::sample(),
            list: Some(from_list::sample()),
            person,
        }
    }

    #[test]
    fn the_page_of_a_person_shows_history_sequences_and_cures() {
        let html = sample().render().expect("a page");
        for words in [
            "VP Operations at <a href=\"/leads?q=Kestrel%20Freight\">Kestrel Freight</a>",
            "No status",
            "name=\"status\" value=\"Working\"",
            "Convert to contact",
            "Quoted text, 18 lines",
            "Add industry",
            "Mark as sent",
            "reefer",
            "Call Maya",
            "09:48 in London",
            "Ask for Felixstowe.",
            "Delete and end 3 sequences",
            "1 empty field",
            "My open leads",
            "4 of 38",
            "data-key=\"j\"",
            "Log call",
            "data-key=\"w\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(html.contains("sandbox"), "the email is shown in a frame that runs nothing");
        assert!(html.find("Ask for Felixstowe.") < html.find("widget-sequences"), "the admin's order");
        assert!(!html.contains("aria-label=\"Related\""), "a widget that is not shown");
    }
}
