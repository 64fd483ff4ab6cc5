//! Home: what you do today, what is blocked and its cure, what you must decide, what leaves today.
//!
//! Until a mailbox, people and a started sequence are there, a checklist of three steps stands on top.

mod causes;
mod day;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use relance_domain::activity::{Activity, ActivityKind};
use relance_domain::enrollment::tag_words;
use relance_domain::step::TaskKind;
use relance_domain::{PersonId, Timestamp, time};
use relance_engine::commands::LeavingEmail;
use relance_storage::inbound::InboundView;
use relance_storage::people_lists::{self, PeopleQuery};
use relance_storage::tasks::{TaskFilter, TaskView};
use relance_storage::{Tx, activities, enrollment_views, inbound, sequences, tasks, users};
use serde::Deserialize;

use crate::app::App;
use crate::errors::Result;
use crate::extract::Form;
use crate::frame::Frame;
use crate::pages::enrollments::actions::back;
use crate::session::Visitor;
use crate::{answer, urls, words};
use causes::Cause;
use day::Day;

/// Rows shown of each list.
const FEW: u32 = 6;
/// Emails on their way that are named when all sending is stopped.
const MOST_NAMED: usize = 4;

/// A step of the first run.
#[derive(Clone, Debug, Default)]
struct Todo {
    is_done: bool,
    title: &'static str,
    text: &'static str,
    action: &'static str,
    href: String,
}

/// A task in the list.
#[derive(Clone, Debug, Default)]
struct TaskRow {
    icon: &'static str,
    content: String,
    person: String,
    sequence: String,
    due: String,
    is_overdue: bool,
    href: String,
    done: String,
}

/// A reply in the list.
#[derive(Clone, Debug, Default)]
struct ReplyRow {
    name: String,
    href: String,
    text: String,
    subject: String,
    ended: String,
    when: words::When,
    /// Not seen before.
    is_new: bool,
}

#[derive(Template)]
#[template(path = "home/show.html")]
struct Page {
    frame: Frame,
    title: String,
    sub: String,
    todos: Vec<Todo>,
    tasks: Vec<TaskRow>,
    task_count: u64,
    causes: Vec<Cause>,
    decisions: Vec<Cause>,
    replies: Vec<ReplyRow>,
    day: Day,
}

impl Page {
    fn cause_count(&self) -> String {
        words::count(self.causes.len() as u64, "cause", "causes")
    }
}

/// Home.
pub async fn show(State(app): State<App>, visitor: Visitor, headers: HeaderMap) -> Result<Response> {
    let mut tx = app.read().await?;
    let tasks = due_tasks(&mut tx, &visitor).await?;
    let (causes, decisions) = causes::read(&mut tx, &visitor).await?;
    let replies = replies(&mut tx, &visitor).await?;
    let has_new = replies.iter().any(|reply| reply.is_new);
    let mut frame = visitor.frame("home");
    // They stand on this page already.
    frame.notices.retain(|notice| notice.href != urls::HOME && !is_of(&replies, &notice.href));
    let page = Page {
        title: visitor.now.zoned(&visitor.zone).strftime("%A %-d %B").to_string(),
        sub: sub(frame.counts.tasks, replies.len() as u64, frame.counts.blocked + frame.counts.review),
        todos: todos(&mut tx, &visitor).await?,
        task_count: frame.counts.tasks,
        tasks,
        causes,
        decisions,
        replies,
        day: day::read(&app, &mut tx, &visitor).await?,
        frame,
    };
    drop(tx);
    // A browser that only looks ahead has shown nothing to anyone.
    if has_new && !is_prefetch(&headers) {
        app.engine.see_replies(&visitor.actor).await?;
    }
    answer::page(&page)
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    headers.contains_key("x-sec-purpose") || headers.contains_key("sec-purpose")
}

/// Whether a notice leads to one of the answers.
fn is_of(replies: &[ReplyRow], href: &str) -> bool {
    !href.is_empty() && replies.iter().any(|reply| reply.is_new && reply.href == href)
}

