//! The review tray: messages that may be answers, each with why it is here; a person decides.
//!
//! Reps see what came to their own mailboxes, managers and admins everything. Until someone decides, whoever it may come
//! from is held.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use relance_domain::enrollment::{BlockReason, State as Standing};
use relance_domain::inbound::{Effect, Match};
use relance_domain::person::Person;
use relance_domain::{InboundId, PersonId, Refused};
use relance_engine::EngineError;
use relance_storage::inbound::{self, InboundFilter, InboundMessage, InboundView, Tray};
use relance_storage::{Tx, enrollment_views, mailboxes, people, people_lists};
use serde::Deserialize;

use super::form::{Choice, Typed};
use super::people::show::ended_words;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::words::When;
use crate::{answer, urls, words};

const MOST: u32 = 100;
const WHO: &str = "Choose who wrote it.";
/// People offered for a search.
const OFFERED: usize = 8;

/// Whom one looks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    q: String,
}

/// A message in the list.
#[derive(Clone, Debug, Default)]
struct Row {
    href: String,
    from: String,
    subject: String,
    when: When,
    is_current: bool,
}

/// The message that is decided about.
#[derive(Clone, Debug, Default)]
struct Message {
    from: String,
    address: String,
    subject: String,
    when: When,
    mailbox: String,
    why: String,
    evidence: Vec<String>,
    text: String,
    quoted: String,
    quoted_words: String,
    /// Whom it may come from: id, name, page.
    person_id: String,
    person: String,
    person_href: String,
    /// What is held until someone decides.
    held: String,
    assign: String,
    away: String,
    ignore: String,
    href: String,
    /// Empty while it waits.
    decided: &'static str,
}

#[derive(Template)]
#[template(path = "review/index.html")]
struct Page {
    frame: Frame,
    sub: String,
    rows: Vec<Row>,
    message: Option<Message>,
    typed: Decision,
    /// The first day someone who is away may be back.
    first_day: String,
    offers: Vec<(Choice, String)>,
    errors: FormErrors,
}

/// What was typed when a decision was refused.
#[derive(Clone, Debug, Default)]
struct Decision {
    /// Whom one looks for.
    q: String,
    person_id: String,
    /// The first day back.
    date: String,
}

impl Decision {
    fn of(typed: &Typed) -> Self {
        let text = |name| typed.get(name).to_owned();
        Self { q: text("q"), person_id: text("person_id"), date: text("date") }
    }
}

/// What waits for the visitor, latest first.
pub(super) async fn waiting(tx: &mut Tx, visitor: &Visitor) -> Result<Vec<InboundView>> {
    let own: Vec<_> = visitor.mailboxes.iter().map(|mailbox| mailbox.id).collect();
    let mailboxes = if visitor.actor.acts_for_others() { &[][..] } else { &own[..] };
    if mailboxes.is_empty() && !visitor.actor.acts_for_others() {
        return Ok(Vec::new());
    }
    let filter =
        InboundFilter { open_in_tray: true, mailboxes, seen_by: visitor.seen_by(), ..InboundFilter::default() };
    Ok(inbound::page(tx, filter, None, MOST).await?)
}

fn sender(message: &InboundMessage) -> String {
    if message.from_name.is_empty() { message.from_address.clone() } else { message.from_name.clone() }
}

fn subject(message: &InboundMessage) -> String {
    if message.subject.trim().is_empty() { "No subject".to_owned() } else { message.subject.clone() }
}

fn row(view: &InboundView, shown: Option<InboundId>, visitor: &Visitor) -> Row {
    let message = &view.message;
    Row {
        href: urls::review_message(message.id),
        from: sender(message),
        subject: subject(message),
        when: When::age(message.received_at, visitor.now, &visitor.zone),
        is_current: shown == Some(message.id),
    }
}

