//! Every address of a page, made in one place: templates and redirects never write one by hand.
//!
//! Here stand those of daily work; those of people and of the settings have files of their own. The patterns of the same
//! addresses are in `routes`; a test walks both.

mod people;
mod settings;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use relance_domain::{DeliveryId, EnrollmentId, InboundId, PersonId, SequenceId, StepId, TaskId, TemplateId};

pub use people::*;
pub use settings::*;

/// Characters that may not stand in a query value.
const QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'=').add(b'>').add(b'?');

/// How fast the demo's clock runs, by POST.
pub const DEMO_SPEED: &str = "/demo/speed";
/// Home.
pub const HOME: &str = "/";
/// The first run.
pub const SET_UP: &str = "/set-up";
/// Signing in.
pub const SIGN_IN: &str = "/sign-in";
/// The second step of signing in.
pub const SIGN_IN_CODE: &str = "/sign-in/code";
/// Signing out, by POST.
pub const SIGN_OUT: &str = "/sign-out";
/// *Stop all sending*, by POST.
pub const STOP_SENDING: &str = "/workspace/pause";
/// Resume sending, by POST.
pub const RESUME_SENDING: &str = "/workspace/resume";
/// The palette.
pub const PALETTE: &str = "/palette";
/// Sequences.
pub const SEQUENCES: &str = "/sequences";
/// Templates.
pub const TEMPLATES: &str = "/templates";
/// Tasks.
pub const TASKS: &str = "/tasks";
/// Several tasks at once, by POST.
pub const BULK_TASKS: &str = "/tasks/bulk";
/// The task player.
pub const TASK_PLAYER: &str = "/tasks/player";
/// Tasks due after today.
pub const UPCOMING_TASKS: &str = "/tasks?part=upcoming";
/// The review tray.
pub const REVIEW: &str = "/review";
/// A new template.
pub const NEW_TEMPLATE: &str = "/templates/new";
/// Takes in a file for a form, by POST.
pub const ATTACHMENTS: &str = "/attachments";
/// Puts templates into a folder, by POST.
pub const MOVE_TEMPLATES: &str = "/templates/move";
/// Renames a folder of templates, by POST.
pub const RENAME_FOLDER: &str = "/templates/folder";
/// All merge tags, as a page and in the menu of the editor.
pub const TEMPLATE_TAGS: &str = "/templates/tags";
/// The preview of a template's form, by POST.
pub const TEMPLATE_PREVIEW: &str = "/templates/preview";
/// Whom an email can be previewed as.
pub const PREVIEW_PEOPLE: &str = "/templates/preview/people";
/// The preview of a signature, by POST.
pub const SIGNATURE_PREVIEW: &str = "/settings/mailboxes/signature";
/// Retries everything blocked for one reason, by POST.
pub const RETRY_ALL: &str = "/blocked/retry";