fn sub(tasks: u64, replies: u64, waiting: u64) -> String {
    if tasks + replies + waiting == 0 {
        return "Nothing waits for you.".to_owned();
    }
    let waits = if waiting == 1 { "person waits" } else { "people wait" };
    let parts = [
        (tasks, words::count(tasks, "task", "tasks")),
        (replies, words::count(replies, "new reply", "new replies")),
        (waiting, format!("{} {waits} for something from you", words::number(waiting))),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words).collect();
    format!("{}.", words::list(&parts))
}

async fn todos(tx: &mut Tx, visitor: &Visitor) -> Result<Vec<Todo>> {
    let has_people = people_lists::count(tx, &PeopleQuery::default(), 1).await?.0 > 0;
    let started = enrollment_views::page(tx, enrollment_views::EnrollmentFilter::default(), None, 1).await?;
    let todos = vec![
        Todo {
            is_done: !visitor.mailboxes.is_empty(),
            title: "Connect a mailbox",
            text: "Emails leave from your own address. To try things out first, use a sandbox: nothing leaves this machine.",
            action: "Connect a mailbox",
            href: urls::new_mailbox(),
        },
        Todo {
            is_done: has_people,
            title: "Add people",
            text: "Import a CSV file, or type in the first lead by hand.",
            action: "Import people",
            href: urls::IMPORT.to_owned(),
        },
        Todo {
            is_done: !started.is_empty(),
            title: "Start a sequence",
            text: "Write what is sent and when, then start it for someone. You see every email before it leaves.",
            action: "Go to Sequences",
            href: urls::SEQUENCES.to_owned(),
        },
    ];
    Ok(if todos.iter().all(|todo| todo.is_done) { Vec::new() } else { todos })
}

async fn due_tasks(tx: &mut Tx, visitor: &Visitor) -> Result<Vec<TaskRow>> {
    let owners = [visitor.user.id];
    let due_before = Some(visitor.end_of_today());
    let filter = TaskFilter { owners: &owners, open: Some(true), due_before, ..TaskFilter::default() };
    let page = tasks::page(tx, filter, None, FEW).await?;
    Ok(page.into_iter().map(|view| task_row(view, visitor)).collect())
}

fn task_row(view: TaskView, visitor: &Visitor) -> TaskRow {
    let today = time::start_of_day(visitor.now.zoned(&visitor.zone).date(), &visitor.zone);
    let is_overdue = today.is_some_and(|today| view.task.due_at < today);
    let late = words::span(visitor.now.since(view.task.due_at));
    TaskRow {
        icon: task_icon(view.task.kind),
        content: view.task.content.lines().next().unwrap_or_default().to_owned(),
        person: view.person_name.unwrap_or_default(),
        sequence: view.sequence_name.unwrap_or_default(),
        due: if is_overdue { format!("Overdue {late}") } else { "Today".to_owned() },
        is_overdue,
        href: urls::task(view.task.id),
        done: urls::task_action(view.task.id, "done"),
    }
}

/// The icon of a kind of task.
pub fn task_icon(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Call => "phone",
        TaskKind::Email => "mail",
        TaskKind::Linkedin => "link",
        TaskKind::Other => "list-checks",
    }
}

async fn replies(tx: &mut Tx, visitor: &Visitor) -> Result<Vec<ReplyRow>> {
    let since = visitor.now.plus_ms(-3 * time::DAY);
    let seen = users::replies_seen_at(tx, visitor.user.id).await?;
    let found = inbound::replies_for(tx, visitor.user.id, since, FEW).await?;
    let mut rows = Vec::new();
    for view in found {
        let ended = match view.message.person_id {
            Some(person) => ended_by_reply(tx, person, view.message.received_at).await?,
            None => String::new(),
        };
        let is_new = seen.is_none_or(|seen| view.message.received_at > seen);
        rows.push(ReplyRow { is_new, ..reply_row(view, ended, visitor) });
    }
    Ok(rows)
}

/// *Winter depots ended*: the sequences that a reply of this person ended when it came, or soon after.
async fn ended_by_reply(tx: &mut Tx, person: PersonId, at: Timestamp) -> Result<String> {
    let kinds = [ActivityKind::SequenceEnded];
    let found = activities::list_of_person(tx, person, &kinds, None, FEW as usize).await?;
    let is_of_reply = |event: &Activity| {
        event.detail.get("reason").and_then(|reason| reason.as_str()) == Some("replied")
            && event.at >= at
            && event.at < at.plus_ms(time::DAY)
    };
    let ids: Vec<_> = found.iter().filter(|event| is_of_reply(event)).filter_map(|event| event.sequence_id).collect();
    let names: Vec<_> = sequences::find_many(tx, &ids).await?.into_iter().map(|sequence| sequence.name).collect();
    Ok(if names.is_empty() { String::new() } else { format!("{} ended", words::list(&names)) })
}

