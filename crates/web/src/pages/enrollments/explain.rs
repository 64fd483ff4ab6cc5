//! The explanation of the current step: the answer, the strip, every rule with the values compared.

use relance_domain::Timestamp;
use relance_domain::decision::{Departed, Explained, Rule, RuleKind, Verdict};
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

/// The explanation of the step at `chosen`, if it is the current one.
pub fn read(preview: &EnrollmentPreview, chosen: usize, visitor: &Visitor) -> Option<Explanation> {
    let step = preview.steps.get(chosen)?;
    let Some(explained) = step.explained.as_ref() else { return departed(step, preview, visitor) };
    let (state, chip) = chip(step, explained);
    let due = preview.enrollment.state.due();
    Some(Explanation {
        state,
        chip,
        step: step_words(step),
        at: words::clock(explained.now, &visitor.zone),
        answer: explained.sentence(),
        strip: due.and_then(|due| strip(due, explained, step.step.action.is_automated_email())),
        heading: if state == "active" { "Why now" } else { "Why not yet" },
        rules: explained.rules.iter().map(|rule| row(rule, explained)).collect(),
        releases: explained.releases(),
        would_stop: explained.would_stop(first_name(&preview.person)),
    })
}

/// The explanation of an email that has left, as it was written down at that moment.
fn departed(step: &EnrollmentStep, preview: &EnrollmentPreview, visitor: &Visitor) -> Option<Explanation> {
    let left = Departed::of(&step.departed).filter(|_| step.status == StepStatus::Sent)?;
    let zone = crate::pages::people::rows::zone_of(&preview.person, visitor);
    let row = |rule: &Rule| {
        let (icon, name) = face(rule.kind);
        let held = left.held_by == Some(rule.kind);
        let result = if held { "Held it until then" } else { "Allowed" };
        let state = if held { "waiting" } else { "active" };
        RuleRow { icon, name, compared: rule.compared.clone(), result: result.to_owned(), state, holds: held }
    };
    Some(Explanation {
        state: "completed",
        chip: "Sent",
        step: step_words(step),
        at: words::clock(left.left_at, &visitor.zone),
        answer: format!(
            "{} It left {}.",
            left.sentence(),
            crate::pages::in_sentence(&words::moment(left.left_at, visitor.now, &zone))
        ),
        strip: None,
        heading: "Why then",
        rules: left.rules.iter().map(row).collect(),
        releases: format!("Nothing: it has left. Times are those of {}.", left.place),
        would_stop: "Nothing: what has left cannot be called back.".to_owned(),
    })
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
        if is_today(at) { words::clock(at, &explained.zone) } else { words::moment(at, now, &explained.zone) }
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

fn row(rule: &Rule, explained: &Explained) -> RuleRow {
    let (icon, name) = face(rule.kind);
    let until =
        |at: Timestamp| words::moment(at, explained.now, &explained.zone).trim_start_matches("Today, ").to_owned();
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
