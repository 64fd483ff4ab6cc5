//! What became of a few people, as a dialog after a bulk action; and taking it back.
//!
//! It is drawn from the stored rows of the job, so that it is there again after the page was closed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::JobId;
use relance_engine::commands::bulk::{BulkAction, BulkDone};
use relance_engine::commands::bulk_undo::action_of;
use relance_storage::jobs::{self, Job};
use relance_storage::sequences;

use super::{Behind, MOST_ROWS, Row, came_from, find, is_running, rows_of, undo_href};
use crate::app::App;
use crate::errors::Result;
use crate::extract::{Path, Query};
use crate::frame::Frame;
use crate::pages::people::bulk::done_words;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// What became of a few people, each refused one with its reason: a dialog after a bulk action.
#[derive(Template)]
#[template(path = "people/bulk_done.html")]
struct ReportPage {
    frame: Frame,
    title: String,
    back: String,
    undo: String,
    done: String,
    refused: String,
    rows: Vec<Row>,
    merged: Vec<Row>,
    is_cut: bool,
    page: String,
}

/// *Stopped the sequences of 8 people*, *Winter depots started for 12 people*.
async fn title(app: &App, job: &Job) -> Result<String> {
    let done = usize::try_from(job.done_count).unwrap_or_default();
    Ok(match action_of(job) {
        Some(_) if done == 0 => "Nothing was changed".to_owned(),
        Some(BulkAction::Enroll { request, .. }) => {
            let sequence = sequences::find(&mut app.read().await?, request.sequence_id).await?;
            let name = sequence.map_or_else(|| "The sequence".to_owned(), |sequence| sequence.name);
            format!("{name} started for {}", words::people(done as u64))
        }
        Some(action) => done_words(&action, done),
        None => job.title.clone(),
    })
}

/// What a bulk action did, as a dialog.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<JobId>,
    Query(behind): Query<Behind>,
) -> Result<Response> {
    let job = find(&app, &visitor, id).await?;
    if is_running(&job) {
        return Ok(answer::go(&urls::with_query(&urls::job(id), &[("back", &behind.back)])));
    }
    let (rows, merged) = (rows_of(&app, id, "refused").await?, rows_of(&app, id, "merged").await?);
    let title = title(&app, &job).await?;
    let back = came_from(&job, &behind.back);
    answer::page(&ReportPage {
        frame: visitor.frame("leads"),
        title,
        undo: undo_href(&job, &back),
        back,
        done: words::number(job.done_count),
        refused: words::number(job.refused_count),
        is_cut: rows.len() >= MOST_ROWS || merged.len() >= MOST_ROWS,
        rows,
        merged,
        page: urls::job(id),
    })
}

/// Takes a bulk action back.
pub async fn undo(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<JobId>,
    Query(behind): Query<Behind>,
) -> Result<Response> {
    let job = find(&app, &visitor, id).await?;
    let back = came_from(&job, &behind.back);
    let (undo, done) = match app.engine.undo_bulk(&visitor.actor, id).await {
        Ok(undone) => undone,
        Err(error) => return answer::outcome(&back, Err::<(), _>(error), |()| answer::toast("done", "")),
    };
    let BulkDone::Rows(rows) = done else {
        return Ok(answer::go(&urls::with_query(&urls::job(undo), &[("back", &back)])));
    };
    let counts = jobs::find(&mut app.read().await?, undo).await?;
    let refused = counts.as_ref().map_or(rows.len() as i64, |job| job.refused_count);
    if refused > 0 {
        return Ok(answer::go(&urls::with_query(&urls::job_report(undo), &[("back", &back)])));
    }
    let words = match action_of(&job) {
        Some(BulkAction::OfTasks { .. }) => {
            let done = counts.map_or(0, |job| job.done_count.unsigned_abs());
            format!("Undone for {}.", words::count(done, "task", "tasks"))
        }
        _ => format!("Undone for {}.", words::people(rows.len() as u64)),
    };
    Ok(answer::said(&back, &answer::toast("done", words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_each_row_and_can_be_undone() {
        let row = |name: &str, reason: &str| Row { name: name.into(), reason: reason.into(), ..Row::default() };
        let report = ReportPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Tagged 4 people".into(),
            back: "/leads".into(),
            undo: "/jobs/job_1/undo".into(),
            done: "4".into(),
            refused: "1".into(),
            rows: vec![row("Ben Hallam", "This address has no domain.")],
            merged: vec![row("Ann Lee", "Merged into Ann L.")],
            is_cut: true,
            page: "/jobs/job_1".into(),
        };
        let html = report.render().expect("a page");
        for words in
            ["Ben Hallam", "This address has no domain.", "Merged into Ann L.", "/jobs/job_1/undo", "Back to the list"]
        {
            assert!(html.contains(words), "{words}");
        }
    }
}
