//! The explanation of the current step: the answer, the strip, every rule with the values compared.

use jiff::tz::TimeZone;
use relance_domain::Timestamp;
use relance_domain::decision::{Departed, Explained, Rule, RuleKind, Verdict};
use relance_domain::forecast::Foresight;
use relance_engine::commands::preview::{EnrollmentPreview, EnrollmentStep, StepStatus};

use super::steps::first_name;
use crate::pages::enroll::steps::title;
use crate::session::Visitor;
use crate::words;

/// A rule in the table.
#[derive(Clone, Debug, Default)]
pub struct RuleRow {
    /// Its icon.
    pub icon: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The values compared.
    pub compared: String,
    /// What it says.
    pub result: String,
    /// `active`, `waiting` or `blocked`.
    pub state: &'static str,
    /// It is the one that holds.
    pub holds: bool,
}

/// Due, now and departure on a line of 680 units.
#[derive(Clone, Debug, Default)]
pub struct Strip {
    /// *Due 09:12*.
    pub due: String,
    /// *Now 09:48*.
    pub now: String,
    /// *Leaves 13:02*.
    pub leaves: String,
    /// *Lisbon time*.
    pub place: String,
    /// Where now is.
    pub now_x: i64,
}

/// The explanation.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// The chip's state.
    pub state: &'static str,
    /// The chip's words.
    pub chip: &'static str,
    /// *Step 3, email in the same thread*.
    pub step: String,
    /// When it was worked out.
    pub at: String,
    /// One sentence.
    pub answer: String,
    /// The strip, while something is still to come.
    pub strip: Option<Strip>,
    /// The head of the table.
    pub heading: &'static str,
    /// Every rule.
    pub rules: Vec<RuleRow>,
    /// What releases it.
    pub releases: String,
    /// What would stop it.
    pub would_stop: String,
}

/// Why the step at `chosen` is where it is.
pub fn read(preview: &EnrollmentPreview, chosen: usize, visitor: &Visitor) -> Option<Explanation> {
    let step = preview.steps.get(chosen)?;
    let answer = preview.answer(step);
    let zone = crate::pages::people::rows::zone_of(&preview.person, visitor);
    let base = Explanation {
        step: step_words(step),
        at: words::clock(visitor.now, &visitor.zone),
        answer: answer.sentence,
        releases: answer.releases,
        would_stop: "Nothing: it is over.".to_owned(),
        rules: answer.rules.iter().map(|rule| row(rule, visitor.now, &zone)).collect(),
        ..Explanation::default()
    };
    if let Some(explained) = &step.explained {
        return Some(current(step, explained, preview, base));
    }
    if let Some(left) = Departed::of(&step.departed).filter(|_| step.status == StepStatus::Sent) {
        return Some(departed(&left, visitor, &zone, base));
    }
    let Some(foresight) = &step.foresight else {
        let (state, chip) = past_chip(step.status);
        return Some(Explanation { state, chip, heading: "Why then", ..base });
    };
    let (state, chip) = match foresight {
        Foresight::Happens { .. } => ("waiting", "Planned"),
        Foresight::Held(_) => ("blocked", "Will be held"),
        Foresight::After { .. } => ("waiting", "No date yet"),
    };
    let would_stop = would_stop(preview);
    Some(Explanation { state, chip, heading: "By the rules at that moment", would_stop, ..base })
}

fn would_stop(preview: &EnrollmentPreview) -> String {
    Explained::would_stop(first_name(&preview.person))
}

/// The step that comes next, by the rules of this moment.
fn current(
    step: &EnrollmentStep,
    explained: &Explained,
    preview: &EnrollmentPreview,
    base: Explanation,
) -> Explanation {
    let (state, chip) = chip(step, explained);
    let due = preview.enrollment.state.due();
    Explanation {
        state,
        chip,
        strip: due.and_then(|due| strip(due, explained, step.step.action.is_automated_email())),
        heading: if state == "active" { "Why now" } else { "Why not yet" },
        rules: of_decision(explained),
        would_stop: would_stop(preview),
        ..base
    }
}

