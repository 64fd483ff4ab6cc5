//! *Review and publish*: what the draft changes, what that does to those who are enrolled, and who follows it.
//!
//! The preview is a dialog whose numbers open the people behind them. Nothing happens before the form is sent; a draft
//! that was changed meanwhile is shown again instead of being published.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::SequenceId;
use relance_domain::lint::{self, Severity};
use relance_domain::publishing::Enrolled;
use relance_domain::sequence::{Plan, Sequence, SequenceState};
use relance_engine::EngineError;
use relance_engine::commands::bulk::BulkDone;
use relance_engine::commands::impact::{GoesOn, Impact, ImpactRow, MOST_JUDGED};
use relance_engine::commands::publish::{Published, Publishing};
use relance_storage::sequences;
use serde::Deserialize;

use super::head;
use super::step_form;
use super::steps::{self, Wanted};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::version_changes::differences;
use crate::{answer, urls, words};

/// People of one page of the dialog.
const ROWS: usize = 50;

/// Which people are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    show: String,
    page: usize,
}

/// A number with the people behind it.
#[derive(Clone, Debug, Default)]
struct Tile {
    href: String,
    number: String,
    words: &'static str,
    state: &'static str,
    chip: &'static str,
    is_chosen: bool,
}

/// Who waits for one step.
#[derive(Clone, Debug, Default)]
struct StepRow {
    was: String,
    label: String,
    people: String,
    detail: String,
    becomes: String,
    is_gone: bool,
}

/// One person.
#[derive(Clone, Debug, Default)]
struct PersonRow {
    name: String,
    href: String,
    enrollment: String,
    from: String,
    to: String,
    words: String,
    before: Option<words::When>,
    after: Option<words::When>,
}

#[derive(Template)]
#[template(path = "sequences/publish.html")]
struct Page {
    frame: Frame,
    title: String,
    name: String,
    action: String,
    back: String,
    error: String,
    draft: u32,
    changes: Vec<String>,
    findings: Vec<String>,
    is_first: bool,
    is_new: bool,
    /// The choice has *new people only*.
    offers_keep: bool,
    /// There is something to do.
    may_send: bool,
    button: String,
    enrolled: &'static str,
    ongoing: String,
    moved: String,
    cut: String,
    today: String,
    standing: Vec<StepRow>,
    tiles: Vec<Tile>,
    shown: &'static str,
    rows: Vec<PersonRow>,
    place: String,
    previous: String,
    next: String,
}

fn belongs(row: &ImpactRow, show: &str) -> bool {
    match show {
        "moves" => matches!(row.goes_on, GoesOn::Moves { .. }),
        "completes" => matches!(row.goes_on, GoesOn::Completes),
        "words" => row.changes_words,
        "dates" => row.changes_date,
        "today" => row.leaves_today,
        "keeps" => matches!(row.goes_on, GoesOn::Keeps { .. }),
        _ => true,
    }
}

const SHOWN: [(&str, &str); 7] = [
    ("all", "Everyone who would be moved"),
    ("moves", "Go on with another step"),
    ("completes", "Would be completed"),
    ("words", "Get other words next"),
    ("dates", "Are due at another time"),
    ("today", "An email would leave today"),
    ("keeps", "Keep their version"),
];

fn tiles(id: SequenceId, impact: &Impact, show: &str) -> Vec<Tile> {
    let tile = |value: &'static str, number: u64, words, state, chip| Tile {
        href: urls::with_query(&urls::publish(id), &[("show", value)]),
        number: words::number(number),
        words,
        state,
        chip,
        is_chosen: show == value,
    };
    let today = impact.rows.iter().filter(|row| row.leaves_today).count() as u64;
    let mut tiles = vec![
        tile("moves", impact.moves, "Their step is gone; the next one follows", "waiting", "Other step"),
        tile("completes", impact.completes, "Their step is gone and none is left", "completed", "Completed"),
        tile("words", impact.words, "Their next email says something else", "waiting", "Other words"),
        tile("dates", impact.dates, "What comes next is due at another time", "waiting", "Other date"),
        tile("today", today, "An email leaves today", "active", "Leaves today"),
    ];
    if impact.keeps > 0 {
        tiles.push(tile("keeps", impact.keeps, "They stay, whatever you choose", "uncertain", "Keep theirs"));
    }
    tiles
}

fn step_rows(impact: &Impact) -> Vec<StepRow> {
    let row = |step: &relance_engine::commands::impact::ImpactStep| {
        let held = [(step.paused, "paused"), (step.blocked, "blocked")];
        let detail: Vec<String> = held.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        StepRow {
            was: format!("Step {}", step.was),
            label: step.label.clone(),
            people: words::number(step.all()),
            detail: detail.join(", "),
            becomes: match step.position {
                None => "Gone".to_owned(),
                Some(position) if position == step.was => "Stays".to_owned(),
                Some(position) => format!("Becomes step {position}"),
            },
            is_gone: step.position.is_none(),
        }
    };
    impact.steps.iter().map(row).collect()
}