/// A value for a query.
pub fn value(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// The second step of signing in, and where to go afterwards.
pub fn sign_in_code_then(to: &str) -> String {
    if to == HOME { SIGN_IN_CODE.to_owned() } else { format!("{SIGN_IN_CODE}?to={}", value(to)) }
}

/// Where a user chooses a password with a link.
pub fn password_link(token: &str) -> String {
    format!("/password/{token}")
}

/// Sign in, then go there.
pub fn sign_in_then(to: &str) -> String {
    if to == HOME { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?to={}", value(to)) }
}

/// An enrollment.
pub fn enrollment(id: EnrollmentId) -> String {
    format!("/enrollments/{id}")
}

/// An enrollment with one of its steps chosen.
pub fn enrollment_step(id: EnrollmentId, step: StepId) -> String {
    format!("/enrollments/{id}?step={step}")
}

/// What is done with an enrollment, by POST: `pause`, `resume`, `stop`, `retry`, `resolve`.
pub fn enrollment_action(id: EnrollmentId, action: &str) -> String {
    format!("/enrollments/{id}/{action}")
}

/// `skip` or `reschedule`, by POST, of the step that is next as the page was drawn: on an old page it is refused.
pub fn next_step_action(id: EnrollmentId, action: &str, step: Option<StepId>) -> String {
    let step = step.map(|step| step.to_string()).unwrap_or_default();
    with_query(&enrollment_action(id, action), &[("step", &step)])
}

/// A delivery: exactly what was sent.
pub fn delivery(id: DeliveryId) -> String {
    format!("/deliveries/{id}")
}

/// The body of a delivery, for a frame.
pub fn delivery_body(id: DeliveryId) -> String {
    format!("/deliveries/{id}/body")
}

/// The body a step would have for a person, for a frame.
pub fn step_body(id: EnrollmentId, step: StepId) -> String {
    format!("/enrollments/{id}/steps/{step}/body")
}

/// The form of one person's email, edited before it leaves.
pub fn edit_step(id: EnrollmentId, step: StepId) -> String {
    format!("/enrollments/{id}/steps/{step}/edit")
}

/// The preview of what is typed there.
pub fn preview_step(id: EnrollmentId, step: StepId) -> String {
    format!("/enrollments/{id}/steps/{step}/preview")
}

/// Back to the words of the sequence.
pub fn reset_step(id: EnrollmentId, step: StepId) -> String {
    format!("/enrollments/{id}/steps/{step}/reset")
}

/// A received message in the review tray.
pub fn review_message(id: InboundId) -> String {
    format!("/review/{id}")
}

/// A sequence.
pub fn sequence(id: SequenceId) -> String {
    format!("/sequences/{id}")
}

/// A new sequence.
pub fn new_sequence() -> String {
    "/sequences/new".to_owned()
}

/// A template.
pub fn template(id: TemplateId) -> String {
    format!("/templates/{id}")
}

/// A task.
pub fn task(id: TaskId) -> String {
    format!("/tasks/{id}")
}

/// What is done with a task, by POST: `done`, `skip`, `snooze`, `reopen`, `unsnooze`, `delete`; `email` is where one writes.
pub fn task_action(id: TaskId, action: &str) -> String {
    format!("/tasks/{id}/{action}")
}

/// Where an email is written to a person at once, or sent by POST.
pub fn email(person: PersonId) -> String {
    format!("{}/email", self::person(person))
}

/// A new task, about a person if one is given.
pub fn new_task(person: Option<PersonId>) -> String {
    person.map_or_else(|| "/tasks/new".to_owned(), |person| format!("/tasks/new?person={person}"))
}

/// A tab of a sequence: `people`, `settings`, `history`.
pub fn sequence_tab(id: SequenceId, tab: &str) -> String {
    format!("/sequences/{id}/{tab}")
}

/// A sequence with one of its steps opened.
pub fn sequence_step(id: SequenceId, step: StepId) -> String {
    format!("/sequences/{id}?step={step}")
}

/// What is done with a sequence, by POST: `activate`, `pause`, `resume`, `archive`, `clone`, `delete`, `steps`.
pub fn sequence_action(id: SequenceId, action: &str) -> String {
    format!("/sequences/{id}/{action}")
}

/// Takes back what one change did to the steps of a draft, by POST.
pub fn undo_draft(id: SequenceId, number: u32) -> String {
    format!("/sequences/{id}/drafts/{number}/undo")
}

/// What publishing a sequence would do, and the choice who follows it.
pub fn publish(id: SequenceId) -> String {
    format!("/sequences/{id}/publish")
}

/// A step of a sequence, by POST: saved.
pub fn step(id: SequenceId, step: StepId) -> String {
    format!("/sequences/{id}/steps/{step}")
}

/// What is done with a step, by POST: `preview`, `template`, `move`, `duplicate`, `wait`, `test`, `delete`.
pub fn step_action(id: SequenceId, step: StepId, action: &str) -> String {
    format!("/sequences/{id}/steps/{step}/{action}")
}

/// A new template in a folder.
pub fn new_template(folder: &str) -> String {
    if folder.is_empty() { NEW_TEMPLATE.to_owned() } else { with_query(NEW_TEMPLATE, &[("folder", folder)]) }
}

/// The form that renames a folder of templates.
pub fn rename_folder(folder: &str) -> String {
    with_query(RENAME_FOLDER, &[("name", folder)])
}

/// Sends a template to oneself, by POST.
pub fn test_template(id: TemplateId) -> String {
    format!("/templates/{id}/test")
}

/// Makes a copy of a template, by POST.
pub fn clone_template(id: TemplateId) -> String {
    format!("/templates/{id}/clone")
}

/// Deletes a template, by POST.
pub fn delete_template(id: TemplateId) -> String {
    format!("/templates/{id}/delete")
}

/// What is done with a message in the tray, by POST: `assign`, `away`, `ignore`.
pub fn review_action(id: InboundId, action: &str) -> String {
    format!("/review/{id}/{action}")
}

/// The public page of an unsubscribe link.
pub fn unsubscribe(token: &str) -> String {
    format!("/unsubscribe/{token}")
}

/// `path?a=b&c=d` without empty values.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("{name}={}", value(text)))
        .collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}
