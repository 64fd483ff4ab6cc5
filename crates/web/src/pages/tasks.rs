//! Tasks: what is overdue, due today, to come, and done; one's own, and for managers the team's.
//!
//! A row is checked off by a form of its own, or several together by the bar below ([`bulk`]). The task of a manual email
//! shows its draft first, because completing it sends the email.

pub mod actions;
pub mod bulk;
pub mod email;
mod filter;
pub mod form;
pub mod player;
mod sending;
pub mod show;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::step::TaskKind;
use relance_domain::task::{Task, TaskState};
use relance_domain::{TaskId, Timestamp, UserId, time};
use relance_storage::Tx;
use relance_storage::tasks::{self, TaskView};

use super::form::Choice;
use super::home::task_icon;
use crate::app::App;
use crate::errors::Result;
use crate::extract::Query;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::words::When;
use crate::{answer, urls, words};
use filter::Shown;

/// Rows of a page.
pub(super) const ROWS: u32 = 100;

/// Kinds with their words.
pub const fn kinds() -> [(&'static str, &'static str); 4] {
    [("call", "Call"), ("linkedin", "LinkedIn"), ("email", "Email"), ("other", "Something else")]
}

/// The word of a kind.
pub fn kind_word(kind: TaskKind) -> &'static str {
    kinds().iter().find(|(name, _)| *name == kind.as_str()).map_or("Task", |(_, word)| word)
}

/// A row.
#[derive(Clone, Debug, Default)]
struct Row {
    id: String,
    icon: &'static str,
    kind: &'static str,
    content: String,
    href: String,
    person: String,
    person_href: String,
    sequence: String,
    owner: String,
    due: When,
    is_overdue: bool,
    state: &'static str,
    is_open: bool,
    /// Completing it sends an email, so it is read first.
    is_draft: bool,
    /// Where its email is written; empty if none is asked for.
    write: String,
    links: Links,
}

/// What can be done with a task, by POST; `edit` by GET.
#[derive(Clone, Debug, Default)]
pub struct Links {
    done: String,
    skip: String,
    snooze: String,
    edit: String,
    delete: String,
    reopen: String,
}

impl Links {
    fn of(id: TaskId) -> Self {
        let action = |name| urls::task_action(id, name);
        Self {
            done: action("done"),
            skip: action("skip"),
            snooze: action("snooze"),
            edit: action("edit"),
            delete: action("delete"),
            reopen: action("reopen"),
        }
    }
}

/// Rows under one heading.
#[derive(Clone, Debug, Default)]
struct Group {
    title: String,
    is_overdue: bool,
    count: String,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, Default)]
struct Tab {
    label: &'static str,
    href: String,
    count: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "tasks/index.html")]
struct Page {
    frame: Frame,
    sub: String,
    parts: Vec<Tab>,
    owners: Vec<Tab>,
    groups: Vec<Group>,
    shown: Shown,
    sequences: Vec<Choice>,
    /// Whose tasks can be chosen, and whom they can be given to; empty for reps.
    users: Vec<Choice>,
    is_team: bool,
    has_due: bool,
    next: String,
    empty: (&'static str, &'static str),
    /// What the bar posts once, and where one comes back to.
    once: String,
    back: String,
}

impl Page {
    fn is_done(&self) -> bool {
        self.shown.part == "done"
    }
}

/// The first instants of today and of tomorrow, for the visitor.
fn today(visitor: &Visitor) -> (Timestamp, Timestamp) {
    let start = time::start_of_day(visitor.now.zoned(&visitor.zone).date(), &visitor.zone).unwrap_or(visitor.now);
    (start, visitor.end_of_today())
}

/// The first line of what a task asks for.
pub fn first_line(task: &Task) -> String {
    let line = task.content.lines().next().unwrap_or_default().trim();
    if line.is_empty() { kind_word(task.kind).to_owned() } else { line.to_owned() }
}

