//! Steps as the time line and the editor show them: what each is, says and waits for.

use relance_domain::Refused;
use relance_domain::calendar::LocalSchedule;
use relance_domain::sequence::{Plan, Sequence};
use relance_domain::step::{Action, Step, TaskMode, WaitUnit};
use relance_domain::template::Template;

use super::step_form;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::urls;

/// A step on the time line.
#[derive(Clone, Debug, Default)]
pub(super) struct Card {
    pub(super) id: String,
    pub(super) number: usize,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
    pub(super) shift: String,
    pub(super) set_wait: String,
    pub(super) amount: String,
    pub(super) unit: &'static str,
    /// The wait on its chip: *Immediately* too.
    pub(super) wait_words: String,
    pub(super) href: String,
    pub(super) icon: &'static str,
    pub(super) title: String,
    pub(super) meta: String,
    pub(super) wait: String,
    pub(super) is_chosen: bool,
    pub(super) alarm: String,
}

/// The opened step.
#[derive(Clone, Debug, Default)]
pub(super) struct Editor {
    pub(super) id: String,
    pub(super) duplicate: String,
    pub(super) test: String,
    pub(super) number: usize,
    pub(super) kind: &'static str,
    pub(super) has_email: bool,
    pub(super) has_task: bool,
    pub(super) is_first_email: bool,
    pub(super) example: String,
    pub(super) template: String,
    pub(super) action: String,
    pub(super) preview: String,
    pub(super) use_template: String,
    pub(super) shift: String,
    pub(super) delete: String,
    pub(super) label: String,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

pub(super) fn alarm_of(refused: &[Refused], position: usize) -> String {
    let here = |refused: &&Refused| refused.field.as_deref().and_then(step_form::step_number) == Some(position);
    refused.iter().find(here).map(|refused| refused.message.clone()).unwrap_or_default()
}

pub(in crate::pages) fn template_name(template: &Template) -> String {
    if template.folder.is_empty() { template.name.clone() } else { format!("{} / {}", template.folder, template.name) }
}

/// The subject as it will stand: of a reply, that of the first email before it.
pub(super) fn shown_subject(plan: &Plan, index: usize, typed: &Typed) -> String {
    let before = plan
        .steps
        .iter()
        .take(index)
        .filter_map(|step| step.action.email())
        .rfind(|email| !email.reply_in_thread || !email.subject.is_empty());
    match before {
        Some(first) if typed.is_set("email.reply_in_thread") => {
            let root = plan
                .steps
                .iter()
                .take(index)
                .filter_map(|step| step.action.email())
                .rfind(|email| !email.reply_in_thread);
            format!("Re: {}", root.unwrap_or(first).subject)
        }
        _ => typed.trimmed("email.subject"),
    }
}

/// The icon of a step.
pub(super) fn icon(step: &Step) -> &'static str {
    match &step.action {
        Action::AutomatedEmail { .. } => "mail",
        Action::ManualEmail { .. } => "send",
        Action::Task { task } => crate::pages::home::task_icon(task.kind),
    }
}

/// What a step is, before its words: *Email in the same thread*, *Task: call*.
pub(super) fn kind_words(plan: &Plan, index: usize, step: &Step) -> String {
    let is_reply = step.action.email().is_some_and(|email| email.reply_in_thread);
    let has_before = plan.steps.iter().take(index).any(|step| step.action.email().is_some());
    let thread = match (has_before, is_reply) {
        (false, _) => "First email",
        (true, true) => "Email in the same thread",
        (true, false) => "Email, new thread",
    };
    match &step.action {
        Action::AutomatedEmail { .. } => thread.to_owned(),
        Action::ManualEmail { .. } => format!("{thread}, sent by hand"),
        Action::Task { task } => {
            let kind = step_form::KINDS.iter().find(|(kind, _)| *kind == task.kind).map_or("Task", |(_, label)| label);
            if *kind == *"Something else" {
                "Task".to_owned()
            } else {
                format!("Task: {}", if *kind == *"LinkedIn" { kind.to_string() } else { kind.to_lowercase() })
            }
        }
    }
}

