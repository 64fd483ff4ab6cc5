//! The sequences of a person: counts as tabs, a row per enrollment with what has happened and what comes next.

use std::collections::HashMap;

use relance_domain::enrollment::{BlockReason, State};
use relance_domain::person::Person;
use relance_domain::task::{self, Task};
use relance_domain::{EnrollmentId, Timestamp, VersionId};
use relance_engine::forecasting::NextStep;
use relance_storage::enrollment_views::{self, EnrollmentView};
use relance_storage::tasks::{self, TaskFilter};
use relance_storage::{Tx, sequences};

use super::rows;
use crate::app::App;
use crate::errors::Result;
use crate::session::Visitor;
use crate::urls;
use crate::words::{self, When};

/// A link or button that cures.
#[derive(Clone, Debug, Default)]
pub struct Cure {
    /// Its words.
    pub label: String,
    /// Where it leads or posts to.
    pub href: String,
    /// It posts.
    pub is_post: bool,
    /// A field it posts.
    pub name: &'static str,
    /// That field's value.
    pub value: &'static str,
}

/// One enrollment.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The sequence's name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// The chip's state.
    pub state: &'static str,
    /// The chip's words.
    pub chip: String,
    /// What has happened.
    pub past: String,
    /// What comes next, before the time.
    pub next: String,
    /// When it comes.
    pub when: Option<When>,
    /// The task that is waited for.
    pub task: String,
    /// That task's page.
    pub task_href: String,
    /// Merge tags without a value: words and where to fill them in.
    pub missing: Vec<(String, String)>,
    /// What cures a block.
    pub cures: Vec<Cure>,
    /// Where *pause* posts; empty where it may not be paused.
    pub pause: String,
    /// Where *resume* posts.
    pub resume: String,
    /// Where *stop* posts.
    pub stop: String,
}

/// The widget.
#[derive(Clone, Debug, Default)]
pub struct Widget {
    /// Where `+` leads.
    pub add: String,
    /// Active and paused.
    pub active: Vec<Row>,
    /// How many of them are paused.
    pub paused: usize,
    /// Blocked.
    pub blocked: Vec<Row>,
    /// Completed.
    pub completed: Vec<Row>,
    /// The earliest next email, for the phone.
    pub next_email: Option<When>,
    /// The sequences there are: none means an admin must write one first.
    pub has_sequences: bool,
    /// A mailbox to send from is connected.
    pub has_mailbox: bool,
    /// The reader writes sequences.
    pub is_admin: bool,
}

impl Widget {
    /// Ongoing and completed.
    pub fn total(&self) -> usize {
        self.active.len() + self.blocked.len() + self.completed.len()
    }

    /// The attribute of the tab that is open at first: the first that has something in it.
    pub fn current(&self, tab: &str) -> &'static str {
        let first = match (self.active.is_empty(), self.blocked.is_empty()) {
            (false, _) => "active",
            (true, false) => "blocked",
            (true, true) => "completed",
        };
        if tab == first { " aria-current=true" } else { "" }
    }
}

/// What the rows are drawn from.
struct Around<'a> {
    person: &'a Person,
    visitor: &'a Visitor,
    steps: HashMap<VersionId, usize>,
    tasks: Vec<Task>,
    next: HashMap<EnrollmentId, NextStep>,
}

/// Reads the widget of a person.
pub async fn read(app: &App, tx: &mut Tx, person: &Person, visitor: &Visitor) -> Result<Widget> {
    let views = enrollment_views::of_person(tx, person.id).await?;
    let versions: Vec<_> = views.iter().map(|view| view.stored.enrollment.version_id).collect();
    let steps =
        sequences::find_versions(tx, &versions).await?.into_iter().map(|v| (v.id, v.plan.steps.len())).collect();
    let of_active = views.iter().filter(|view| matches!(view.stored.enrollment.state, State::Active { .. }));
    let ongoing: Vec<EnrollmentId> = of_active.map(|view| view.stored.enrollment.id).collect();
    let filter = TaskFilter { person: Some(person.id), open: Some(true), ..TaskFilter::default() };
    let tasks = tasks::page(tx, filter, None, 50).await?.into_iter().map(|view| view.task).collect();
    let around = Around { person, visitor, steps, tasks, next: app.engine.next_steps(tx, &ongoing).await? };
    let mut widget = Widget {
        add: urls::enroll(person.id),
        has_sequences: sequences::count(tx).await? > 0,
        has_mailbox: !visitor.mailboxes.is_empty(),
        is_admin: visitor.actor.is_admin(),
        ..Widget::default()
    };
    for view in &views {
        let row = around.row(view);
        match &view.stored.enrollment.state {
            State::Active { .. } => widget.active.push(row),
            State::Paused { .. } => {
                widget.paused += 1;
                widget.active.push(row);
            }
            State::Blocked { .. } => widget.blocked.push(row),
            // What was sent from a task stands in the history; here is what still has to leave.
            State::Finished { .. } if view.stored.enrollment.sequence_id == task::EMAILS => {}
            State::Finished { .. } => widget.completed.push(row),
        }
    }
    let emails = widget.active.iter().filter(|row| row.next == "Next email").filter_map(|row| row.when.clone());
    widget.next_email = emails.min_by(|a, b| a.iso.cmp(&b.iso));
    Ok(widget)
}

