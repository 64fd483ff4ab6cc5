//! One event in words: what happened, who did it, why, and what stands below it.

use jiff::tz::TimeZone;
use relance_domain::activity::{Activity, ActivityKind as A};
use relance_domain::call::CallOutcome;
use relance_domain::person::Person;

use super::super::notes::may_edit;
use super::{Around, Card, Item, received};
use crate::session::Visitor;
use crate::urls;
use crate::words::When;

/// One event as it stands in the history: its icon, its words, who did it and why.
pub(super) fn draw(event: &Activity, person: &Person, around: &Around, zone: &TimeZone, visitor: &Visitor) -> Item {
    let item = Item { when: When::clock(event.at, zone, &visitor.zone), ..Item::default() };
    match event.kind {
        A::EmailSent | A::EmailRefused | A::EmailUncertain | A::EmailResolved => of_email(item, event, around),
        A::ReplyReceived | A::AutoReplyReceived | A::BounceReceived | A::ComplaintReceived | A::HeldForReview => {
            received::draw(item, event, person, around, zone, visitor)
        }
        A::Unsubscribed if event.inbound_id.is_some() => received::draw(item, event, person, around, zone, visitor),
        A::SequenceStarted
        | A::SequenceEnded
        | A::SequencePaused
        | A::SequenceResumed
        | A::SequenceBlocked
        | A::SequenceReleased
        | A::StepSkipped
        | A::EmailEdited
        | A::VersionChanged
        | A::StepMoved => of_sequence(item, event, person, around),
        A::HandedOver if event.task_id.is_none() => of_sequence(item, event, person, around),
        A::TaskCreated
        | A::TaskDone
        | A::TaskSkipped
        | A::TaskCancelled
        | A::TaskChanged
        | A::TaskReopened
        | A::HandedOver => of_task(item, event, around),
        _ => of_person(item, event, around, visitor),
    }
}

fn by(event: &Activity, around: &Around) -> String {
    event.actor_id.and_then(|id| around.users.get(&id)).map(|name| format!("by {name}")).unwrap_or_default()
}

/// The link to the sequence an event belongs to.
fn sequence_link(item: Item, event: &Activity, around: &Around) -> Item {
    let name = event.sequence_id.and_then(|id| around.sequences.get(&id)).cloned().unwrap_or_default();
    let href = event.enrollment_id.map(urls::enrollment).unwrap_or_default();
    Item { link: name, href, ..item }
}

/// An email that was written in a task: it is of no sequence that people know.
fn is_from_task(event: &Activity) -> bool {
    event.sequence_id == Some(relance_domain::task::EMAILS)
}

fn of_email(item: Item, event: &Activity, around: &Around) -> Item {
    let email = event.delivery_id.and_then(|id| around.deliveries.get(&id));
    let (icon, dot, title) = match event.kind {
        A::EmailSent if is_from_task(event) => ("send", "", "Email sent"),
        A::EmailSent => ("route", "sequence", "Email sent"),
        A::EmailRefused => ("mail-x", "bounced", "Email refused"),
        A::EmailUncertain => ("circle-question-mark", "uncertain", "Email uncertain: it may have left"),
        _ => ("mail-check", "done", event.summary.as_str()),
    };
    let step = event.delivery_id.and_then(|id| around.steps.get(&id));
    let after = step.map(|(position, steps)| format!(", step {position} of {steps}")).unwrap_or_default();
    let card = email.map(|email| Card {
        subject: email.subject.clone(),
        excerpt: excerpt(&email.text),
        body: urls::delivery_body(email.id),
        meta: format!("To {}", email.recipient),
        ..Card::default()
    });
    if is_from_task(event) {
        return Item { icon, dot, title: title.to_owned(), words: "from a task".to_owned(), card, ..item };
    }
    let base = Item { icon, dot, title: title.to_owned(), after, card, ..item };
    let linked = sequence_link(base, event, around);
    let words = if linked.link.is_empty() { String::new() } else { "by the sequence".to_owned() };
    Item { words, ..linked }
}

/// The first words of a text, for a folded card.
fn excerpt(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect()
}

fn of_sequence(item: Item, event: &Activity, person: &Person, around: &Around) -> Item {
    let (icon, dot, verb) = match event.kind {
        A::SequenceStarted => ("circle-play", "", "started"),
        A::SequenceEnded => ("circle-stop", "ended", "ended"),
        A::SequencePaused => ("circle-pause", "paused", "paused"),
        A::SequenceResumed => ("circle-play", "", "resumed"),
        A::SequenceBlocked => ("triangle-alert", "blocked", "blocked"),
        A::SequenceReleased => ("rotate-ccw", "", "goes on"),
        A::StepSkipped => ("skip-forward", "", "step skipped"),
        A::EmailEdited => ("square-pen", "", "email edited"),
        A::VersionChanged => ("history", "", "changed"),
        A::HandedOver => ("users", "", "handed over"),
        _ => ("calendar-clock", "", "step moved"),
    };
    let linked = sequence_link(item, event, around);
    let title = match (event.kind, event.enrollment_id) {
        // Of the whole workspace: it concerns all their sequences.
        (A::SequencePaused, None) => "All sending stopped".to_owned(),
        (A::SequenceResumed, None) => "All sending resumed".to_owned(),
        _ => format!("{} {verb}", if linked.link.is_empty() { "Sequence" } else { &linked.link }),
    };
    let words = match event.kind {
        A::SequenceEnded => {
            let ended = because(&event.summary, person);
            let by = by(event, around);
            if by.is_empty() { ended } else { format!("{by}, {ended}") }
        }
        A::SequenceBlocked => event.summary.clone(),
        _ => with_reason(event, &by(event, around)),
    };
    Item { icon, dot, title, words, link: String::new(), ..linked }
}