/// The rules of a decision; only the one that holds is marked, though others would hold it too.
fn of_decision(explained: &Explained) -> Vec<RuleRow> {
    let decisive = explained.because();
    let is_decisive = |rule: &Rule| decisive.is_none_or(|kind| kind == rule.kind);
    let rows = explained.rules.iter().map(|rule| (rule, row(rule, explained.now, &explained.zone)));
    rows.map(|(rule, row)| RuleRow { holds: row.holds && is_decisive(rule), ..row }).collect()
}

/// An email that has left, as it was written down at that moment.
fn departed(left: &Departed, visitor: &Visitor, zone: &TimeZone, base: Explanation) -> Explanation {
    let row = |rule: &Rule| {
        let (icon, name) = face(rule.kind);
        let held = left.held_by == Some(rule.kind);
        let result = if held { "Held it until then" } else { "Allowed" };
        let state = if held { "waiting" } else { "active" };
        RuleRow { icon, name, compared: rule.compared.clone(), result: result.to_owned(), state, holds: held }
    };
    let when = crate::pages::in_sentence(&words::moment(left.left_at, visitor.now, zone));
    Explanation {
        state: "completed",
        chip: "Sent",
        at: words::clock(left.left_at, &visitor.zone),
        answer: format!("{} It left {when}.", base.answer),
        heading: "Why then",
        rules: left.rules.iter().map(row).collect(),
        releases: format!("{} Times are those of {}.", base.releases, left.place),
        would_stop: "Nothing: what has left cannot be called back.".to_owned(),
        ..base
    }
}

/// The chip of a step that nothing is decided about any more.
const fn past_chip(status: StepStatus) -> (&'static str, &'static str) {
    match status {
        StepStatus::Sent => ("completed", "Sent"),
        StepStatus::Done => ("completed", "Done"),
        StepStatus::Skipped => ("left-out", "Skipped"),
        StepStatus::Failed => ("blocked", "Refused"),
        StepStatus::Uncertain => ("uncertain", "Uncertain"),
        StepStatus::Leaving => ("active", "Leaves now"),
        StepStatus::Planned | StepStatus::Waiting | StepStatus::Cancelled => ("ended", "Cancelled"),
    }
}

/// *Step 3, email*.
fn step_words(step: &EnrollmentStep) -> String {
    let title = title(step.position, &step.step, false, &step.words.text);
    let words = title.replacen(". E", ", e", 1).replacen(". T", ", t", 1);
    format!("Step {words}")
}

fn chip(step: &EnrollmentStep, explained: &Explained) -> (&'static str, &'static str) {
    use relance_domain::decision::Decision as D;
    match (&explained.decision, step.status) {
        (_, StepStatus::Uncertain) => ("uncertain", "Uncertain"),
        (D::Send | D::CreateTask | D::Skip { .. }, _) => ("active", "Goes now"),
        (D::Wait { because: RuleKind::Stopped, .. }, _) => ("paused", "Paused"),
        (D::Wait { .. }, _) => ("waiting", "Waiting"),
        (D::Block { .. }, _) => ("blocked", "Blocked"),
        (D::Finish { .. }, _) => ("completed", "Completed"),
    }
}

fn strip(due: Timestamp, explained: &Explained, is_email: bool) -> Option<Strip> {
    let (now, leaves) = (explained.now, explained.leaves_at?);
    if leaves <= now {
        return None;
    }
    let begin = due.min(now);
    let span = leaves.since(begin).max(1);
    let is_today = |at: Timestamp| at.zoned(&explained.zone).date() == now.zoned(&explained.zone).date();
    let at = |at: Timestamp| {
        if is_today(at) {
            words::clock(at, &explained.zone)
        } else {
            crate::pages::in_sentence(&words::moment(at, now, &explained.zone))
        }
    };
    Some(Strip {
        due: if due < now { format!("Due {}", at(due)) } else { String::new() },
        now: format!("Now {}", at(now)),
        leaves: format!("{} {}", if is_email { "Leaves" } else { "Task" }, at(leaves)),
        place: format!("{} time", explained.place),
        now_x: (20 + now.since(begin) * 480 / span).clamp(if due < now { 90 } else { 20 }, 410),
    })
}

