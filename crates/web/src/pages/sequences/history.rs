//! The versions of a sequence: what each says, who published it, and what it changed.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::sequence::{Plan, Version};
use relance_domain::step::Step;
use relance_domain::{SequenceId, VersionId};
use relance_storage::{Tx, enrollment_moves, sequences, users};

use super::head::{self, Head};
use super::timeline;
use crate::app::App;
use crate::errors::Result;
use crate::extract::Path;
use crate::frame::Frame;
use crate::pages::schedule;
use crate::session::Visitor;
use crate::version_changes::differences;
use crate::{answer, urls, words};

#[derive(Clone, Debug, Default)]
struct StepLine {
    wait: String,
    icon: &'static str,
    title: String,
    meta: String,
}

#[derive(Clone, Debug, Default)]
struct Row {
    number: u32,
    is_live: bool,
    by: String,
    when: words::When,
    changes: Vec<String>,
    steps: Vec<StepLine>,
    schedule: String,
    /// Who follows it now, in words; empty for nobody.
    people: String,
    /// They can be moved to the live version: where that is decided.
    move_them: String,
}

#[derive(Template)]
#[template(path = "sequences/history.html")]
struct Page {
    frame: Frame,
    head: Head,
    tab: &'static str,
    rows: Vec<Row>,
}

/// The tab.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<SequenceId>) -> Result<Response> {
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    let head = head::read(&mut tx, &visitor, &sequence).await?;
    let mut versions = sequences::versions(&mut tx, id).await?;
    versions.sort_by_key(|version| version.number);
    let rows = rows(&mut tx, &visitor, &versions, sequence.version_id).await?;
    answer::page(&Page { frame: visitor.frame("sequences"), head, tab: "history", rows })
}

async fn rows(tx: &mut Tx, visitor: &Visitor, versions: &[Version], live: Option<VersionId>) -> Result<Vec<Row>> {
    let mut follow: HashMap<VersionId, u64> = HashMap::new();
    if let Some(version) = versions.first() {
        for row in enrollment_moves::standing(tx, version.sequence_id).await? {
            *follow.entry(row.version_id).or_default() += u64::from(row.active + row.paused + row.blocked);
        }
    }
    let users = users::list(tx).await?;
    let name = |id| {
        users.iter().find(|user| Some(user.id) == id).map_or_else(|| "Relance".to_owned(), |user| user.name.clone())
    };
    let mut before: Option<&Plan> = None;
    let mut rows = Vec::with_capacity(versions.len());
    for version in versions {
        let is_live = live == Some(version.id);
        let people = follow.get(&version.id).copied().unwrap_or(0);
        let may_move = people > 0 && !is_live && visitor.actor.is_admin();
        rows.push(Row {
            number: version.number,
            is_live,
            people: match people {
                0 => String::new(),
                1 => "1 person follows it".to_owned(),
                n => format!("{} follow it", words::people(n)),
            },
            move_them: if may_move { urls::publish(version.sequence_id) } else { String::new() },
            by: name(version.published_by),
            when: words::When::moment(version.published_at, visitor.now, &visitor.zone, &visitor.zone),
            changes: before.map(|before| differences(before, &version.plan)).unwrap_or_default(),
            steps: version
                .plan
                .steps
                .iter()
                .enumerate()
                .map(|(index, step)| line(&version.plan, index, step))
                .collect(),
            schedule: schedule::sentence(version.plan.schedule.as_ref()),
        });
        before = Some(&version.plan);
    }
    rows.reverse();
    Ok(rows)
}

fn line(plan: &Plan, index: usize, step: &Step) -> StepLine {
    StepLine {
        wait: if index == 0 && step.wait.amount == 0 { String::new() } else { step.wait.words() },
        icon: timeline::icon(step),
        title: format!("{}. {}", index + 1, timeline::kind_words(plan, index, step)),
        meta: timeline::meta(step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_listed_and_before_the_first_it_says_so() {
        let row = Row {
            number: 7,
            is_live: true,
            by: "Nora Lindqvist".into(),
            people: "12 people follow it".into(),
            move_them: "/sequences/seq_1/publish".into(),
            changes: vec!["Step 2 is new.".into()],
            steps: vec![StepLine {
                title: "1. First email".into(),
                wait: "2 days".into(),
                icon: "mail",
                ..StepLine::default()
            }],
            ..Row::default()
        };
        let mut page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            head: Head { name: "Winter depots".into(), ..Head::default() },
            tab: "history",
            rows: vec![row],
        };
        let html = page.render().expect("a page");
        for words in ["Version 7", "Nora Lindqvist", "Step 2 is new.", "1. First email", "Live", "12 people follow it"]
        {
            assert!(html.contains(words), "{words}");
        }
        page.rows.clear();
        assert!(page.render().expect("a page").contains("No versions yet"));
    }
}
