//! Sequences: the list, and one page with tabs for steps, people, settings and history.
//!
//! Only admins write; others read the same pages without forms. What a sequence may say is judged by the engine; a
//! refusal stands at its field.

pub mod actions;
mod head;
pub mod history;
pub mod people;
pub mod publish;
pub mod settings;
pub mod step_actions;
pub(crate) mod step_form;
pub mod steps;
pub mod test;
mod timeline;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::SequenceId;
use relance_domain::sequence::{Sequence, SequenceState, UsableBy};
use relance_storage::Tx;
use relance_storage::sequences::{self, SequenceCounts, SequenceFilter};
use serde::Deserialize;

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::Query;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Rows of a page.
const ROWS: u32 = 100;

/// What is searched.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    q: String,
    state: String,
    folder: String,
    /// Name and id of the last row shown, with a line between.
    after: String,
}

impl Search {
    fn after(&self) -> Option<(&str, SequenceId)> {
        let (name, id) = self.after.rsplit_once('|')?;
        Some((name, id.parse().ok()?))
    }

    fn is_empty(&self) -> bool {
        self.q.is_empty() && self.state.is_empty() && self.folder.is_empty()
    }
}

/// A row.
#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    folder: String,
    /// Only some may use it.
    is_kept: bool,
    href: String,
    state: &'static str,
    word: &'static str,
    steps: String,
    active: String,
    blocked: String,
    completed: String,
    has_blocked: bool,
    /// Replies of a hundred people who are through; `None` as long as nobody is.
    reply_rate: Option<u32>,
    edited: words::When,
}

#[derive(Template)]
#[template(path = "sequences/index.html")]
struct Page {
    frame: Frame,
    search: Search,
    rows: Vec<Row>,
    next: String,
    folders: Vec<String>,
    may_write: bool,
}

impl Page {
    const fn states() -> [(&'static str, &'static str); 3] {
        [("draft", "Drafts"), ("active", "Active"), ("archived", "Archived")]
    }
}

/// The list.
pub async fn index(State(app): State<App>, visitor: Visitor, Query(search): Query<Search>) -> Result<Response> {
    let mut tx = app.read().await?;
    let states: Vec<_> = SequenceState::parse(&search.state).into_iter().collect();
    let filter = SequenceFilter { search: &search.q, states: &states, folder: &search.folder };
    let mut found = sequences::page(&mut tx, filter, search.after(), ROWS + 1).await?;
    let more = found.len() > ROWS as usize;
    found.truncate(ROWS as usize);
    let last = found.last().filter(|_| more).map(|(sequence, _)| format!("{}|{}", sequence.name, sequence.id));
    let query = |after: &str| {
        let asked = [("q", &*search.q), ("state", &search.state), ("folder", &search.folder), ("after", after)];
        urls::with_query(urls::SEQUENCES, &asked)
    };
    answer::page(&Page {
        frame: visitor.frame("sequences"),
        next: last.map(|last| query(&last)).unwrap_or_default(),
        rows: found.iter().map(|(sequence, counts)| row(sequence, *counts, &visitor)).collect(),
        folders: sequences::folders(&mut tx).await?,
        may_write: visitor.actor.is_admin(),
        search,
    })
}

fn row(sequence: &Sequence, counts: SequenceCounts, visitor: &Visitor) -> Row {
    let (state, word) = state_words(sequence);
    Row {
        name: sequence.name.clone(),
        folder: sequence.folder.clone(),
        is_kept: sequence.usable_by != UsableBy::Everyone,
        href: urls::sequence(sequence.id),
        state,
        word,
        steps: words::number(sequence.draft.steps.len()),
        active: words::number(counts.active + counts.paused),
        blocked: words::number(counts.blocked),
        completed: words::number(counts.finished),
        has_blocked: counts.blocked > 0,
        reply_rate: (counts.finished > 0).then(|| (counts.replied * 100 + counts.finished / 2) / counts.finished),
        edited: words::When::age(sequence.updated_at, visitor.now, &visitor.zone),
    }
}

/// The state as icon name and word.
fn state_words(sequence: &Sequence) -> (&'static str, &'static str) {
    match (sequence.state, sequence.paused_at) {
        (SequenceState::Archived, _) => ("archived", "Archived"),
        (_, Some(_)) => ("paused", "Paused"),
        (SequenceState::Draft, None) => ("draft", "Draft"),
        (SequenceState::Active, None) => ("active", "Active"),
    }
}

/// The units of a wait for a list of choices.
pub const fn units() -> [(relance_domain::step::WaitUnit, &'static str, &'static str); 4] {
    step_form::UNITS
}

/// The kinds of steps that can be added, with their icons and words.
pub const fn kinds_of_steps() -> [(&'static str, &'static str, &'static str); 3] {
    step_form::STEPS
}

/// What happens while a task is open, for a list of choices.
pub fn modes() -> [(&'static str, &'static str); 3] {
    step_form::MODES.map(|(_, name, label, _)| (name, label))
}

/// HTML and text of a form's body.
pub fn body_of(typed: &super::form::Typed) -> (String, String) {
    step_form::body(typed)
}

pub(super) use actions::on_their_way;
pub(super) use step_form::{html_of, put_body};
pub(super) use timeline::template_name;

/// The sequence, or *not found*.
async fn find(tx: &mut Tx, id: SequenceId) -> Result<Sequence> {
    let found = sequences::find(tx, id).await?.filter(|_| id != relance_domain::task::EMAILS);
    found.ok_or(PageError::NotFound("sequence"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_shows_counts_and_replies_and_an_empty_page_says_what_will_be_here() {
        let row = Row {
            name: "Winter depots".into(),
            folder: "Prospecting".into(),
            is_kept: true,
            href: "/sequences/seq_1".into(),
            state: "active",
            word: "Active",
            steps: "5".into(),
            active: "214".into(),
            blocked: "3".into(),
            completed: "41".into(),
            has_blocked: true,
            reply_rate: Some(17),
            edited: words::When { words: "2 h ago".into(), ..words::When::default() },
        };
        let mut page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            search: Search::default(),
            rows: vec![row],
            next: "/sequences?after=x".into(),
            folders: vec!["Prospecting".into()],
            may_write: true,
        };
        let html = page.render().expect("a page");
        for words in
            ["Winter depots", "214", "17 %", "New sequence", "rel=\"next\"", "Prospecting", "Only some may use it"]
        {
            assert!(html.contains(words), "{words}");
        }
        page.rows.clear();
        page.next.clear();
        assert!(page.render().expect("a page").contains("No sequences yet"));
        page.search.q = "x".into();
        page.may_write = false;
        let html = page.render().expect("a page");
        assert!(html.contains("Nothing found") && !html.contains("New sequence"));
    }

    #[test]
    fn a_cursor_is_read_back_even_from_a_name_with_a_line() {
        let id = SequenceId::from_uuid(uuid::Uuid::from_u128(7));
        let search = Search { after: format!("A|B|{id}"), ..Search::default() };
        assert_eq!(search.after(), Some(("A|B", id)));
        assert_eq!(Search::default().after(), None);
    }
}