fn person_row(row: &ImpactRow, visitor: &Visitor) -> PersonRow {
    let when = |at| words::When::moment(at, visitor.now, &visitor.zone, &visitor.zone);
    let to = match &row.goes_on {
        GoesOn::Stays => "Stays".to_owned(),
        GoesOn::Moves { to } => format!("Step {to}"),
        GoesOn::Completes => "Completed".to_owned(),
        GoesOn::Keeps { .. } => "Keeps its version".to_owned(),
    };
    let words = match &row.goes_on {
        GoesOn::Keeps { why } => why.clone(),
        _ if row.changes_words => "Other words next".to_owned(),
        _ => String::new(),
    };
    PersonRow {
        name: row.name.clone(),
        href: urls::person(row.person_id),
        enrollment: urls::enrollment(row.enrollment_id),
        from: format!("Step {}, {}", row.from, row.state),
        to,
        words,
        before: row.due_before.map(when),
        after: row.due_after.filter(|_| row.changes_date).map(when),
    }
}

fn today_words(impact: &Impact) -> String {
    let emails = |n| words::count(n, "email", "emails");
    match (impact.today_before, impact.today_after) {
        (0, 0) => String::new(),
        (before, after) if before == after => format!("{} leave today, with or without it.", emails(before)),
        (before, after) => format!("{} would leave today; as it is, {before}.", emails(after)),
    }
}

struct Asked {
    shown: Shown,
    enrolled: Enrolled,
    error: String,
}

async fn draw(app: &App, visitor: &Visitor, id: SequenceId, asked: Asked) -> Result<Page> {
    let impact = app.engine.impact(&visitor.actor, id, None).await?;
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    let draft = head::resolved(&mut tx, &sequence).await?;
    let live = match sequence.version_id {
        Some(version) => sequences::find_version(&mut tx, version).await?.map(|version| version.plan),
        None => None,
    };
    drop(tx);
    let shown = SHOWN.iter().find(|(value, _)| *value == asked.shown.show).unwrap_or(&SHOWN[0]);
    let rows: Vec<&ImpactRow> = impact.rows.iter().filter(|row| belongs(row, shown.0)).collect();
    let from = asked.shown.page.saturating_mul(ROWS).min(rows.len());
    let to = (from + ROWS).min(rows.len());
    let page = |page: usize| urls::with_query(&urls::publish(id), &[("show", shown.0), ("page", &page.to_string())]);
    Ok(Page {
        frame: visitor.frame("sequences"),
        title: title(&sequence, &impact),
        name: sequence.name.clone(),
        action: urls::sequence_action(id, "activate"),
        back: urls::sequence(id),
        error: asked.error,
        draft: impact.draft_number,
        changes: changes(live.as_ref(), &draft),
        findings: findings(&draft, visitor),
        is_first: live.is_none(),
        is_new: impact.is_new,
        offers_keep: impact.is_new || sequence.state != SequenceState::Active,
        may_send: impact.is_new || impact.judged > 0 || sequence.state != SequenceState::Active,
        button: button(&sequence, &impact),
        enrolled: asked.enrolled.as_str(),
        ongoing: if impact.ongoing == 0 { String::new() } else { words::people(impact.ongoing) },
        moved: if impact.judged == 0 { String::new() } else { words::people(impact.judged) },
        cut: if impact.judged == u64::from(MOST_JUDGED) && impact.ongoing > impact.judged {
            format!("The numbers below are of the first {}.", words::number(impact.judged))
        } else {
            String::new()
        },
        today: today_words(&impact),
        standing: step_rows(&impact),
        tiles: tiles(id, &impact, shown.0),
        shown: shown.1,
        place: if rows.is_empty() {
            String::new()
        } else {
            format!("{} to {to} of {}", from + 1, words::number(rows.len()))
        },
        previous: if from > 0 { page(asked.shown.page - 1) } else { String::new() },
        next: if to < rows.len() { page(asked.shown.page + 1) } else { String::new() },
        rows: rows[from..to].iter().map(|row| person_row(row, visitor)).collect(),
    })
}

fn changes(live: Option<&Plan>, draft: &Plan) -> Vec<String> {
    live.map_or_else(Vec::new, |live| differences(live, draft))
}

/// What is probably a mistake in the emails, by step.
fn findings(draft: &Plan, visitor: &Visitor) -> Vec<String> {
    let found = lint::plan(draft, !visitor.workspace.postal_address.trim().is_empty());
    let mistakes = found.into_iter().filter(|(_, finding)| finding.severity != Severity::Hint);
    mistakes
        .map(|(step, finding)| {
            format!("Step {}: {} {}", draft.position(step).unwrap_or(0), finding.message, finding.cure)
        })
        .take(12)
        .collect()
}

fn title(sequence: &Sequence, impact: &Impact) -> String {
    match (sequence.state, impact.is_new) {
        (SequenceState::Draft, _) => "Activate this sequence".to_owned(),
        (SequenceState::Archived, _) => "Activate it again".to_owned(),
        (SequenceState::Active, true) => "Review and publish".to_owned(),
        (SequenceState::Active, false) => format!("Move people to version {}", sequence.version),
    }
}