fn row(view: TaskView, visitor: &Visitor) -> Row {
    let task = &view.task;
    let is_open = task.state == TaskState::Open;
    let (start, end) = today(visitor);
    let at = task.closed_at.unwrap_or(task.due_at);
    let when = When::moment(at, visitor.now, &visitor.zone, &visitor.zone);
    let due = match task.due_at {
        _ if !is_open => when,
        due if due < start || due >= end => When { words: words::date(due, visitor.now, &visitor.zone), ..when },
        due => When { words: words::clock(due, &visitor.zone), ..when },
    };
    Row {
        id: task.id.to_string(),
        icon: task_icon(task.kind),
        kind: kind_word(task.kind),
        content: first_line(task),
        href: urls::task(task.id),
        person: view.person_name.clone().unwrap_or_default(),
        person_href: task.person_id.map(urls::person).unwrap_or_default(),
        sequence: view.sequence_name.clone().unwrap_or_default(),
        owner: view.owner_name.clone(),
        due,
        is_overdue: is_open && task.due_at < start,
        state: state_word(task),
        is_open,
        is_draft: view.sends_email,
        write: if is_open && task.kind == TaskKind::Email && !view.sends_email && task.person_id.is_some() {
            urls::task_action(task.id, "email")
        } else {
            String::new()
        },
        links: Links::of(task.id),
    }
}

const fn state_word(task: &Task) -> &'static str {
    match task.state {
        TaskState::Open => "Open",
        TaskState::Done => "Done",
        TaskState::Skipped => "Skipped",
        TaskState::Cancelled => "Cancelled",
    }
}

/// Rows under *Overdue*, *Today* or their day; what is done stands in one list.
fn groups(part: &str, found: Vec<TaskView>, counts: (u32, u32), visitor: &Visitor) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for view in found {
        let due_at = view.task.due_at;
        let row = row(view, visitor);
        let (title, count) = match part {
            "done" => (String::new(), String::new()),
            "upcoming" => (words::day(due_at, visitor.now, &visitor.zone), String::new()),
            _ if row.is_overdue => ("Overdue".to_owned(), words::number(counts.0)),
            _ => ("Today".to_owned(), words::number(counts.1)),
        };
        match groups.last_mut().filter(|group| group.title == title) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { title, is_overdue: row.is_overdue, count, rows: vec![row] }),
        }
    }
    groups
}

/// The list.
pub async fn index(State(app): State<App>, visitor: Visitor, Query(shown): Query<Shown>) -> Result<Response> {
    let mut tx = app.read().await?;
    let shown = shown.known(&visitor);
    let owners = shown.owners(&visitor);
    let counts = counts(&mut tx, &shown, &owners, &visitor).await?;
    let wanted = shown.filter(&shown.part, &owners, &visitor);
    let mut found = tasks::page(&mut tx, wanted, shown.after(), ROWS + 1).await?;
    let more = found.len() > ROWS as usize;
    found.truncate(ROWS as usize);
    let last = found.last().filter(|_| more).map(|view| format!("{}|{}", view.task.due_at.ms(), view.task.id));
    let (sequences, users) = (filter::sequences(&mut tx).await?, filter::users(&mut tx, &visitor).await?);
    answer::page(&Page {
        frame: visitor.frame("tasks"),
        sub: if shown.is_filtered() { "Those that match the filter.".to_owned() } else { sub(counts, shown.is_team()) },
        parts: parts(&shown, counts),
        owners: owner_tabs(&visitor, &shown),
        groups: groups(&shown.part, found, (counts.overdue, counts.today), &visitor),
        sequences,
        users,
        is_team: shown.is_team(),
        has_due: !shown.is_team() && counts.overdue + counts.today > 0,
        next: last.map(|last| shown.address(&[("after", &last)])).unwrap_or_default(),
        empty: if shown.is_filtered() { filter::NOTHING } else { empty_words(&shown.part) },
        once: app.engine.new_job_id().to_string(),
        back: shown.address(&[]),
        shown,
    })
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    overdue: u32,
    today: u32,
    upcoming: u32,
}

async fn counts(tx: &mut Tx, shown: &Shown, owners: &[UserId], visitor: &Visitor) -> Result<Counts> {
    let overdue = tasks::count(tx, shown.filter("overdue", owners, visitor)).await?;
    let today = tasks::count(tx, shown.filter("today", owners, visitor)).await?;
    let upcoming = tasks::count(tx, shown.filter("upcoming", owners, visitor)).await?;
    Ok(Counts { overdue, today, upcoming })
}

