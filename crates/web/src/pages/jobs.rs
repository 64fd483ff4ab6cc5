//! The page of long work: its progress while it runs, then what became of every row.
//!
//! It goes on when the page is closed. Without scripts the page asks again every two seconds; with them the server
//! streams the progress and asks for the page once more at the end.

pub mod report;

use std::convert::Infallible;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::Stream;
use relance_domain::person::Kind;
use relance_domain::{JobId, PersonId, UploadId};
use relance_engine::commands::bulk_undo::{can_undo, undone_by};
use relance_storage::jobs::{self, Job, JobKind, JobState};
use relance_storage::people;
use serde::Deserialize;

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Refused rows on the page.
const MOST_ROWS: usize = 200;
/// How often the stream looks.
const LOOK: Duration = Duration::from_millis(400);

/// The upload behind a check.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Behind {
    upload: Option<UploadId>,
    back: String,
}

/// A number with its words.
#[derive(Clone, Debug, Default)]
struct Count {
    state: &'static str,
    word: String,
    number: String,
}

/// A refused row.
#[derive(Clone, Debug, Default)]
struct Row {
    number: String,
    name: String,
    href: String,
    reason: String,
}

/// The progress, as the page and the stream draw it.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "jobs/progress.html")]
struct Bar {
    id: String,
    title: String,
    done: i64,
    total: i64,
    words: String,
}

#[derive(Template)]
#[template(path = "jobs/show.html")]
struct Page {
    frame: Frame,
    bar: Bar,
    sub: String,
    is_running: bool,
    is_check: bool,
    error: String,
    counts: Vec<Count>,
    rows: Vec<Row>,
    merged: Vec<Row>,
    is_cut: bool,
    events: String,
    csv: String,
    cancel: String,
    import: String,
    undo: String,
    undone: String,
    hidden: Vec<(String, String)>,
    back: String,
}

/// Where a job was asked for.
fn came_from(job: &Job, back: &str) -> String {
    match (safe_back(back), job.kind) {
        (Some(back), _) => back,
        (None, JobKind::ImportPeople | JobKind::BulkPeople) => urls::people(Kind::Lead).to_owned(),
        (None, JobKind::BulkEnroll) => urls::HOME.to_owned(),
    }
}

/// A page of this program, and nothing else.
fn safe_back(back: &str) -> Option<String> {
    let is_own = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']);
    is_own.then(|| back.to_owned())
}

/// Where the job is taken back; empty if it cannot be.
fn undo_href(job: &Job, back: &str) -> String {
    if can_undo(job) { urls::with_query(&urls::undo_job(job.id), &[("back", back)]) } else { String::new() }
}

fn bar(job: &Job) -> Bar {
    let left_out =
        if job.refused_count == 0 { String::new() } else { format!(", {} left out", words::number(job.refused_count)) };
    Bar {
        id: format!("progress-{}", job.id),
        title: job.title.clone(),
        done: job.done_count + job.refused_count,
        total: job.total.max(1),
        words: format!(
            "{} of {}{left_out}",
            words::number(job.done_count + job.refused_count),
            words::number(job.total)
        ),
    }
}

const fn is_running(job: &Job) -> bool {
    matches!(job.state, JobState::Queued | JobState::Running)
}

async fn find(app: &App, visitor: &Visitor, id: JobId) -> Result<Job> {
    let job = jobs::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("job"))?;
    if visitor.actor.is_admin() || job.created_by == Some(visitor.user.id) {
        Ok(job)
    } else {
        Err(PageError::NotFound("job"))
    }
}