/// Name and icon of a rule.
const fn face(kind: RuleKind) -> (&'static str, &'static str) {
    match kind {
        RuleKind::Due => ("bell", "Due"),
        RuleKind::Stopped => ("circle-play", "Sequence, person and mailbox"),
        RuleKind::Reply => ("shield-check", "No reply, bounce or unsubscribe"),
        RuleKind::Window => ("clock", "Time window"),
        RuleKind::SendingDay => ("calendar", "Sending day"),
        RuleKind::Quota => ("gauge", "Daily quota"),
        RuleKind::Gap => ("timer", "Gap between emails"),
        RuleKind::MergeData => ("braces", "Merge data"),
        RuleKind::Recipient => ("at-sign", "Address"),
        RuleKind::Suppression => ("ban", "Suppression list"),
        RuleKind::Task => ("list-checks", "Task"),
        RuleKind::Mailbox => ("plug", "Mailbox"),
        RuleKind::StartCheck => ("hourglass", "Comparison after a start"),
        RuleKind::Away => ("calendar-clock", "Away dates"),
        RuleKind::Lateness => ("history", "Lateness"),
        RuleKind::Delivery => ("send", "What became of the email"),
        RuleKind::Step => ("route", "Step"),
    }
}

fn row(rule: &Rule, now: Timestamp, zone: &TimeZone) -> RuleRow {
    let (icon, name) = face(rule.kind);
    let until = |at: Timestamp| words::moment(at, now, zone).trim_start_matches("Today, ").to_owned();
    let (result, state) = match rule.verdict {
        Verdict::Allows => ("Allows".to_owned(), "active"),
        Verdict::Holds { until: Some(at) } => (format!("Holds until {}", until(at)), "waiting"),
        Verdict::Holds { until: None } => ("Holds".to_owned(), "waiting"),
        Verdict::AddsMs { ms } => (format!("Adds {}", words::span(ms)), "waiting"),
        Verdict::Blocks => ("Blocks".to_owned(), "blocked"),
        Verdict::Ends => ("Ends it".to_owned(), "blocked"),
    };
    let holds = matches!(rule.verdict, Verdict::Holds { .. } | Verdict::Blocks | Verdict::Ends);
    RuleRow { icon, name, compared: rule.compared.clone(), result, state, holds }
}

#[cfg(test)]
pub(super) fn sample() -> Explanation {
    Explanation {
        state: "waiting",
        chip: "Waiting",
        step: "Step 3, email in the same thread".into(),
        at: "09:48".into(),
        answer: "It waits for the follow-up window, which opens at 13:00 in Lisbon. It leaves at about 13:02.".into(),
        strip: Some(Strip {
            due: "Due 09:12".into(),
            now: "Now 09:48".into(),
            leaves: "Leaves 13:02".into(),
            place: "Lisbon time".into(),
            now_x: 120,
        }),
        heading: "Why not yet",
        rules: vec![
            RuleRow {
                icon: "bell",
                name: "Due",
                compared: "09:12, and it is 09:48".into(),
                result: "Allows".into(),
                state: "active",
                holds: false,
            },
            RuleRow {
                icon: "clock",
                name: "Time window",
                compared: "Follow-ups leave 13:00–17:00".into(),
                result: "Holds until 13:00".into(),
                state: "waiting",
                holds: true,
            },
        ],
        releases: "The clock, at 13:00 in Lisbon.".into(),
        would_stop: "A reply from Rui.".into(),
    }
}
