//! Deactivating a user, and giving their work to someone else: at once with it, or later.
//!
//! The dialog says what holds before anyone confirms it. Up to a thousand rows are done before the answer; more are a job
//! with a page of its own.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::UserId;
use relance_domain::user::User;
use relance_engine::commands::Ended;
use relance_engine::commands::bulk::BulkDone;
use relance_engine::commands::hand_over::HandOver;
use relance_storage::user_work::WorkCounts;
use relance_storage::{Tx, users};

use super::team::find;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::{Choice, Typed};
use crate::pages::people::show::ended_words;
use crate::session::Visitor;
use crate::{answer, urls, words};

const FIELDS: [&str; 2] = ["to", "work"];

#[derive(Template)]
#[template(path = "settings/hand_over.html")]
struct Page {
    frame: Frame,
    title: String,
    name: String,
    /// Deactivates the user too.
    deactivates: bool,
    is_active: bool,
    /// What they have to do, in words: *12 sequences*; empty for nothing.
    work: String,
    people: String,
    running: String,
    others: Vec<Choice>,
    typed: Typed,
    errors: FormErrors,
    action: String,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }

    fn is_checked(&self, name: &str) -> bool {
        self.typed.is_set(name)
    }
}

fn work_words(held: WorkCounts) -> String {
    let (sequences, tasks) = (u64::from(held.running + held.paused), u64::from(held.tasks));
    let parts: Vec<String> = [
        (sequences > 0).then(|| words::count(sequences, "unfinished sequence", "unfinished sequences")),
        (tasks > 0).then(|| words::count(tasks, "open task", "open tasks")),
        (held.templates > 0).then(|| words::count(held.templates.into(), "template", "templates")),
    ]
    .into_iter()
    .flatten()
    .collect();
    words::list(&parts)
}

/// *12 sequences are on hold*; empty for none.
fn on_hold(number: u64) -> String {
    match number {
        0 => String::new(),
        1 => "1 sequence is on hold".to_owned(),
        n => format!("{} sequences are on hold", words::number(n)),
    }
}

async fn others(tx: &mut Tx, id: UserId) -> Result<Vec<Choice>> {
    let active = users::list(tx).await?.into_iter().filter(|user| user.id != id && user.deactivated_at.is_none());
    Ok(active.map(|user| Choice::new(user.id, user.name)).collect())
}

async fn draw(app: &App, visitor: &Visitor, user: User, deactivates: bool, sent: (Typed, FormErrors)) -> Result<Page> {
    let held = app.engine.work_of(&visitor.actor, user.id).await?;
    let running = u64::from(held.running);
    let action = if deactivates { "deactivate" } else { "hand-over" };
    Ok(Page {
        frame: visitor.frame("settings"),
        title: if deactivates {
            format!("Deactivate {}", user.name)
        } else {
            format!("Hand over {}\u{2019}s work", user.name)
        },
        deactivates,
        is_active: user.deactivated_at.is_none(),
        work: work_words(held),
        people: if held.people == 0 { String::new() } else { words::people(held.people.into()) },
        running: on_hold(running),
        others: others(&mut app.read().await?, user.id).await?,
        typed: sent.0,
        errors: sent.1,
        action: urls::user_action(user.id, action),
        name: user.name,
    })
}

fn fresh() -> Typed {
    Typed::of([("work", "1".to_owned()), ("people", "1".to_owned())])
}

/// Says what deactivating will do.
pub async fn ask_deactivate(State(app): State<App>, visitor: Visitor, Path(id): Path<UserId>) -> Result<Response> {
    visitor.must_be_admin("deactivate users")?;
    let user = find(&mut app.read().await?, id).await?;
    answer::page(&draw(&app, &visitor, user, true, (fresh(), FormErrors::default())).await?)
}

/// What is handed over, if a name was chosen.
fn chosen(typed: &Typed) -> Option<HandOver> {
    let to = typed.get("to").parse().ok()?;
    Some(HandOver { to, work: typed.is_set("work"), people: typed.is_set("people") })
}