const fn matched_words(matched: Option<Match>) -> &'static str {
    match matched {
        Some(Match::Thread) => "It refers to one of your emails and comes from the person you wrote to.",
        Some(Match::Sender) => "It comes from an address of the person, outside the thread.",
        Some(Match::ColleagueInThread) => {
            "It refers to one of your emails and comes from someone else at the same company."
        }
        Some(Match::ThreadFromElsewhere) => "It refers to one of your emails and comes from an address nobody knows.",
        Some(Match::None) | None => "Nothing in it says whom it belongs to.",
    }
}

fn why(message: &InboundMessage) -> String {
    match &message.effect {
        Effect::HoldForReview { why } | Effect::Tray { why } => why.clone(),
        _ => String::new(),
    }
}

async fn held(tx: &mut Tx, person: &Person) -> Result<String> {
    let is_held = |state: &Standing| matches!(state, Standing::Blocked { reason: BlockReason::HeldForReview, .. });
    let all = enrollment_views::of_person(tx, person.id).await?;
    let names: Vec<_> = all
        .iter()
        .filter(|view| is_held(&view.stored.enrollment.state))
        .map(|view| view.sequence_name.as_str())
        .collect();
    Ok(if names.is_empty() { String::new() } else { format!("is held in {} until you decide.", words::list(&names)) })
}

async fn message(tx: &mut Tx, message: InboundMessage, mailbox: String, visitor: &Visitor) -> Result<Message> {
    let person = match message.person_id {
        Some(id) => people::find(tx, id).await?,
        None => None,
    };
    let lines = message.quoted_text.lines().count() as u64;
    let judged = message.judgement.evidence.iter().map(relance_domain::inbound::Evidence::sentence);
    Ok(Message {
        from: sender(&message),
        subject: subject(&message),
        when: When::moment(message.received_at, visitor.now, &visitor.zone, &visitor.zone),
        mailbox,
        why: why(&message),
        evidence: std::iter::once(matched_words(message.matched_by).to_owned()).chain(judged).collect(),
        quoted_words: format!("Quoted text, {}", words::count(lines, "line", "lines")),
        held: match &person {
            Some(person) => held(tx, person).await?,
            None => String::new(),
        },
        person_id: person.as_ref().map(|person| person.id.to_string()).unwrap_or_default(),
        person_href: person.as_ref().map(|person| urls::person(person.id)).unwrap_or_default(),
        person: person.as_ref().map(Person::name).unwrap_or_default(),
        assign: urls::review_action(message.id, "assign"),
        away: urls::review_action(message.id, "away"),
        ignore: urls::review_action(message.id, "ignore"),
        href: urls::review_message(message.id),
        decided: match message.tray {
            Tray::Open => "",
            Tray::Assigned if message.effect.is_absence() => "Someone decided that it is an automatic answer.",
            Tray::Assigned => "Someone decided that it is an answer.",
            Tray::Ignored => "Someone decided that it is no answer.",
            Tray::None => "Nothing had to be decided about this message.",
        },
        address: message.from_address,
        text: message.visible_text,
        quoted: message.quoted_text,
    })
}

async fn draw(
    app: &App,
    visitor: &Visitor,
    id: Option<InboundId>,
    typed: Decision,
    errors: FormErrors,
) -> Result<Page> {
    let mut tx = app.read().await?;
    let all = waiting(&mut tx, visitor).await?;
    let shown = match id {
        Some(id) => Some(readable(app, visitor, id).await?),
        None => all.first().map(|view| (view.message.clone(), view.mailbox_address.clone())),
    };
    let found = if typed.q.trim().is_empty() {
        Vec::new()
    } else {
        people_lists::suggest(&mut tx, &typed.q, None, visitor.sight.owners(), OFFERED).await?
    };
    let current = shown.as_ref().map(|(message, _)| message.id);
    Ok(Page {
        frame: visitor.frame("review"),
        sub: sub(all.len() as u64),
        rows: all.iter().map(|view| row(view, current, visitor)).collect(),
        message: match shown {
            Some((shown, mailbox)) => Some(message(&mut tx, shown, mailbox, visitor).await?),
            None => None,
        },
        typed,
        first_day: visitor.now.zoned(&visitor.zone).date().tomorrow().map(|day| day.to_string()).unwrap_or_default(),
        offers: found.iter().map(offer).collect(),
        errors,
    })
}