/// The page of a job.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<JobId>,
    Query(behind): Query<Behind>,
) -> Result<Response> {
    let job = find(&app, &visitor, id).await?;
    let is_check = job.payload.get("dry_run").and_then(serde_json::Value::as_bool).unwrap_or(false);
    let rows = rows_of(&app, id, "refused").await?;
    let merged = rows_of(&app, id, "merged").await?;
    let upload = behind.upload.filter(|_| is_check && job.state == JobState::Done);
    answer::page(&Page {
        frame: visitor.frame("leads"),
        sub: sub(&job, &visitor),
        is_running: is_running(&job),
        is_check,
        error: job.error.clone().unwrap_or_default(),
        // While it runs the progress is what is true: these would stand still beside it.
        counts: if is_running(&job) { Vec::new() } else { counts(&app, id, is_check).await? },
        is_cut: rows.len() >= MOST_ROWS || merged.len() >= MOST_ROWS,
        rows,
        merged,
        events: urls::job_events(id),
        csv: if job.refused_count > 0 { urls::job_rows_csv(id) } else { String::new() },
        cancel: if is_running(&job) { urls::cancel_job(id) } else { String::new() },
        import: upload.map(urls::upload).unwrap_or_default(),
        hidden: mapping(&job),
        undo: undo_href(&job, &came_from(&job, &behind.back)),
        undone: undone_by(&job).map(urls::job).unwrap_or_default(),
        back: came_from(&job, &behind.back),
        bar: bar(&job),
    })
}

fn sub(job: &Job, visitor: &Visitor) -> String {
    let at = |at| super::in_sentence(&words::moment(at, visitor.now, &visitor.zone));
    match (job.state, job.finished_at) {
        (JobState::Done, Some(end)) => format!("Finished {}.", at(end)),
        (JobState::Failed, Some(end)) => format!("Ended by a fault {}. What was done stays.", at(end)),
        (JobState::Cancelled, Some(end)) => format!("Cancelled {}. What was done stays.", at(end)),
        _ => "It goes on if you close this page.".to_owned(),
    }
}

async fn counts(app: &App, id: JobId, is_check: bool) -> Result<Vec<Count>> {
    let found = jobs::count_rows(&mut app.read().await?, id).await?;
    let count = |(outcome, number): (String, i64)| {
        let (state, word) = match (outcome.as_str(), is_check) {
            ("refused", _) => ("left-out", "Left out"),
            ("skipped", _) => ("ended", "Skipped, known already"),
            ("created", true) => ("starts", "Would be created"),
            ("created", false) => ("completed", "Created"),
            ("updated", true) => ("starts", "Would be updated"),
            ("updated", false) => ("completed", "Updated"),
            ("enrolled", _) => ("active", "Started"),
            ("merged", _) => ("completed", "Merged"),
            _ => ("completed", "Done"),
        };
        Count { state, word: word.to_owned(), number: words::number(number) }
    };
    Ok(found.into_iter().map(count).collect())
}

/// The first rows of one outcome.
async fn rows_of(app: &App, id: JobId, outcome: &str) -> Result<Vec<Row>> {
    let mut tx = app.read().await?;
    let found = jobs::list_rows(&mut tx, id, Some(outcome), 0, MOST_ROWS).await?;
    let ids: Vec<PersonId> = found.iter().filter_map(|row| row.person_id).collect();
    let names: std::collections::HashMap<_, _> = people::names(&mut tx, &ids).await?.into_iter().collect();
    let row = |row: jobs::JobRow| Row {
        number: words::number(row.number),
        name: row.person_id.and_then(|id| names.get(&id).cloned()).unwrap_or_default(),
        href: row.person_id.map(urls::person).unwrap_or_default(),
        reason: row.reason,
    };
    Ok(found.into_iter().map(row).collect())
}

/// What the import after a check is asked: the same mapping.
fn mapping(job: &Job) -> Vec<(String, String)> {
    let text = |name: &str| job.payload.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let fields =
        job.payload.pointer("/mapping/fields").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let fields = fields.iter().map(|field| ("field".to_owned(), field.as_str().unwrap_or_default().to_owned()));
    fields.chain([("kind".to_owned(), text("kind")), ("on_duplicate".to_owned(), text("on_duplicate"))]).collect()
}

/// The progress as a stream of page parts.
pub async fn events(State(app): State<App>, visitor: Visitor, Path(id): Path<JobId>) -> Result<Response> {
    find(&app, &visitor, id).await?;
    Ok(Sse::new(parts(app, id)).keep_alive(KeepAlive::default()).into_response())
}