fn sub(counts: Counts, is_team: bool) -> String {
    let whose = if is_team { "The team has" } else { "You have" };
    match (counts.overdue, counts.today) {
        (0, 0) => format!("{whose} nothing left to do today."),
        (0, today) => format!("{whose} {} to do today.", words::count(today.into(), "task", "tasks")),
        (late, today) => format!(
            "{whose} {} to do today, and {} overdue.",
            words::count(today.into(), "task", "tasks"),
            words::number(late)
        ),
    }
}

fn parts(shown: &Shown, counts: Counts) -> Vec<Tab> {
    let tab = |label, name: &str, count: Option<u32>| Tab {
        label,
        href: shown.address(&[("part", name)]),
        count: count.map(words::number).unwrap_or_default(),
        is_current: shown.part == name,
    };
    vec![
        tab("To do", "", Some(counts.overdue + counts.today)),
        tab("Overdue", "overdue", Some(counts.overdue)),
        tab("Today", "today", Some(counts.today)),
        tab("Upcoming", "upcoming", Some(counts.upcoming)),
        tab("Done", "done", None),
    ]
}

fn owner_tabs(visitor: &Visitor, shown: &Shown) -> Vec<Tab> {
    if !visitor.actor.acts_for_others() {
        return Vec::new();
    }
    let tab = |label, of, is_current| Tab {
        label,
        href: shown.address(&[("of", of), ("owner", "")]),
        is_current,
        ..Tab::default()
    };
    vec![tab("Mine", "", !shown.is_team()), tab("Team", "team", shown.is_team())]
}

const fn empty_words(part: &str) -> (&'static str, &'static str) {
    match part.as_bytes() {
        b"overdue" => {
            ("Nothing is overdue", "What was not done on its day stands here until it is done, skipped or put off.")
        }
        b"upcoming" => (
            "Nothing is planned",
            "What is due after today stands here: tasks of sequences, and those you make yourself.",
        ),
        b"done" => ("Nothing done yet", "What is done, skipped or cancelled stands here."),
        _ => (
            "Nothing is due today",
            "Tasks of sequences come here on their day by themselves. You can make your own, too.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: Vec<Row>) -> Page {
        let counts = Counts { overdue: 1, today: 1, upcoming: 3 };
        let shown = Shown::default();
        let mut groups = vec![Group { title: "Overdue".into(), is_overdue: true, count: "1".into(), rows }];
        groups.retain(|group| !group.rows.is_empty());
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            sub: sub(counts, false),
            parts: parts(&shown, counts),
            owners: vec![Tab { label: "Team", href: "/tasks?of=team".into(), ..Tab::default() }],
            groups,
            shown,
            sequences: vec![Choice::new("seq_1", "Winter depots")],
            users: vec![Choice::new("usr_1", "Nora")],
            is_team: true,
            has_due: true,
            next: "/tasks?after=1".into(),
            empty: empty_words(""),
            once: "job_1".into(),
            back: "/tasks".into(),
        }
    }

    #[test]
    fn tasks_are_checked_off_by_a_form_and_drafts_are_read_first() {
        let links =
            |id| Links { done: format!("/tasks/{id}/done"), snooze: format!("/tasks/{id}/snooze"), ..Links::default() };
        let task = Row {
            id: "tsk_1".into(),
            icon: "phone",
            kind: "Call",
            content: "Call Maya".into(),
            person: "Maya Okafor".into(),
            person_href: "/people/per_1".into(),
            sequence: "Winter depots".into(),
            is_open: true,
            is_overdue: true,
            links: links("tsk_1"),
            ..Row::default()
        };
        let draft = Row { id: "tsk_2".into(), is_open: true, is_draft: true, links: links("tsk_2"), ..Row::default() };
        let html = page(vec![task, draft]).render().expect("a page");
        for words in [
            "action=\"/tasks/tsk_1/done\"",
            "value=\"next_week\"",
            "Maya Okafor",
            "Winter depots",
            "Read the draft",
            "Team",
            "Upcoming",
            "form=\"task-bulk\"",
            "Assign",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("action=\"/tasks/tsk_2/done\""), "a draft is not sent without being read");
    }

    #[test]
    fn an_empty_list_says_what_will_be_there() {
        let html = page(Vec::new()).render().expect("a page");
        assert!(html.contains("Nothing is due today") && html.contains("New task") && !html.contains("task-bulk"));
        assert_ne!(empty_words("done"), empty_words("upcoming"));
        assert_eq!(sub(Counts::default(), false), "You have nothing left to do today.");
    }
}