fn offer(person: &Person) -> (Choice, String) {
    let parts = [person.fields.organization_name.as_str(), person.fields.email.as_str()];
    let meta: Vec<_> = parts.into_iter().filter(|part| !part.is_empty() && *part != person.name()).collect();
    (Choice::new(person.id, person.name()), meta.join(", "))
}

fn sub(waiting: u64) -> String {
    match waiting {
        0 => "Messages that may be answers, for you to decide.".to_owned(),
        1 => "1 message may be an answer. Whoever it may come from is held until you decide.".to_owned(),
        _ => format!(
            "{} messages may be answers. Whoever they may come from is held until you decide.",
            words::number(waiting)
        ),
    }
}

/// The message, if the visitor may read it, with the mailbox's address.
async fn readable(app: &App, visitor: &Visitor, id: InboundId) -> Result<(InboundMessage, String)> {
    let message = match app.engine.seen_message(&visitor.actor, id).await {
        Err(EngineError::Forbidden(_)) => return Err(PageError::NotFound("message")),
        found => found?,
    };
    let mut tx = app.read().await?;
    let mailbox = mailboxes::find(&mut tx, message.mailbox_id).await?;
    Ok((message, mailbox.map(|mailbox| mailbox.address).unwrap_or_default()))
}

/// The tray with its latest message.
pub async fn index(State(app): State<App>, visitor: Visitor, Query(search): Query<Search>) -> Result<Response> {
    answer::page(
        &draw(&app, &visitor, None, Decision { q: search.q, ..Decision::default() }, FormErrors::default()).await?,
    )
}

/// The tray with one message.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<InboundId>,
    Query(search): Query<Search>,
) -> Result<Response> {
    answer::page(
        &draw(&app, &visitor, Some(id), Decision { q: search.q, ..Decision::default() }, FormErrors::default()).await?,
    )
}

/// It is an answer of the chosen person.
pub async fn assign(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<InboundId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let person: PersonId = match typed.parse("person_id", WHO) {
        Ok(person) => person,
        Err(refused) => return refuse(&app, &visitor, id, &typed, vec![refused]).await,
    };
    let name = people::find(&mut app.read().await?, person).await?.map(|person| person.name()).unwrap_or_default();
    let ended = app.engine.assign_inbound(&visitor.actor, id, person).await;
    answer::outcome(urls::REVIEW, ended, |ended| {
        answer::toast("replied", format!("It is an answer of {name}.{}", ended_words(&ended)))
    })
}

/// It is an automatic answer of the chosen person; what they are in waits until they are back.
pub async fn away(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<InboundId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let person = typed.parse::<PersonId>("person_id", WHO);
    let date = typed.parse::<Date>("date", "Choose the day the person is back.");
    let (person, date) = match (person, date) {
        (Ok(person), Ok(date)) => (person, date),
        (person, date) => {
            let refused = [person.err(), date.err()].into_iter().flatten().collect();
            return refuse(&app, &visitor, id, &typed, refused).await;
        }
    };
    let name = people::find(&mut app.read().await?, person).await?.map(|person| person.name()).unwrap_or_default();
    match app.engine.away_inbound(&visitor.actor, id, person, date).await {
        Err(EngineError::Refused(refused)) if refused.iter().any(|one| one.field.as_deref() == Some("date")) => {
            refuse(&app, &visitor, id, &typed, refused).await
        }
        waiting => answer::outcome(urls::REVIEW, waiting, |waiting| {
            let held = match waiting {
                0 => "Nothing had to wait for it.".to_owned(),
                many => format!("{} until then.", words::count(many, "sequence waits", "sequences wait")),
            };
            answer::toast("paused", format!("{name} is back on {}. {held}", date.strftime("%A %-d %B")))
        }),
    }
}

/// The message once more, with what was typed and what was wrong with it.
async fn refuse(app: &App, visitor: &Visitor, id: InboundId, typed: &Typed, refused: Vec<Refused>) -> Result<Response> {
    answer::refused(&draw(app, visitor, Some(id), Decision::of(typed), FormErrors(refused)).await?)
}

