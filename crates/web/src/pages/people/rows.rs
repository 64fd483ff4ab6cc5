//! The rows of a list of people: the chosen columns, sequences in words, the next email, the last activity.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use relance_domain::custom_field::CustomField;
use relance_domain::person::Person;
use relance_domain::{PersonId, Timestamp, UserId};
use relance_storage::people_fields::PeopleField;
use relance_storage::people_lists::{Page, PersonRow};
use relance_storage::people_sequences::{InSequence, NextEmail, WaitsFor};

use crate::session::Visitor;
use crate::urls;
use crate::words::When;

/// A sequence in a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequenceCell {
    /// The state whose icon and colour it has.
    pub state: &'static str,
    /// The sequence's name.
    pub name: String,
    /// The word of the state.
    pub word: &'static str,
    /// `+2`: how many more there are; empty for none.
    pub more: String,
}

/// What stands in a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// Text.
    Text(String),
    /// The open task after which the next email leaves: its address and its words.
    AfterTask(String, String),
    /// Text that leads somewhere.
    Link(String, String),
    /// Tags.
    Tags(Vec<String>),
    /// A sequence with its state.
    State(SequenceCell),
    /// A time.
    Time(When),
    /// A time that stands for itself, in full colour.
    NextEmail(When),
}

/// A person in a list.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its address.
    pub href: String,
    /// The name.
    pub name: String,
    /// In the compact list: where they work, else their address.
    pub about: String,
    /// In the compact list: the first ongoing sequence.
    pub ongoing: Option<SequenceCell>,
    /// The chosen columns.
    pub cells: Vec<Cell>,
    /// The last activity.
    pub last_activity: Option<When>,
}

/// What rows are drawn with.
pub struct Look<'a> {
    /// Who looks.
    pub visitor: &'a Visitor,
    /// The chosen columns.
    pub columns: &'a [&'a PeopleField],
    /// Definitions of custom fields.
    pub custom: &'a [CustomField],
    /// Users by id.
    pub users: &'a HashMap<UserId, String>,
    /// Companies of those shown, by id.
    pub companies: &'a HashMap<PersonId, String>,
}

/// The rows of a page.
pub fn rows(page: &Page, look: &Look<'_>) -> Vec<Row> {
    page.rows.iter().map(|row| read(row, look)).collect()
}

/// The zone in which a person's times are shown: their own, else the reader's.
pub fn zone_of(person: &Person, visitor: &Visitor) -> TimeZone {
    person.zone().unwrap_or_else(|| visitor.zone.clone())
}

fn read(row: &PersonRow, look: &Look<'_>) -> Row {
    let fields = &row.person.fields;
    let works_at = if fields.is_organization { "" } else { fields.organization_name.as_str() };
    Row {
        id: row.person.id.to_string(),
        href: urls::person(row.person.id),
        name: row.person.name(),
        about: if works_at.is_empty() { fields.email.clone() } else { works_at.to_owned() },
        ongoing: ongoing(&row.ongoing),
        cells: look.columns.iter().map(|column| cell(row, &column.field, look)).collect(),
        last_activity: row.last_activity_at.map(|at| When::age(at, look.visitor.now, &look.visitor.zone)),
    }
}

fn cell(row: &PersonRow, key: &str, look: &Look<'_>) -> Cell {
    let visitor = look.visitor;
    let age = |at: Timestamp| Cell::Time(When::age(at, visitor.now, &visitor.zone));
    match key {
        "ongoing_sequences" => ongoing(&row.ongoing).map_or(Cell::Empty, Cell::State),
        "completed_sequences" => text(completed(&row.completed)),
        "next_email_at" => next_email(row, visitor),
        "last_activity_at" => row.last_activity_at.map_or(Cell::Empty, age),
        "created_at" => age(row.person.created_at),
        "updated_at" => age(row.person.updated_at),
        "owner_id" => text(row.person.fields.owner_id.and_then(|id| look.users.get(&id).cloned()).unwrap_or_default()),
        "other_emails" => text(row.person.fields.other_emails.join(", ")),
        "is_organization" => text(if row.person.fields.is_organization { "Yes" } else { "" }.to_owned()),
        "company_id" => company(row, look),
        "tags" if row.person.fields.tags.is_empty() => Cell::Empty,
        "tags" => Cell::Tags(row.person.fields.tags.clone()),
        "website" if is_web(&row.person.fields.website) => {
            Cell::Link(row.person.fields.website.clone(), row.person.fields.website.clone())
        }
        _ => text(plain(&row.person, key, look.custom)),
    }
}

fn company(row: &PersonRow, look: &Look<'_>) -> Cell {
    let Some(id) = row.person.fields.company_id else { return Cell::Empty };
    look.companies.get(&id).map_or(Cell::Empty, |name| Cell::Link(urls::person(id), name.clone()))
}

