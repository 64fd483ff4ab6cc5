//! The steps of an enrollment, past and future, and the one shown beside them.

use relance_domain::StepId;
use relance_domain::enrollment::{BlockReason, State};
use relance_domain::person::Person;
use relance_engine::commands::preview::{EnrollmentPreview, EnrollmentStep, StepStatus as S};
use relance_storage::enrollment_views::EnrollmentView;

use crate::pages::attachments::{self, FileRow};
use crate::pages::enroll::steps::{icon, title};
use crate::pages::people::rows;
use crate::session::Visitor;
use crate::{urls, words};

/// A step in the time line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The wait before it; empty for none.
    pub wait: String,
    /// Its icon.
    pub icon: &'static str,
    /// *3. Email in the same thread*.
    pub title: String,
    /// Where it is shown.
    pub href: String,
    /// Its dot.
    pub dot: &'static str,
    /// It is the one shown.
    pub is_chosen: bool,
    /// What became of it, or when it comes.
    pub words: String,
    /// A chip below; empty for none.
    pub chip: String,
    /// The chip's state.
    pub chip_state: &'static str,
}

/// What stands beside the time line.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// *2. Email*.
    pub title: String,
    /// What became of it.
    pub words: String,
    /// It is an email.
    pub is_email: bool,
    /// From which mailbox.
    pub from: String,
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// The body's address.
    pub body: String,
    /// Files that go with it.
    pub files: Vec<FileRow>,
    /// The address of the email exactly as sent; empty before.
    pub sent: String,
    /// What the task asks for.
    pub text: String,
    /// The task's page.
    pub task: String,
}

/// The first name, else the name.
pub fn first_name(person: &Person) -> &str {
    if person.fields.first_name.is_empty() { "the person" } else { &person.fields.first_name }
}

/// Which step is shown: the wanted one, else the current, else the last that happened.
pub fn choose(preview: &EnrollmentPreview, wanted: Option<StepId>) -> usize {
    let of = |id: Option<StepId>| id.and_then(|id| preview.steps.iter().position(|step| step.step.id == id));
    let past = || preview.steps.iter().rposition(|step| step.executed_at.is_some());
    of(wanted).or_else(|| of(preview.enrollment.state.step())).or_else(past).unwrap_or(0)
}

/// The time line.
pub fn lines(preview: &EnrollmentPreview, chosen: usize, visitor: &Visitor) -> Vec<Line> {
    preview.steps.iter().enumerate().map(|(index, step)| line(preview, step, index == chosen, visitor)).collect()
}

fn in_thread(step: &EnrollmentStep) -> bool {
    step.position > 1 && step.step.action.email().is_some_and(|email| email.reply_in_thread)
}

fn line(preview: &EnrollmentPreview, step: &EnrollmentStep, is_chosen: bool, visitor: &Visitor) -> Line {
    let (words, chip, chip_state) = said(preview, step, visitor);
    let dot = match (step.status, chip_state) {
        (S::Sent | S::Done, _) => "done",
        (S::Skipped | S::Cancelled, _) => "ended",
        (S::Uncertain, _) => "uncertain",
        (S::Failed, _) => "blocked",
        (S::Leaving, _) => "sequence",
        (_, state) => state,
    };
    Line {
        wait: if step.step.wait.amount == 0 { String::new() } else { step.step.wait.words() },
        icon: if dot == "done" { "check" } else { icon(&step.step) },
        title: title(step.position, &step.step, in_thread(step), &step.words.text),
        href: urls::enrollment_step(preview.enrollment.id, step.step.id),
        dot,
        is_chosen,
        words,
        chip,
        chip_state,
    }
}