/// Who did it and the words of the event, where they say more than its title.
fn with_reason(event: &Activity, by: &str) -> String {
    let told = [
        "Paused",
        "Resumed",
        "All sending was stopped",
        "All sending was resumed",
        "Started",
        "Step skipped",
        "Moved to another time",
        "Released",
        "Goes on",
    ];
    match (by, event.summary.trim_end_matches('.')) {
        (by, words) if words.is_empty() || told.contains(&words) || words.starts_with("Enrolled in ") => by.to_owned(),
        ("", words) => words.to_owned(),
        (by, words) => format!("{by}: {words}"),
    }
}

/// *because Maya replied.* from the summary of an end.
fn because(summary: &str, person: &Person) -> String {
    let name = if person.fields.first_name.is_empty() { "the person" } else { person.fields.first_name.as_str() };
    summary.trim_start_matches("Ended ").trim_start_matches("Completed: ").replace("the person", name)
}

fn of_task(item: Item, event: &Activity, around: &Around) -> Item {
    let task = event.task_id.and_then(|id| around.tasks.get(&id));
    let title = match event.kind {
        A::TaskCreated => "Task created",
        A::TaskDone => "Task done",
        A::TaskSkipped => "Task skipped",
        A::TaskChanged => "Task changed",
        A::TaskReopened => "Task opened again",
        A::HandedOver => "Task handed over",
        _ => "Task cancelled",
    };
    let content = task.map_or(event.summary.as_str(), |task| task.content.lines().next().unwrap_or_default());
    let icon = task.map_or("list-checks", |task| crate::pages::home::task_icon(task.kind));
    let by = by(event, around);
    let (title, words) = if by.is_empty() {
        (format!("{title}:"), content.to_owned())
    } else {
        (title.to_owned(), format!("{by}: {content}"))
    };
    let linked = sequence_link(Item { icon, title, ..item }, event, around);
    let words = if linked.link.is_empty() { words } else { format!("{words} ·") };
    Item { words, ..linked }
}

fn of_person(item: Item, event: &Activity, around: &Around, visitor: &Visitor) -> Item {
    let (icon, dot, title) = match event.kind {
        A::PersonCreated => ("user-round-plus", "", "Created"),
        A::PersonImported => ("upload", "", "Imported"),
        A::PersonEdited => ("square-pen", "", "Edited"),
        A::PersonConverted => ("user-round-check", "done", "Converted to a contact"),
        A::Note => ("sticky-note", "", "Note"),
        A::CallLogged => ("phone", "", "Call"),
        A::Unsubscribed => ("ban", "blocked", "Unsubscribed"),
        A::Suppressed => ("ban", "blocked", "Put on the suppression list"),
        A::SuppressionLifted => ("ban", "", "Taken off the suppression list"),
        A::PersonDeleted => ("trash-2", "ended", "Deleted"),
        A::PersonRestored => ("undo-2", "", "Brought back"),
        A::SignalReceived => ("info", "done", event.summary.as_str()),
        _ => ("info", "", "Changed"),
    };
    let note = || Card {
        text: event.detail.get("text").and_then(|text| text.as_str()).unwrap_or(&event.summary).to_owned(),
        ..Card::default()
    };
    let said = || event.detail.get("text").and_then(|text| text.as_str()).is_some_and(|text| !text.is_empty());
    let card = (event.kind == A::Note || event.kind == A::CallLogged && said()).then(note);
    let by = by(event, around);
    let edited = if event.detail.get("edited_at").is_some() { ", edited" } else { "" };
    let words = match event.kind {
        A::PersonEdited | A::Suppressed | A::SuppressionLifted if by.is_empty() => event.summary.clone(),
        A::PersonEdited | A::Suppressed | A::SuppressionLifted => format!("{by}: {}", event.summary),
        A::Note => format!("{by}{edited}"),
        A::CallLogged => format!("{by}: {}{edited}", outcome_words(event)),
        A::PersonConverted if event.summary.contains("merged") => format!("{by}: {}", event.summary),
        _ => by,
    };
    let edit = match event.kind {
        A::Note if may_edit(event, visitor) => urls::note(event.person_id, event.id),
        A::CallLogged if may_edit(event, visitor) => urls::call(event.person_id, event.id),
        _ => String::new(),
    };
    Item { icon, dot, title: title.to_owned(), words, card, edit, ..item }
}

/// *left a message*.
fn outcome_words(call: &Activity) -> String {
    let outcome = call.detail.get("outcome").and_then(|outcome| outcome.as_str()).and_then(CallOutcome::parse);
    outcome.map(|outcome| crate::pages::in_sentence(outcome.words())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::Timestamp;
    use relance_domain::person::{Fields, Kind};

    #[test]
    fn the_end_of_a_sequence_names_the_person() {
        let fields = Fields { first_name: "Maya".into(), ..Fields::default() };
        let at = Timestamp::from_ms(0);
        let person = Person {
            id: relance_domain::PersonId::from_uuid(Default::default()),
            kind: Kind::Lead,
            fields,
            created_at: at,
            updated_at: at,
        };
        assert_eq!(because("Ended because the person replied.", &person), "because Maya replied.");
        assert_eq!(because("Completed: all steps are done.", &person), "all steps are done.");
    }
}