/// It is no answer; what was held goes on.
pub async fn ignore(State(app): State<App>, visitor: Visitor, Path(id): Path<InboundId>) -> Result<Response> {
    let released = app.engine.ignore_inbound(&visitor.actor, id).await;
    answer::outcome(urls::REVIEW, released, |released| {
        let goes_on = match released {
            0 => "Nothing was waiting for it.".to_owned(),
            1 => "One sequence goes on.".to_owned(),
            many => format!("{} sequences go on.", words::number(many)),
        };
        answer::toast("done", format!("It is no answer. {goes_on}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            sub: sub(2),
            rows: vec![Row {
                from: "Pierre Moreau".into(),
                subject: "Re: Cold-chain gaps".into(),
                is_current: true,
                ..Row::default()
            }],
            message: Some(Message {
                from: "Pierre Moreau".into(),
                address: "p.moreau@frigorhone.example".into(),
                subject: "Re: Cold-chain gaps".into(),
                why: "A colleague of the person answered.".into(),
                evidence: vec![
                    matched_words(Some(Match::ColleagueInThread)).into(),
                    "Nothing in it points to a machine.".into(),
                ],
                text: "Théo is on leave, I take over.\n<b>Pierre</b>".into(),
                quoted: "> Hi Théo".into(),
                quoted_words: "Quoted text, 1 line".into(),
                person_id: "per_1".into(),
                person: "Théo Delcourt".into(),
                person_href: "/people/per_1".into(),
                held: "is held in Winter depots until you decide.".into(),
                assign: "/review/inb_1/assign".into(),
                away: "/review/inb_1/away".into(),
                ignore: "/review/inb_1/ignore".into(),
                href: "/review/inb_1".into(),
                ..Message::default()
            }),
            typed: Decision { q: "mor".into(), date: "2026-13-40".into(), ..Decision::default() },
            first_day: "2026-11-24".into(),
            offers: vec![(Choice::new("per_2", "Pierre Moreau"), "Frigo Rhône".into())],
            errors: FormErrors::one("person_id", "Choose who wrote it."),
        }
    }

    #[test]
    fn a_message_is_shown_with_why_it_is_here_and_both_decisions() {
        let html = page().render().expect("a page");
        for words in [
            "It is an answer",
            "Away until",
            "/review/inb_1/away",
            "min=\"2026-11-24\"",
            "Not an answer",
            "someone else at the same company",
            "Quoted text, 1 line",
            "held in Winter depots",
            "value=\"per_2\"",
            "Choose who wrote it.",
            "/review/inb_1/ignore",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("<b>Pierre</b>"), "received words are never markup");
    }

    #[test]
    fn an_automatic_answer_is_said_with_the_day_the_person_is_back() {
        let typed = Decision { date: "2026-11-23".into(), ..Decision::default() };
        let html =
            Page { typed, errors: FormErrors::one("date", "Choose a later day."), ..page() }.render().expect("a page");
        for words in ["It is an automatic answer", "name=\"date\"", "value=\"2026-11-23\"", "Choose a later day."] {
            assert!(html.contains(words), "{words}");
        }
    }

    #[test]
    fn without_a_person_one_is_chosen_and_a_decided_message_offers_nothing() {
        let mut page = page();
        page.message = page.message.map(|message| Message {
            person_id: String::new(),
            person: String::new(),
            held: String::new(),
            ..message
        });
        let html = page.render().expect("a page");
        assert!(html.contains("Find who wrote it") && html.contains("It is an automatic answer of this person"));
        page.message =
            page.message.map(|message| Message { decided: "Someone decided that it is no answer.", ..message });
        let html = page.render().expect("a page");
        assert!(html.contains("no answer") && !html.contains("/review/inb_1/assign"));
    }

    #[test]
    fn an_empty_tray_says_what_comes_here() {
        let html = Page { rows: Vec::new(), message: None, sub: sub(0), ..page() }.render().expect("a page");
        assert!(html.contains("Nothing to decide"));
    }
}
