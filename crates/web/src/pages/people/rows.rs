//! The rows of a list of people: sequences in words, the next email, the last activity.

use jiff::tz::TimeZone;
use relance_domain::person::Person;
use relance_storage::people_lists::{Page, PersonRow};
use relance_storage::people_sequences::{InSequence, NextEmail};

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

/// A person in the table.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its address.
    pub href: String,
    /// The name.
    pub name: String,
    /// Where they work.
    pub organisation: String,
    /// Status of a lead.
    pub status: String,
    /// The first ongoing sequence.
    pub ongoing: Option<SequenceCell>,
    /// Completed sequences by name.
    pub completed: String,
    /// When the next email leaves, if that is known.
    pub next_email: Option<When>,
    /// Why it is not known.
    pub held: String,
    /// The last activity.
    pub last_activity: Option<When>,
}

/// The rows of a page.
pub fn rows(page: &Page, visitor: &Visitor) -> Vec<Row> {
    page.rows.iter().map(|row| read(row, visitor)).collect()
}

/// The zone in which a person's times are shown: their own, else the reader's.
pub fn zone_of(person: &Person, visitor: &Visitor) -> TimeZone {
    person.zone().unwrap_or_else(|| visitor.zone.clone())
}

fn read(row: &PersonRow, visitor: &Visitor) -> Row {
    let fields = &row.person.fields;
    let zone = zone_of(&row.person, visitor);
    let (next_email, held) = match row.next_email {
        NextEmail::At(at) => {
            (Some(When::moment(at.max(visitor.now), visitor.now, &zone, &visitor.zone)), String::new())
        }
        NextEmail::AfterTask(_) => (None, "After a task".to_owned()),
        NextEmail::Held(_) => (None, held_words(&row.ongoing)),
        NextEmail::None => (None, String::new()),
    };
    Row {
        id: row.person.id.to_string(),
        href: urls::person(row.person.id),
        name: row.person.name(),
        organisation: if fields.is_organization { String::new() } else { fields.organization_name.clone() },
        status: fields.status.clone(),
        ongoing: ongoing(&row.ongoing),
        completed: completed(&row.completed),
        next_email,
        held,
        last_activity: row.last_activity_at.map(|at| When::age(at, visitor.now, &visitor.zone)),
    }
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

fn ongoing(all: &[InSequence]) -> Option<SequenceCell> {
    // What needs someone comes first.
    let rank =
        |e: &&InSequence| ["uncertain", "blocked", "paused", "active"].iter().position(|state| *state == state_of(e).0);
    let first = all.iter().min_by_key(rank)?;
    let (state, word) = state_of(first);
    let more = if all.len() > 1 { format!("+{}", all.len() - 1) } else { String::new() };
    Some(SequenceCell { state, name: first.name.clone(), word, more })
}

fn completed(all: &[InSequence]) -> String {
    match all {
        [] => String::new(),
        [one] => one.name.clone(),
        [one, two] => format!("{}, {}", one.name, two.name),
        [one, rest @ ..] => format!("{} +{}", one.name, rest.len()),
    }
}

/// *Held: quota reached*: why the next email has no date.
fn held_words(ongoing: &[InSequence]) -> String {
    let why = ongoing.iter().find_map(|e| e.blocked_reason.as_deref()).unwrap_or("paused");
    let words = match why {
        "missing_merge_data" => "missing data",
        "held_for_review" => "reply to review",
        "delivery_uncertain" => "being checked",
        "auth_failed" | "mailbox_disconnected" | "mailbox_settings" => "the mailbox",
        "no_recipient" => "no address",
        "recipient_refused" | "bounced" => "the address",
        "duplicate_address" => "duplicate address",
        "quota_reached" => "the quota",
        "template_error" => "the text",
        "late_start" => "more than 7 days late",
        other => return format!("Held: {other}"),
    };
    format!("Held: {words}")
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Row> {
    let row = |name: &str, state, word| Row {
        id: format!("per_{name}"),
        href: "/people/per_1".into(),
        name: name.into(),
        organisation: "Kestrel Freight".into(),
        status: "Working".into(),
        ongoing: Some(SequenceCell { state, name: "Winter depots".into(), word, more: "+2".into() }),
        held: "Held: missing data".into(),
        ..Row::default()
    };
    vec![
        row("Maya Okafor", "active", "active"),
        row("Jonas Fiedler", "blocked", "blocked"),
        Row { name: "Ada".into(), ..Row::default() },
    ]
}