fn reply_row(view: InboundView, ended: String, visitor: &Visitor) -> ReplyRow {
    let message = view.message;
    ReplyRow {
        name: view.person_name.unwrap_or(message.from_address),
        href: message.person_id.map_or_else(|| urls::review_message(message.id), urls::person),
        text: message.visible_text.chars().take(240).collect(),
        subject: message.subject,
        ended,
        when: words::When::age(message.received_at, visitor.now, &visitor.zone),
        is_new: false,
    }
}

/// For which reason to try again.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reason {
    reason: String,
}

/// Tries everything again that is blocked for one reason.
pub async fn retry_all(State(app): State<App>, visitor: Visitor, Form(asked): Form<Reason>) -> Result<Response> {
    let done = app.engine.retry_all(&visitor.actor, &asked.reason).await;
    answer::outcome(urls::HOME, done, |number| match number {
        0 => answer::toast("info", "Nothing of this could be tried again now."),
        n => {
            answer::toast("active", format!("{} tried again. What still cannot leave stays blocked.", words::people(n)))
        }
    })
}

/// Stops all sending; the answer names what was already on its way.
pub async fn pause(State(app): State<App>, visitor: Visitor, headers: HeaderMap) -> Result<Response> {
    let done = app.engine.pause_workspace(&visitor.actor).await;
    answer::outcome(&back(&headers, urls::HOME.to_owned()), done, |(_, ended)| {
        let named = |email: &LeavingEmail| format!("“{}” to {}", email.subject, email.recipient);
        let mut names: Vec<_> = ended.leaving.iter().take(MOST_NAMED).map(named).collect();
        if ended.leaving.len() > MOST_NAMED {
            names.push(format!("{} more", words::number(ended.leaving.len() - MOST_NAMED)));
        }
        let words =
            if names.is_empty() { String::new() } else { format!(" Already on its way: {}.", words::list(&names)) };
        answer::toast("paused", format!("All sending is stopped.{words}"))
    })
}

/// Lets mail leave again.
pub async fn resume(State(app): State<App>, visitor: Visitor, headers: HeaderMap) -> Result<Response> {
    let done = app.engine.resume_workspace(&visitor.actor).await;
    let to = back(&headers, urls::HOME.to_owned());
    answer::outcome(&to, done, |_| answer::toast("active", "Sending goes on."))
}

/// *industry*: the words of a merge tag.
fn tag(tag: &str) -> String {
    tag_words(&[tag.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_shows_the_checklist_the_lists_and_the_table_behind_the_chart() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Tuesday 24 November".into(),
            sub: sub(2, 1, 3),
            todos: vec![Todo {
                title: "Add people",
                action: "Import people",
                href: "/import".into(),
                ..Todo::default()
            }],
            tasks: vec![TaskRow { icon: "phone", content: "Call Maya".into(), ..TaskRow::default() }],
            task_count: 2,
            causes: vec![Cause {
                retry: "auth_failed".into(),
                title: "23 people have no industry".into(),
                href: "/leads".into(),
                ..Cause::default()
            }],
            decisions: vec![Cause { title: "Uncertain".into(), state: "uncertain", ..Cause::default() }],
            replies: vec![ReplyRow {
                name: "Ines Pereira".into(),
                text: "Could you send it?".into(),
                ended: "Winter depots ended".into(),
                ..ReplyRow::default()
            }],
            day: day::sample(),
        };
        let html = page.render().expect("a page");
        for words in [
            "Add people",
            "Call Maya",
            "23 people have no industry",
            "Uncertain",
            "Ines Pereira",
            "Winter depots ended",
            "Retry all",
            "<svg",
            "<table",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(page.sub.contains("2 tasks, 1 new reply and 3 people wait"));
        assert_eq!(sub(0, 0, 1), "1 person waits for something from you.");
        assert_eq!(sub(0, 0, 0), "Nothing waits for you.");
    }
}