fn text(text: String) -> Cell {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn next_email(row: &PersonRow, visitor: &Visitor) -> Cell {
    match row.next_email {
        NextEmail::At(at) => {
            let zone = zone_of(&row.person, visitor);
            Cell::NextEmail(When::moment(at.max(visitor.now), visitor.now, &zone, &visitor.zone))
        }
        NextEmail::AfterTask(_) => match &row.waits_for {
            Some(WaitsFor { words, task_id: Some(id) }) => Cell::AfterTask(urls::task(*id), words.clone()),
            _ => Cell::Text(after_words(row)),
        },
        NextEmail::Held(_) => Cell::Text(held_words(row)),
        NextEmail::None => Cell::Empty,
    }
}

/// The text of a field of the person themselves, for cells and exports.
pub fn plain(person: &Person, key: &str, custom: &[CustomField]) -> String {
    let fields = &person.fields;
    let address = &fields.address;
    let text = match key {
        "organization_name" if fields.is_organization => "",
        "organization_name" => &fields.organization_name,
        "first_name" => &fields.first_name,
        "last_name" => &fields.last_name,
        "title" => &fields.title,
        "status" => &fields.status,
        "email" => &fields.email,
        "phone" => &fields.phone,
        "mobile" => &fields.mobile,
        "website" => &fields.website,
        "industry" => &fields.industry,
        "source" => &fields.source,
        "address.line" => &address.line,
        "address.city" => &address.city,
        "address.postal_code" => &address.postal_code,
        "address.state" => &address.state,
        "address.country" => &address.country,
        "time_zone" => &fields.time_zone,
        "description" => &fields.description,
        "linkedin" => &fields.linkedin,
        "x" => &fields.x,
        "facebook" => &fields.facebook,
        _ => return custom_text(person, key, custom),
    };
    text.to_owned()
}

fn custom_text(person: &Person, key: &str, custom: &[CustomField]) -> String {
    let Some(field) = custom.iter().find(|field| field.field() == key) else { return String::new() };
    person.fields.custom_fields.get(&field.key).map(|value| field.display(value)).unwrap_or_default()
}

/// State and word of an enrollment: *uncertain* is a block that asks for a decision.
pub fn state_of(enrollment: &InSequence) -> (&'static str, &'static str) {
    match (enrollment.state.as_str(), enrollment.blocked_reason.as_deref()) {
        ("blocked", Some("delivery_uncertain")) => ("uncertain", "uncertain"),
        ("blocked", _) => ("blocked", "blocked"),
        ("paused", _) => ("paused", "paused"),
        ("finished", _) => ("completed", "completed"),
        _ => ("active", "active"),
    }
}

/// The first ongoing sequence and how many more there are.
pub fn ongoing(all: &[InSequence]) -> Option<SequenceCell> {
    // What needs someone comes first.
    let rank =
        |e: &&InSequence| ["uncertain", "blocked", "paused", "active"].iter().position(|state| *state == state_of(e).0);
    let first = all.iter().min_by_key(rank)?;
    let (state, word) = state_of(first);
    let more = if all.len() > 1 { format!("+{}", all.len() - 1) } else { String::new() };
    Some(SequenceCell { state, name: first.name.clone(), word, more })
}

/// Completed sequences by name.
pub fn completed(all: &[InSequence]) -> String {
    match all {
        [] => String::new(),
        [one] => one.name.clone(),
        [one, two] => format!("{}, {}", one.name, two.name),
        [one, rest @ ..] => format!("{} +{}", one.name, rest.len()),
    }
}

/// Codes of what blocks, and their words.
pub const REASONS: [(&str, &str); 13] = [
    ("missing_merge_data", "missing data"),
    ("held_for_review", "reply to review"),
    ("delivery_uncertain", "being checked"),
    ("auth_failed", "the mailbox refused the password"),
    ("mailbox_disconnected", "the mailbox is disconnected"),
    ("mailbox_settings", "the mailbox's settings"),
    ("no_recipient", "no address"),
    ("recipient_refused", "the address was refused"),
    ("bounced", "the address bounced"),
    ("duplicate_address", "duplicate address"),
    ("quota_reached", "the quota"),
    ("template_error", "the text"),
    ("late_start", "more than 7 days late"),
];

/// A code of what blocks, in words.
pub fn reason_words(code: &str) -> &str {
    REASONS.iter().find(|(known, _)| *known == code).map_or(code, |(_, words)| words)
}

/// *Held: missing industry*: why the next email has no date.
pub fn held_words(row: &PersonRow) -> String {
    let stored = || row.ongoing.iter().find_map(|e| e.blocked_reason.as_deref()).map_or("paused", reason_words);
    format!("Held: {}", row.waits_for.as_ref().map_or_else(stored, |waits| waits.words.as_str()))
}

/// *After task Call Lucía*: the next email has no date of its own.
pub fn after_words(row: &PersonRow) -> String {
    row.waits_for.as_ref().map_or_else(|| "After a task".to_owned(), |waits| format!("After task {}", waits.words))
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Row> {
    let row = |name: &str, state, word| {
        let cell = SequenceCell { state, name: "Winter depots".into(), word, more: "+2".into() };
        Row {
            id: format!("per_{name}"),
            href: "/people/per_1".into(),
            name: name.into(),
            about: "Kestrel Freight".into(),
            ongoing: Some(cell.clone()),
            cells: vec![
                Cell::Text("Kestrel Freight".into()),
                Cell::Tags(vec!["reefer".into()]),
                Cell::State(cell),
                Cell::Text("Held: missing data".into()),
                Cell::Link("https://kestrel.example".into(), "kestrel.example".into()),
                Cell::Empty,
            ],
            last_activity: None,
        }
    };
    vec![
        row("Maya Okafor", "active", "active"),
        row("Jonas Fiedler", "blocked", "blocked"),
        Row { name: "Ada".into(), ..Row::default() },
    ]
}