/// What became of a step in words; a chip and its state for the current one.
fn said(preview: &EnrollmentPreview, step: &EnrollmentStep, visitor: &Visitor) -> (String, String, &'static str) {
    let zone = rows::zone_of(&preview.person, visitor);
    let at = |at| {
        let when = words::When::moment(at, visitor.now, &zone, &visitor.zone);
        if when.place.is_empty() { when.words } else { format!("{} {}", when.words, when.place) }
    };
    let done = step.executed_at.map(|when| crate::pages::in_sentence(&at(when))).unwrap_or_default();
    let is_current = preview.enrollment.state.step() == Some(step.step.id);
    let planned = match (step.planned_at, step.after_task) {
        (Some(planned), true) => format!("{}, if the task is done when due", at(planned)),
        (Some(planned), false) => at(planned),
        (None, _) if !step.words.missing_tags.is_empty() => {
            format!("Waits for {}", relance_domain::enrollment::tag_words(&step.words.missing_tags))
        }
        (None, _) if step.status == S::Waiting && step.task.is_some() => {
            let due = step.task.as_ref().map(|task| words::date(task.due_at, visitor.now, &visitor.zone));
            format!("To do, due {}", crate::pages::in_sentence(&due.unwrap_or_default()))
        }
        (None, _) if is_current => "Waits".to_owned(),
        (None, _) => "After what comes before it".to_owned(),
    };
    let words = match step.status {
        S::Sent => format!("Sent {done}"),
        S::Done => format!("Done {done}"),
        S::Skipped => format!("Skipped {done}"),
        S::Cancelled => "Cancelled: the sequence ended first".to_owned(),
        S::Leaving => "Leaves at this moment".to_owned(),
        S::Failed => "The mail server refused it".to_owned(),
        S::Uncertain => "May or may not have left".to_owned(),
        S::Planned | S::Waiting => match &step.holiday {
            Some(holiday) if step.planned_at.is_some() => format!("{planned}. Moved: {holiday}"),
            _ => planned,
        },
    };
    let (chip, state) = if is_current { current_chip(preview, step, visitor) } else { (String::new(), "") };
    (words, chip, state)
}

fn current_chip(preview: &EnrollmentPreview, step: &EnrollmentStep, visitor: &Visitor) -> (String, &'static str) {
    match &preview.enrollment.state {
        State::Blocked { reason: BlockReason::DeliveryUncertain, .. } => ("Uncertain".to_owned(), "uncertain"),
        State::Blocked { .. } => ("Blocked".to_owned(), "blocked"),
        State::Paused { .. } => ("Paused".to_owned(), "paused"),
        State::Active { .. } if step.task.is_some() && step.status == S::Waiting => {
            ("Waiting for the task".to_owned(), "waiting")
        }
        State::Active { due, .. } if *due <= visitor.now => {
            let until = step.planned_at.filter(|at| *at > visitor.now);
            let zone = rows::zone_of(&preview.person, visitor);
            let words = until.map(|at| {
                format!("Waiting until {}", words::moment(at, visitor.now, &zone).trim_start_matches("Today, "))
            });
            (words.unwrap_or_else(|| "Waiting".to_owned()), "waiting")
        }
        State::Active { .. } => ("Next".to_owned(), "active"),
        State::Finished { .. } => (String::new(), ""),
    }
}

/// What is shown of the chosen step.
pub fn beside(preview: &EnrollmentPreview, chosen: usize, view: &EnrollmentView, visitor: &Visitor) -> Beside {
    let Some(step) = preview.steps.get(chosen) else { return Beside::default() };
    let is_email = step.step.action.email().is_some();
    let gone =
        step.delivery.as_ref().filter(|_| matches!(step.status, S::Sent | S::Leaving | S::Uncertain | S::Failed));
    let body = gone
        .map_or_else(|| urls::step_body(preview.enrollment.id, step.step.id), |email| urls::delivery_body(email.id));
    Beside {
        title: title(step.position, &step.step, in_thread(step), &step.words.text),
        words: said(preview, step, visitor).0,
        is_email,
        from: view.mailbox_address.clone().unwrap_or_default(),
        to: gone.map_or_else(
            || format!("{}, {}", preview.person.name(), preview.person.fields.email),
            |email| email.recipient.clone(),
        ),
        subject: gone.map_or_else(|| step.words.subject.clone(), |email| email.subject.clone()),
        body,
        files: attachments::rows(
            &step.words.attachments,
            &attachments::at_enrollment(preview.enrollment.id, step.step.id),
        ),
        sent: gone.map(|email| urls::delivery(email.id)).unwrap_or_default(),
        text: if is_email { String::new() } else { step.words.text.clone() },
        task: step.task.as_ref().map(|task| urls::task(task.id)).unwrap_or_default(),
    }
}

#[cfg(test)]
pub(super) fn sample() -> Vec<Line> {
    vec![
        Line {
            icon: "check",
            title: "1. Email".into(),
            dot: "done",
            words: "Sent Fri 20 Nov, 13:04 Lisbon".into(),
            href: "?step=stp_1".into(),
            ..Line::default()
        },
        Line {
            wait: "1 business day".into(),
            icon: "mail",
            title: "2. Email in the same thread".into(),
            dot: "waiting",
            is_chosen: true,
            chip: "Waiting until 13:02".into(),
            chip_state: "waiting",
            ..Line::default()
        },
    ]
}