/// What a step says, in a line.
pub(super) fn meta(step: &Step) -> String {
    if let Some(email) = step.action.email() {
        return match (email.subject.is_empty(), email.reply_in_thread) {
            (false, _) => email.subject.clone(),
            (true, true) => "Answers the email before".to_owned(),
            (true, false) => "No subject yet".to_owned(),
        };
    }
    let Some(task) = step.action.task() else { return String::new() };
    let due = match task.due_in_days {
        0 => "Due the same day".to_owned(),
        1 => "Due in 1 day".to_owned(),
        days => format!("Due in {days} days"),
    };
    let mode = match task.mode {
        TaskMode::Wait => "Waits until done",
        TaskMode::WaitUntilOverdue => "Skipped when overdue",
        TaskMode::GoOn => "Goes on at once",
    };
    let content = task.content.lines().next().unwrap_or_default();
    if content.is_empty() { format!("{due}. {mode}") } else { format!("{content} · {due}. {mode}") }
}

pub(super) fn card(
    sequence: &Sequence,
    index: usize,
    step: &Step,
    is_chosen: bool,
    alarm: String,
    visitor: &Visitor,
) -> Card {
    let plan = &sequence.draft;
    let wait = match (index, step.wait.amount) {
        (0, 0) => String::new(),
        (_, 0) => "Immediately".to_owned(),
        _ => format!("{}, e.g. {}", step.wait.words(), example(plan, step, visitor)),
    };
    let action = |action| urls::step_action(sequence.id, step.id, action);
    let at_once = if index == 0 { "As soon as enrolled" } else { "Immediately" };
    Card {
        id: step.id.to_string(),
        number: index + 1,
        is_first: index == 0,
        is_last: index + 1 == plan.steps.len(),
        shift: action("move"),
        set_wait: action("wait"),
        amount: step.wait.amount.to_string(),
        unit: step_form::unit_name(step.wait.unit),
        wait_words: if step.wait.amount == 0 { at_once.to_owned() } else { wait.clone() },
        href: urls::sequence_step(sequence.id, step.id),
        icon: icon(step),
        title: format!("{}. {}", index + 1, kind_words(plan, index, step)),
        meta: meta(step),
        wait,
        is_chosen,
        alarm,
    }
}

/// From now to then: *Mon to Tue 24 Nov*, *16:40 to 18:40*.
pub(super) fn example(plan: &Plan, step: &Step, visitor: &Visitor) -> String {
    let local = LocalSchedule::in_workspace(plan.schedule.as_ref(), visitor.zone.clone(), &visitor.workspace);
    let from = visitor.now.zoned(&visitor.zone);
    let to = local.add_wait(visitor.now, step.wait).zoned(&visitor.zone);
    let is_short = matches!(step.wait.unit, WaitUnit::Minutes | WaitUnit::Hours) && from.date() == to.date();
    let (a, b) = if is_short { ("%H:%M", "%H:%M") } else { ("%a", "%a %-d %b") };
    format!("{} to {}", from.strftime(a), to.strftime(b))
}

pub(super) fn editor(
    sequence: &Sequence,
    index: usize,
    step: &Step,
    typed: &Typed,
    found: &[Template],
    visitor: &Visitor,
) -> Editor {
    let action = |action| urls::step_action(sequence.id, step.id, action);
    let template = found.iter().find(|template| template.id.to_string() == typed.get("email.template_id"));
    let plan = &sequence.draft;
    let before = if index == 0 { "the person is enrolled" } else { "the step before is done" };
    Editor {
        id: step.id.to_string(),
        duplicate: action("duplicate"),
        test: action("test"),
        number: index + 1,
        kind: match step.action {
            Action::AutomatedEmail { .. } => "Automated email",
            Action::ManualEmail { .. } => "Manual email",
            Action::Task { .. } => "Task",
        },
        has_email: step.action.email().is_some(),
        has_task: step.action.task().is_some(),
        is_first_email: !plan.steps.iter().take(index).any(|step| step.action.email().is_some()),
        example: match step.wait.amount {
            0 => format!("As soon as {before}, within the sending times."),
            _ => format!("Counted from when {before}. For example {}.", example(plan, step, visitor)),
        },
        template: template.map(template_name).unwrap_or_default(),
        action: urls::step(sequence.id, step.id),
        preview: action("preview"),
        use_template: action("template"),
        shift: action("move"),
        delete: action("delete"),
        label: kind_words(plan, index, step),
        is_first: index == 0,
        is_last: index + 1 == plan.steps.len(),
    }
}