fn parts(app: App, id: JobId) -> impl Stream<Item = std::result::Result<Event, Infallible>> {
    let look = tokio::time::interval(LOOK);
    futures::stream::unfold((app, look, None, false), move |(app, mut look, shown, ended)| async move {
        if ended {
            return None;
        }
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = app.closing.cancelled() => return None,
            }
            let job = jobs::find(&mut app.read().await.ok()?, id).await.ok()??;
            if !is_running(&job) {
                let refresh = Event::default().data("<turbo-stream action=\"refresh\"></turbo-stream>");
                return Some((Ok(refresh), (app, look, shown, true)));
            }
            if shown == Some((job.done_count + job.refused_count, job.total)) {
                continue;
            }
            let bar = bar(&job);
            let part = format!(
                "<turbo-stream action=\"replace\" target=\"{}\"><template>{}</template></turbo-stream>",
                bar.id,
                bar.render().ok()?
            );
            return Some((
                Ok(Event::default().data(part)),
                (app, look, Some((job.done_count + job.refused_count, job.total)), false),
            ));
        }
    })
}

/// The refused rows with their reasons.
pub async fn rows_csv(State(app): State<App>, visitor: Visitor, Path(id): Path<JobId>) -> Result<Response> {
    let bytes = app.engine.failed_rows_csv(&visitor.actor, id).await?;
    answer::csv(&format!("left-out-{id}.csv"), bytes)
}

/// Stops a job.
pub async fn cancel(State(app): State<App>, visitor: Visitor, Path(id): Path<JobId>) -> Result<Response> {
    let done = app.engine.cancel_job(&visitor.actor, id).await;
    answer::outcome(&urls::job(id), done, |()| answer::toast("ended", "Cancelled. What was done stays done."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            bar: Bar {
                id: "progress-job_1".into(),
                title: "Import of leads.csv".into(),
                done: 412,
                total: 605,
                words: "412 of 605, 3 left out".into(),
            },
            sub: "It goes on if you close this page.".into(),
            is_running: true,
            is_check: false,
            error: String::new(),
            counts: vec![Count { state: "completed", word: "Created".into(), number: "409".into() }],
            rows: vec![Row { number: "17".into(), reason: "This address has no domain.".into(), ..Row::default() }],
            merged: vec![Row { name: "Ann Lee".into(), reason: "Merged into Ann L.".into(), ..Row::default() }],
            is_cut: true,
            events: "/jobs/job_1/events".into(),
            csv: "/jobs/job_1/rows.csv".into(),
            cancel: "/jobs/job_1/cancel".into(),
            import: String::new(),
            undo: String::new(),
            undone: String::new(),
            hidden: Vec::new(),
            back: "/leads".into(),
        }
    }

    #[test]
    fn a_finished_action_can_be_undone_from_its_page() {
        let page =
            Page { is_running: false, cancel: String::new(), undo: "/jobs/job_1/undo".into(), ..page() }.render();
        assert!(page.expect("a page").contains("action=\"/jobs/job_1/undo\""));
    }

    #[test]
    fn back_leads_to_a_page_of_this_program_only() {
        for (back, expected) in [
            ("/leads?q=a", Some("/leads?q=a")),
            ("https://evil.example", None),
            ("//evil.example", None),
            ("/\\evil.example", None),
            ("", None),
        ] {
            assert_eq!(safe_back(back).as_deref(), expected, "{back}");
        }
    }

    #[test]
    fn a_running_job_shows_its_progress_and_follows_it() {
        let html = page().render().expect("a page");
        for words in [
            "412 of 605, 3 left out",
            "turbo-stream-source",
            "http-equiv=\"refresh\"",
            "This address has no domain.",
            "rows.csv",
            "Cancel",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }

    #[test]
    fn a_check_that_is_done_offers_the_import_with_the_same_mapping() {
        let hidden = vec![("field".to_owned(), "email".to_owned()), ("kind".to_owned(), "lead".to_owned())];
        let page = Page {
            is_running: false,
            is_check: true,
            import: "/import/abc".into(),
            cancel: String::new(),
            hidden,
            ..page()
        };
        let html = page.render().expect("a page");
        assert!(html.contains("action=\"/import/abc\"") && html.contains("value=\"email\""));
        assert!(!html.contains("turbo-stream-source"));
    }
}