fn button(sequence: &Sequence, impact: &Impact) -> String {
    match (sequence.state, impact.is_new) {
        (SequenceState::Active, true) => format!("Publish version {}", sequence.version + 1),
        (SequenceState::Active, false) => "Move them".to_owned(),
        _ => "Activate".to_owned(),
    }
}

/// The draft has gaps: its first one is opened, with what is missing.
async fn gaps(app: &App, visitor: &Visitor, id: SequenceId, error: PageError) -> Result<Response> {
    let FormErrors(refused) = error.refused()?;
    let first = refused.iter().find_map(|refused| step_form::step_number(refused.field.as_deref()?));
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    drop(tx);
    let step = first.and_then(|number| sequence.draft.steps.get(number - 1)).map(|step| step.id);
    answer::refused(&steps::draw(app, visitor, id, Wanted { step, refused, ..Wanted::default() }).await?)
}

/// The dialog.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<SequenceId>,
    Query(shown): Query<Shown>,
) -> Result<Response> {
    visitor.must_be_admin("publish sequences")?;
    match draw(&app, &visitor, id, Asked { shown, enrolled: Enrolled::Keep, error: String::new() }).await {
        Ok(page) => answer::page(&page),
        Err(error) => gaps(&app, &visitor, id, error).await,
    }
}

/// Publishes the draft that was reviewed.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<SequenceId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let enrolled = Enrolled::parse(typed.get("enrolled")).unwrap_or_default();
    let how = Publishing { enrolled, draft_number: typed.get("draft").parse().ok() };
    match app.engine.publish_sequence(&visitor.actor, id, how).await {
        Ok(published) => Ok(said(id, &published)),
        Err(EngineError::Refused(refused)) if refused.iter().any(|refused| refused.code == "changed_meanwhile") => {
            let error = refused.first().map(|refused| refused.message.clone()).unwrap_or_default();
            let asked = Asked { shown: Shown::default(), enrolled, error };
            answer::refused(&draw(&app, &visitor, id, asked).await?)
        }
        Err(error) => gaps(&app, &visitor, id, error.into()).await,
    }
}

/// Where to go after publishing, and what was done.
fn said(id: SequenceId, published: &Published) -> Response {
    let back = urls::sequence(id);
    let version = published.sequence.version;
    let Some((job, done)) = &published.moved else {
        let words = format!("Version {version} is live for new people.");
        return answer::said(&back, &answer::toast("active", words));
    };
    let from = [("back", back.as_str())];
    let BulkDone::Rows(rows) = done else { return answer::go(&urls::with_query(&urls::job(*job), &from)) };
    let moved = rows.iter().filter(|row| row.refused.is_none()).count();
    if moved < rows.len() {
        return answer::go(&urls::with_query(&urls::job_report(*job), &from));
    }
    let mut toast =
        answer::toast("active", format!("Version {version} is live, also for {}.", words::people(moved as u64)));
    toast.undo = urls::with_query(&urls::undo_job(*job), &from);
    answer::said(&back, &toast)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let tile = Tile { href: "/sequences/seq_1/publish?show=moves".into(), number: "12".into(), ..Tile::default() };
        let step = StepRow {
            was: "Step 2".into(),
            label: "One number".into(),
            becomes: "Gone".into(),
            is_gone: true,
            ..StepRow::default()
        };
        let row = PersonRow {
            name: "Maya Okafor".into(),
            from: "Step 2, active".into(),
            to: "Step 3".into(),
            ..PersonRow::default()
        };
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Review and publish".into(),
            name: "Winter depots".into(),
            action: "/sequences/seq_1/activate".into(),
            back: "/sequences/seq_1".into(),
            error: "The draft was changed since you looked at it.".into(),
            draft: 7,
            changes: vec!["Step 2 is new: One number.".into()],
            findings: vec!["Step 2: One link without https.".into()],
            is_first: false,
            is_new: true,
            offers_keep: true,
            may_send: true,
            button: "Publish version 8".into(),
            enrolled: "keep",
            ongoing: "214 people".into(),
            moved: "214 people".into(),
            cut: String::new(),
            today: "3 emails would leave today; as it is, 1.".into(),
            standing: vec![step],
            tiles: vec![tile],
            shown: "Go on with another step",
            rows: vec![row],
            place: "1 to 1 of 1".into(),
            previous: String::new(),
            next: "/sequences/seq_1/publish?page=1".into(),
        }
    }

    #[test]
    fn the_preview_shows_the_numbers_the_people_behind_them_and_the_choice() {
        let html = page().render().expect("a page");
        for words in [
            "The draft was changed since",
            "Step 2 is new: One number.",
            "Step 2: One link without https.",
            "214 people",
            "Maya Okafor",
            "3 emails would leave today",
            "value=\"keep\" checked",
            "value=\"move\"",
            "Publish version 8",
            "name=\"draft\" value=\"7\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }

    #[test]
    fn before_anyone_is_enrolled_there_is_nothing_to_choose() {
        let mut first = page();
        (first.ongoing, first.moved, first.is_first) = (String::new(), String::new(), true);
        let html = first.render().expect("a page");
        assert!(!html.contains("value=\"move\"") && html.contains("Nobody is on it yet"));
    }
}
