//! One step as a form and back. Fields are named as in the API, without the `steps[2].` before them.

use relance_domain::step::{Action, EmailText, Step, TaskKind, TaskMode, TaskText, Wait, WaitUnit};
use relance_domain::template::Template;
use relance_domain::{Refused, StepId};

use crate::errors::FormErrors;
use crate::pages::attachments;
use crate::pages::form::{Typed, all_right, or_default};

/// The fields of the form.
pub const FIELDS: [&str; 9] = [
    "wait.amount",
    "wait.unit",
    "email.subject",
    "email.body",
    "email.attachments",
    "email.template_id",
    "task.content",
    "task.due_in_days",
    "task.overdue_days",
];

/// Units of a wait.
pub const UNITS: [(WaitUnit, &str, &str); 4] = [
    (WaitUnit::Minutes, "minutes", "minutes"),
    (WaitUnit::Hours, "hours", "hours"),
    (WaitUnit::Days, "days", "days"),
    (WaitUnit::BusinessDays, "business_days", "business days"),
];
/// Kinds of tasks.
pub const KINDS: [(TaskKind, &str); 4] = [
    (TaskKind::Call, "Call"),
    (TaskKind::Linkedin, "LinkedIn"),
    (TaskKind::Email, "Email"),
    (TaskKind::Other, "Something else"),
];
/// What happens while a task is open.
pub const MODES: [(TaskMode, &str, &str, &str); 3] = [
    (TaskMode::Wait, "wait", "Wait until it is done", "The next wait begins when the task is done or skipped."),
    (
        TaskMode::WaitUntilOverdue,
        "wait_until_overdue",
        "Wait, but not for ever",
        "It is skipped some business days after it was due.",
    ),
    (TaskMode::GoOn, "go_on", "Go on at once", "The next wait begins when the task is created."),
];

fn mode_name(mode: TaskMode) -> &'static str {
    MODES.iter().find(|(known, ..)| *known == mode).map_or("wait", |(_, name, ..)| name)
}

/// The kinds of steps, with their icons and words.
pub const STEPS: [(&str, &str, &str); 3] = [
    ("automated_email", "mail", "Automated email"),
    ("manual_email", "send", "Email sent by hand"),
    ("task", "list-checks", "Task"),
];

/// The name of a unit in forms.
pub fn unit_name(unit: WaitUnit) -> &'static str {
    UNITS.iter().find(|(known, ..)| *known == unit).map_or("days", |(_, name, _)| name)
}

/// The wait that the chip of a step on the time line asks for.
pub fn wait_of_chip(typed: &Typed, step: StepId) -> Result<Wait, Refused> {
    let amount =
        typed.number(&format!("wait.amount:{step}"), "Enter a whole number for the wait; 0 is immediately.")?;
    let asked = typed.get(&format!("wait.unit:{step}")).to_owned();
    let unit = UNITS.iter().find(|(_, name, _)| *name == asked).map_or(WaitUnit::Days, |(unit, ..)| *unit);
    Ok(Wait { amount, unit })
}

/// A new step of a kind; `None` if there is no such kind. `has_email`: it may answer one; `waits`: a step comes before.
pub fn fresh(kind: &str, has_email: bool, waits: bool) -> Option<Step> {
    let email = EmailText { reply_in_thread: has_email, ..EmailText::default() };
    let task = |kind, content: &str| TaskText {
        kind,
        content: content.to_owned(),
        due_in_days: 0,
        mode: TaskMode::Wait,
        overdue_days: 2,
    };
    let action = match kind {
        "automated_email" => Action::AutomatedEmail { email },
        "manual_email" => {
            Action::ManualEmail { email, task: task(TaskKind::Email, "Read the draft, make it yours, send it") }
        }
        "task" => Action::Task { task: task(TaskKind::Call, "") },
        _ => return None,
    };
    let wait = if waits { Wait { amount: 3, unit: WaitUnit::BusinessDays } } else { Wait::IMMEDIATELY };
    Some(Step { id: StepId::from_uuid(uuid::Uuid::nil()), wait, action })
}

