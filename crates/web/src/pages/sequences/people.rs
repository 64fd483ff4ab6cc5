//! Who is or was on a sequence, and where each stands.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::enrollment::State as EnrollmentState;
use relance_domain::{EnrollmentId, SequenceId};
use relance_storage::enrollment_views::{self, EnrollmentCounts, EnrollmentFilter, EnrollmentView};
use serde::Deserialize;

use super::head::{self, Head};
use crate::app::App;
use crate::errors::Result;
use crate::extract::{Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

const ROWS: u32 = 50;

/// Which part is shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    state: String,
    after: String,
}

#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    href: String,
    enrollment: String,
    state: &'static str,
    word: &'static str,
    detail: String,
    version: String,
    actor: String,
    when: Option<words::When>,
}

#[derive(Template)]
#[template(path = "sequences/people.html")]
struct Page {
    frame: Frame,
    head: Head,
    tab: &'static str,
    parts: Vec<Part>,
    rows: Vec<Row>,
    next: String,
}

#[derive(Clone, Debug, Default)]
struct Part {
    label: &'static str,
    href: String,
    count: String,
    is_current: bool,
}

fn parts(id: SequenceId, counts: EnrollmentCounts, shown: &str) -> Vec<Part> {
    let all = counts.active + counts.paused + counts.blocked + counts.completed;
    let part = |label, state: &str, number: u32| Part {
        label,
        href: urls::with_query(&urls::sequence_tab(id, "people"), &[("state", state)]),
        count: words::number(number),
        is_current: shown == state,
    };
    vec![
        part("All", "", all),
        part("Active", "active", counts.active),
        part("Paused", "paused", counts.paused),
        part("Blocked", "blocked", counts.blocked),
        part("Completed", "completed", counts.completed),
    ]
}

fn row(view: EnrollmentView, visitor: &Visitor) -> Row {
    let enrollment = &view.stored.enrollment;
    let (state, word) = match &enrollment.state {
        EnrollmentState::Active { .. } => ("active", "Active"),
        EnrollmentState::Paused { .. } => ("paused", "Paused"),
        EnrollmentState::Blocked { .. } => ("blocked", "Blocked"),
        EnrollmentState::Finished { .. } => ("completed", "Completed"),
    };
    let (detail, at) = match &enrollment.state {
        EnrollmentState::Active { due, .. } => ("Next step due".to_owned(), Some(*due)),
        EnrollmentState::Paused { until, .. } => {
            (if until.is_some() { "Until" } else { "Until someone resumes" }.to_owned(), *until)
        }
        EnrollmentState::Blocked { reason, .. } => (reason.sentence(), None),
        EnrollmentState::Finished { reason, at } => (format!("Ended because {}", reason.words()), Some(*at)),
    };
    Row {
        name: view.person_name,
        href: urls::person(enrollment.person_id),
        enrollment: urls::enrollment(enrollment.id),
        state,
        word,
        detail,
        version: view.version.to_string(),
        actor: view.actor_name,
        when: at.map(|at| words::When::moment(at, visitor.now, &visitor.zone, &visitor.zone)),
    }
}

/// The tab.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<SequenceId>,
    Query(shown): Query<Shown>,
) -> Result<Response> {
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    let states: Vec<_> = Some(shown.state.as_str()).filter(|state| !state.is_empty()).into_iter().collect();
    let of_sequence =
        EnrollmentFilter { sequence: Some(id), seen_by: visitor.seen_by(), ..EnrollmentFilter::default() };
    let filter = EnrollmentFilter { states: &states, ..of_sequence };
    let mut found = enrollment_views::page(&mut tx, filter, shown.after.parse::<EnrollmentId>().ok(), ROWS + 1).await?;
    let more = found.len() > ROWS as usize;
    found.truncate(ROWS as usize);
    let last = found.last().filter(|_| more).map(|view| view.stored.enrollment.id.to_string());
    let tab = urls::sequence_tab(id, "people");
    answer::page(&Page {
        frame: visitor.frame("sequences"),
        head: head::read(&mut tx, &visitor, &sequence).await?,
        tab: "people",
        parts: parts(id, enrollment_views::counts(&mut tx, of_sequence).await?, &shown.state),
        next: last.map(|last| urls::with_query(&tab, &[("state", &shown.state), ("after", &last)])).unwrap_or_default(),
        rows: found.into_iter().map(|view| row(view, &visitor)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_a_sequence_are_listed_with_their_state_and_nobody_is_said_so() {
        let id = SequenceId::from_uuid(uuid::Uuid::from_u128(1));
        let row = Row {
            name: "Maya Okafor".into(),
            href: "/people/per_1".into(),
            state: "blocked",
            word: "Blocked",
            detail: "Gmail refused the password.".into(),
            version: "7".into(),
            ..Row::default()
        };
        let mut page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            head: Head { name: "Winter depots".into(), ..Head::default() },
            tab: "people",
            parts: parts(id, EnrollmentCounts { blocked: 1, ..EnrollmentCounts::default() }, "blocked"),
            rows: vec![row],
            next: String::new(),
        };
        let html = page.render().expect("a page");
        assert!(
            html.contains("Maya Okafor")
                && html.contains("Gmail refused the password.")
                && html.contains("?state=blocked")
        );
        page.rows.clear();
        assert!(page.render().expect("a page").contains("Nobody"));
    }
}