impl Around<'_> {
    fn row(&self, view: &EnrollmentView) -> Row {
        let e = &view.stored.enrollment;
        let of = self.steps.get(&e.version_id).copied().unwrap_or_default();
        let base = Row {
            name: view.sequence_name.clone(),
            href: urls::enrollment(e.id),
            past: self.past(view, of),
            stop: urls::enrollment_action(e.id, "stop"),
            ..Row::default()
        };
        match &e.state {
            State::Active { due, .. } => self.active(base, view, *due),
            State::Paused { until, .. } => {
                let until = until
                    .map(|until| crate::pages::in_sentence(&words::date(until, self.visitor.now, &self.visitor.zone)));
                let chip = until.map_or_else(|| "Paused".to_owned(), |until| format!("Paused until {until}"));
                Row { state: "paused", chip, resume: urls::enrollment_action(e.id, "resume"), ..base }
            }
            State::Blocked { reason, resumes_at, .. } => self.blocked(base, view, reason, *resumes_at),
            State::Finished { reason, at } => {
                let name = if self.person.fields.first_name.is_empty() {
                    "the person"
                } else {
                    self.person.fields.first_name.as_str()
                };
                let on = crate::pages::in_sentence(&words::date(*at, self.visitor.now, &self.visitor.zone));
                let because = reason.words().replace("the person", name);
                let past = format!(
                    "{} of {}. Ended {on} because {because}.",
                    e.done_steps.len(),
                    words::count(of as u64, "step", "steps")
                );
                Row { state: "completed", chip: "Completed".to_owned(), past, stop: String::new(), ..base }
            }
        }
    }

    fn past(&self, view: &EnrollmentView, of: usize) -> String {
        let e = &view.stored.enrollment;
        let zone = &self.visitor.zone;
        match (e.done_steps.len(), e.last_step_at) {
            (0, _) => format!(
                "Started {}, no step done yet",
                crate::pages::in_sentence(&words::moment(e.enrolled_at, self.visitor.now, zone))
            ),
            (done, Some(at)) => format!(
                "Step {done} of {of} done {}",
                crate::pages::in_sentence(&words::moment(at, self.visitor.now, zone))
            ),
            (done, None) => format!("Step {done} of {of} done"),
        }
    }

    fn active(&self, base: Row, view: &EnrollmentView, due: Timestamp) -> Row {
        let e = &view.stored.enrollment;
        let pause = urls::enrollment_action(e.id, "pause");
        // A task that the sequence does not wait for holds nothing.
        let is_waited_for = |task: &&Task| task.enrollment_id == Some(e.id) && task.step_id == e.state.step();
        if let Some(task) = self.tasks.iter().find(is_waited_for) {
            return Row {
                state: "waiting",
                chip: "Waiting".to_owned(),
                next: "Goes on after task".to_owned(),
                task: task.content.lines().next().unwrap_or_default().to_owned(),
                task_href: urls::task(task.id),
                pause,
                ..base
            };
        }
        let next = self.next.get(&e.id);
        if let Some(held) = next.and_then(|next| next.held.as_ref()) {
            return Row { state: "paused", chip: "Held".to_owned(), next: format!("Held: {held}"), pause, ..base };
        }
        let is_due = due <= self.visitor.now;
        let planned = next.and_then(|next| next.step.planned_at);
        let at = planned.unwrap_or(due).max(self.visitor.now);
        let is_email = view.stored.step_action.as_deref() == Some("automated_email");
        let zone = rows::zone_of(self.person, self.visitor);
        let (state, chip) = if view.sequence_paused {
            ("paused", "Sequence paused")
        } else if is_due {
            ("waiting", "Waiting")
        } else {
            ("active", "Active")
        };
        Row {
            state,
            chip: chip.to_owned(),
            next: if is_email { "Next email" } else { "Next task" }.to_owned(),
            when: Some(When::moment(at, self.visitor.now, &zone, &self.visitor.zone).in_sentence()),
            pause,
            ..base
        }
    }

    fn blocked(&self, base: Row, view: &EnrollmentView, reason: &BlockReason, resumes_at: Option<Timestamp>) -> Row {
        let e = &view.stored.enrollment;
        let of = self.steps.get(&e.version_id).copied().unwrap_or_default();
        let done = format!("{} of {} done.", e.done_steps.len(), words::count(of as u64, "step", "steps"));
        let is_uncertain = matches!(reason, BlockReason::DeliveryUncertain);
        let zone = rows::zone_of(self.person, self.visitor);
        let missing = match reason {
            BlockReason::MissingMergeData { tags } => {
                tags.iter().map(|tag| (tag_words(tag), urls::edit_tag(self.person.id, tag))).collect()
            }
            _ => Vec::new(),
        };
        let sentence = if missing.is_empty() {
            format!("{done} {} {}", reason.sentence(), reason.releases())
        } else {
            format!("{done} The email needs a value for")
        };
        Row {
            state: if is_uncertain { "uncertain" } else { "blocked" },
            chip: if is_uncertain { "Uncertain" } else { "Blocked" }.to_owned(),
            past: sentence,
            next: if resumes_at.is_some() { "Goes on".to_owned() } else { String::new() },
            when: resumes_at.map(|at| When::moment(at, self.visitor.now, &zone, &self.visitor.zone).in_sentence()),
            missing,
            cures: cures(view, reason, self.person),
            ..base
        }
    }
}