/// The form of a step.
pub fn of(step: &Step) -> Typed {
    let unit = unit_name(step.wait.unit);
    let mut typed = Typed::of([("wait.amount", step.wait.amount.to_string()), ("wait.unit", unit.to_owned())]);
    if let Some(email) = step.action.email() {
        put_email(&mut typed, email);
    }
    if let Some(task) = step.action.task() {
        typed.set("task.kind", task.kind.as_str());
        typed.set("task.content", &task.content);
        typed.set("task.due_in_days", task.due_in_days.to_string());
        typed.set("task.mode", mode_name(task.mode));
        typed.set("task.overdue_days", task.overdue_days.to_string());
    }
    typed
}

fn put_email(typed: &mut Typed, email: &EmailText) {
    typed.set("email.subject", &email.subject);
    put_body(typed, &email.body_html, &email.body_text);
    attachments::put(typed, &email.attachments, "");
    typed.set("email.reply_in_thread", if email.reply_in_thread { "1" } else { "" });
    typed.set("email.template_id", email.template_id.map(|id| id.to_string()).unwrap_or_default());
}

/// Puts the words of a body into a form with one field for it.
pub fn put_body(typed: &mut Typed, html: &str, text: &str) {
    let is_html = !html.trim().is_empty();
    typed.set("email.body", if is_html { html } else { text });
    typed.set("email.format", if is_html || text.trim().is_empty() { "html" } else { "text" });
}

/// Puts the words of a template into the form.
pub fn use_template(typed: &mut Typed, template: &Template) {
    typed.set("email.subject", &template.subject);
    put_body(typed, &template.body_html, &template.body_text);
    attachments::put(typed, &template.attachments, "");
    typed.set("email.template_id", template.id.to_string());
}

/// HTML and text of the body; one of them is empty.
pub fn body(typed: &Typed) -> (String, String) {
    let body = typed.get("email.body").replace("\r\n", "\n");
    match typed.get("email.format") {
        "html" => (html_of(&body), String::new()),
        _ => (String::new(), body),
    }
}

/// What was written as HTML; without the editor, paragraphs are what people write.
pub fn html_of(typed: &str) -> String {
    let typed = typed.replace("\r\n", "\n");
    if typed.contains('<') { typed } else { paragraphs(&typed) }
}

/// Text without any HTML as paragraphs; merge tags stay as they are.
fn paragraphs(text: &str) -> String {
    let paragraph = |words: &str| format!("<p>{}</p>", words.trim().replace('\n', "<br>"));
    let written: Vec<String> =
        text.trim().split("\n\n").filter(|words| !words.trim().is_empty()).map(paragraph).collect();
    written.join("\n")
}

/// The step the form stands for. The link to a template is kept as long as the words are the template's.
pub fn read(typed: &Typed, before: &Step, template: Option<&Template>) -> Result<Step, Vec<Refused>> {
    let mut wrong = attachments::refused(typed);
    let days = "Enter a whole number of days.";
    let amount = or_default(typed.number("wait.amount", "Enter a whole number; 0 is immediately."), &mut wrong);
    let unit =
        UNITS.iter().find(|(_, name, _)| *name == typed.get("wait.unit")).map_or(WaitUnit::Days, |(unit, ..)| *unit);
    let email = before.action.email().map(|email| read_email(typed, email, template));
    let mut task = before.action.task().cloned();
    if let Some(task) = &mut task {
        task.kind = TaskKind::parse(typed.get("task.kind")).unwrap_or(task.kind);
        task.content = typed.trimmed("task.content");
        task.due_in_days = or_default(typed.number("task.due_in_days", days), &mut wrong);
        task.mode =
            MODES.iter().find(|(_, name, ..)| *name == typed.get("task.mode")).map_or(task.mode, |(mode, ..)| *mode);
        if task.mode == TaskMode::WaitUntilOverdue {
            task.overdue_days = or_default(typed.number("task.overdue_days", days), &mut wrong);
        }
    }
    let action = match (&before.action, email, task) {
        (Action::ManualEmail { .. }, Some(email), Some(task)) => Action::ManualEmail { email, task },
        (Action::AutomatedEmail { .. }, Some(email), _) => Action::AutomatedEmail { email },
        (_, _, Some(task)) => Action::Task { task },
        _ => before.action.clone(),
    };
    all_right(Step { id: before.id, wait: Wait { amount, unit }, action }, wrong)
}