/// Deactivates, and hands over if someone was chosen; the answer names what was already on its way.
pub async fn deactivate(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<UserId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let user = find(&mut app.read().await?, id).await?;
    let done = match app.engine.deactivate_user(&visitor.actor, id).await.map_err(PageError::from) {
        Ok(done) => done,
        Err(error) => {
            let sent = (typed, error.refused()?);
            return answer::refused(&draw(&app, &visitor, user, true, sent).await?);
        }
    };
    if let Some(asked) = chosen(&typed) {
        return given(&app, &visitor, user, (typed, asked), true).await;
    }
    if let Some(job) = done.job {
        return Ok(answer::go(&urls::with_query(&urls::job(job), &[("back", urls::USERS)])));
    }
    let held = match done.ended.enrollments {
        0 => String::new(),
        number => format!(" {}.", on_hold(number)),
    };
    // Nothing was cancelled: only what was on its way is left to be named.
    let ended = Ended { leaving: done.ended.leaving, ..Ended::default() };
    let words = format!("{} is deactivated.{held}{}", user.name, ended_words(&ended));
    let toast = crate::frame::Toast { undo: urls::user_action(id, "reactivate"), ..answer::toast("paused", words) };
    Ok(answer::said(urls::USERS, &toast))
}

/// Lets the user in again.
pub async fn reactivate(State(app): State<App>, visitor: Visitor, Path(id): Path<UserId>) -> Result<Response> {
    let done = app.engine.reactivate_user(&visitor.actor, id).await;
    answer::outcome(urls::USERS, done, |user| {
        answer::toast("active", format!("{} is active again, and what was paused goes on.", user.name))
    })
}

/// Asks to whom.
pub async fn ask(State(app): State<App>, visitor: Visitor, Path(id): Path<UserId>) -> Result<Response> {
    visitor.must_be_admin("hand over the work of others")?;
    let user = find(&mut app.read().await?, id).await?;
    answer::page(&draw(&app, &visitor, user, false, (fresh(), FormErrors::default())).await?)
}

/// Hands over.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<UserId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    visitor.must_be_admin("hand over the work of others")?;
    let user = find(&mut app.read().await?, id).await?;
    match chosen(&typed) {
        Some(asked) => given(&app, &visitor, user, (typed, asked), false).await,
        None => {
            let sent = (typed, FormErrors::one("to", "Choose who takes over."));
            answer::refused(&draw(&app, &visitor, user, false, sent).await?)
        }
    }
}

/// The answer of a hand-over; refused, the dialog asks again, without deactivating twice.
async fn given(
    app: &App,
    visitor: &Visitor,
    user: User,
    (typed, asked): (Typed, HandOver),
    was_deactivated: bool,
) -> Result<Response> {
    match app.engine.hand_over(&visitor.actor, user.id, asked).await.map_err(PageError::from) {
        Ok((_, BulkDone::Rows(rows))) => {
            let to = find(&mut app.read().await?, asked.to).await?.name;
            let first = if was_deactivated { format!("{} is deactivated. ", user.name) } else { String::new() };
            let what = words::count(rows.len() as u64, "thing goes", "things go");
            let refused = rows.iter().filter(|row| row.refused.is_some()).count();
            let rest =
                if refused == 0 { String::new() } else { format!(" {} could not be changed.", words::number(refused)) };
            Ok(answer::said(urls::USERS, &answer::toast("done", format!("{first}{what} on with {to}.{rest}"))))
        }
        Ok((job, BulkDone::Job(_))) => Ok(answer::go(&urls::with_query(&urls::job(job), &[("back", urls::USERS)]))),
        Err(error) => {
            let errors = error.refused()?;
            let user = find(&mut app.read().await?, user.id).await?;
            answer::refused(&draw(app, visitor, user, false, (typed, errors)).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(deactivates: bool) -> String {
        let held = WorkCounts { running: 12, paused: 1, tasks: 2, people: 40, with_mailbox: 13, templates: 3 };
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Deactivate Ida".into(),
            name: "Ida".into(),
            deactivates,
            is_active: true,
            work: work_words(held),
            people: words::people(40),
            running: on_hold(12),
            others: vec![Choice::new("usr_2", "Jonas")],
            typed: fresh(),
            errors: FormErrors::one("to", "Jonas has no mailbox to send from."),
            action: "/x".into(),
        };
        page.render().expect("a page")
    }

    #[test]
    fn the_dialog_says_what_holds_and_to_whom_it_can_go() {
        let html = page(true);
        for words in [
            "13 unfinished sequences, 2 open tasks and 3 templates",
            "40 people",
            "12 sequences are on hold",
            "Jonas has no mailbox",
            "Nobody yet",
            "usr_2",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!page(false).contains("Nobody yet") && page(false).contains("Hand over"));
    }
}