/// *industry* for `person.industry`.
pub fn tag_words(tag: &str) -> String {
    relance_domain::enrollment::tag_words(&[tag.to_owned()])
}

/// What a person can do about a block.
pub fn cures(view: &EnrollmentView, reason: &BlockReason, person: &Person) -> Vec<Cure> {
    let id = view.stored.enrollment.id;
    let link = |label: String, href: String| Cure { label, href, ..Cure::default() };
    let post = |label: &str, action: &str| Cure {
        label: label.to_owned(),
        href: urls::enrollment_action(id, action),
        is_post: true,
        ..Cure::default()
    };
    let retry = || post("Retry", "retry");
    match reason {
        BlockReason::MissingMergeData { tags } => {
            let fill = tags.iter().map(|tag| link(format!("Add {}", tag_words(tag)), urls::edit_tag(person.id, tag)));
            let href = urls::next_step_action(id, "skip", view.stored.enrollment.state.step());
            fill.chain([Cure { href, ..post("Skip this step", "skip") }]).collect()
        }
        BlockReason::NoRecipient => vec![link("Add email".to_owned(), urls::edit_field(person.id, "email"))],
        BlockReason::RecipientRefused { .. } | BlockReason::Bounced { .. } => {
            vec![link("Change address".to_owned(), urls::edit_field(person.id, "email")), retry()]
        }
        BlockReason::DuplicateAddress => vec![link("Change address".to_owned(), urls::edit_field(person.id, "email"))],
        BlockReason::QuotaReached => Vec::new(),
        BlockReason::MailboxDisconnected | BlockReason::AuthFailed | BlockReason::MailboxSettings { .. } => {
            let mailbox = view.stored.enrollment.mailbox_id.map_or_else(|| urls::MAILBOXES.to_owned(), urls::mailbox);
            vec![link("Reconnect the mailbox".to_owned(), mailbox), retry()]
        }
        BlockReason::DeliveryUncertain => {
            let resolve = |label: &str, value| Cure { name: "sent", value, ..post(label, "resolve") };
            vec![resolve("Mark as sent", "yes"), resolve("Send again", "no")]
        }
        BlockReason::TemplateError { .. } | BlockReason::LateStart => vec![retry(), post("Skip this step", "skip")],
        BlockReason::HeldForReview => vec![link("Decide in Review".to_owned(), urls::REVIEW.to_owned())],
    }
}

#[cfg(test)]
pub(super) fn sample() -> Widget {
    let row = |name: &str, state, chip: &str| Row {
        name: name.into(),
        href: "/enrollments/enr_1".into(),
        state,
        chip: chip.into(),
        past: "Step 3 of 5 done today, 09:12".into(),
        stop: "/enrollments/enr_1/stop".into(),
        ..Row::default()
    };
    let missing = vec![("industry".into(), "/people/per_1/edit#f-industry".into())];
    let cures = vec![
        Cure { label: "Add industry".into(), ..Cure::default() },
        Cure { label: "Mark as sent".into(), is_post: true, name: "sent", value: "yes", ..Cure::default() },
    ];
    Widget {
        add: "/people/per_1/enroll".into(),
        active: vec![
            Row {
                pause: "/enrollments/enr_1/pause".into(),
                next: "Next email".into(),
                when: Some(When::default()),
                ..row("Winter depots", "active", "Active")
            },
            Row {
                task: "Call Maya".into(),
                task_href: "/tasks/tsk_1".into(),
                resume: "/r".into(),
                ..row("Trade fair", "paused", "Paused")
            },
        ],
        paused: 1,
        blocked: vec![Row { missing, cures, ..row("Service renewal", "blocked", "Blocked") }],
        completed: vec![Row { stop: String::new(), ..row("Autumn intro", "completed", "Completed") }],
        has_sequences: true,
        has_mailbox: true,
        ..Widget::default()
    }
}