/// The words the form stands for, without judging the rest of it.
pub fn read_email(typed: &Typed, before: &EmailText, template: Option<&Template>) -> EmailText {
    let (body_html, mut body_text) = body(typed);
    let subject = typed.trimmed("email.subject");
    if !body_html.is_empty() && body_html == before.body_html.replace("\r\n", "\n") {
        body_text.clone_from(&before.body_text);
    }
    let attached = attachments::of(typed);
    let plain = |text: &str| text.replace("\r\n", "\n");
    let is_templates = |template: &&Template| {
        template.subject == subject
            && plain(&template.body_html) == body_html
            && (!body_html.is_empty() || plain(&template.body_text) == body_text)
            && template.attachments == attached
    };
    EmailText {
        template_id: template.filter(is_templates).map(|template| template.id),
        attachments: attached.clone(),
        subject,
        body_html,
        body_text,
        reply_in_thread: typed.is_set("email.reply_in_thread"),
    }
}

/// The refusals of a plan as the form of the step at `index` shows them; those of other steps name their step.
pub fn errors(refused: Vec<Refused>, index: usize) -> FormErrors {
    let here = format!("steps[{index}].");
    let place = |refused: Refused| match refused.field.as_deref() {
        Some(field) if field.starts_with(&here) => {
            let field = match &field[here.len()..] {
                "email.body_html" | "email.body_text" => "email.body",
                field => field,
            };
            Refused { field: Some(field.to_owned()), ..refused }
        }
        Some(field) => match step_number(field) {
            Some(number) => Refused { message: format!("Step {number}: {}", refused.message), ..refused },
            None => refused,
        },
        None => refused,
    };
    FormErrors(refused.into_iter().map(place).collect())
}

/// The position from 1 of the step a field belongs to.
pub fn step_number(field: &str) -> Option<usize> {
    let (index, _) = field.strip_prefix("steps[")?.split_once(']')?;
    index.parse::<usize>().ok().map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_step_goes_through_the_form_unchanged() {
        for kind in ["automated_email", "manual_email", "task"] {
            let mut step = fresh(kind, true, true).expect("a kind");
            if let Action::AutomatedEmail { email } | Action::ManualEmail { email, .. } = &mut step.action {
                *email = EmailText {
                    subject: "Hi".into(),
                    body_html: "<p>Hi</p>".into(),
                    body_text: "Hi".into(),
                    ..email.clone()
                };
            }
            assert_eq!(read(&of(&step), &step, None), Ok(step.clone()), "{kind}");
        }
        assert!(fresh("fax", false, false).is_none());
    }

    #[test]
    fn words_that_differ_from_the_template_are_ones_own() {
        let id = relance_domain::TemplateId::from_uuid(uuid::Uuid::from_u128(3));
        let at = relance_domain::Timestamp::from_ms(0);
        let template = Template {
            id,
            name: "Intro".into(),
            folder: String::new(),
            subject: "Hello".into(),
            body_html: String::new(),
            body_text: "Hi there".into(),
            attachments: Vec::new(),
            shared: true,
            owner_id: None,
            created_at: at,
            updated_at: at,
        };
        let step = fresh("automated_email", false, false).expect("a kind");
        let mut typed = of(&step);
        use_template(&mut typed, &template);
        let taken = read(&typed, &step, Some(&template)).expect("a step");
        assert_eq!(taken.action.email().and_then(|email| email.template_id), Some(id));
        typed.set("email.body", "Hi you");
        let own = read(&typed, &step, Some(&template)).expect("a step");
        assert_eq!(own.action.email().and_then(|email| email.template_id), None);
    }

    #[test]
    fn refusals_of_the_opened_step_stand_at_its_fields_and_others_name_their_step() {
        let refused = vec![
            Refused::at("steps[1].email.body_html", "unknown_tag", "There is no tag person.nam."),
            Refused::at("steps[0].email.subject", "required", "This email needs a subject."),
        ];
        let errors = errors(refused, 1);
        assert_eq!(errors.at("email.body"), "There is no tag person.nam.");
        assert_eq!(errors.above(&FIELDS), "Step 1: This email needs a subject.");
        let mut typed = of(&fresh("task", false, false).expect("a kind"));
        typed.set("wait.amount", "soon");
        let wrong = read(&typed, &fresh("task", false, false).expect("a kind"), None).expect_err("a refusal");
        assert_eq!(wrong[0].field.as_deref(), Some("wait.amount"));
    }
}
