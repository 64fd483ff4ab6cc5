//! Every address of a page, made in one place: templates and redirects never write one by hand.
//!
//! The patterns of the same addresses are in `routes`; a test walks both.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use relance_domain::person::Kind;
use relance_domain::{
    ActivityId, CustomFieldId, DeliveryId, EnrollmentId, InboundId, JobId, ListId, MailboxId, PersonId, SequenceId,
    StepId, SuppressionId, TaskId, TeamId, TemplateId, TokenId, UploadId, UserId,
};

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
/// Signing out, by POST.
pub const SIGN_OUT: &str = "/sign-out";
/// *Stop all sending*, by POST.
pub const STOP_SENDING: &str = "/workspace/pause";
/// Resume sending, by POST.
pub const RESUME_SENDING: &str = "/workspace/resume";
/// The palette.
pub const PALETTE: &str = "/palette";
/// Import: upload.
pub const IMPORT: &str = "/import";
/// The bulk actions on people, by POST.
pub const PEOPLE_BULK: &str = "/people/bulk";
/// The rule builder of a list.
pub const PEOPLE_FILTER: &str = "/people/filter";
/// The column chooser of a list.
pub const PEOPLE_COLUMNS: &str = "/people/columns";
/// Index or table, by POST.
pub const PEOPLE_VIEW: &str = "/people/view";
/// Which columns an export has; the file itself by POST.
pub const PEOPLE_EXPORT: &str = "/people/export";
/// Smart lists.
pub const LISTS: &str = "/lists";
/// A new smart list.
pub const NEW_LIST: &str = "/lists/new";
/// The bulk enroll dialog, by POST.
pub const ENROLL_MANY: &str = "/people/enroll";
/// Sequences.
pub const SEQUENCES: &str = "/sequences";
/// Templates.
pub const TEMPLATES: &str = "/templates";
/// Tasks.
pub const TASKS: &str = "/tasks";
/// The task player.
pub const TASK_PLAYER: &str = "/tasks/player";
/// Tasks due after today.
pub const UPCOMING_TASKS: &str = "/tasks?part=upcoming";
/// The review tray.
pub const REVIEW: &str = "/review";
/// Settings.
pub const SETTINGS: &str = "/settings";
/// Mailboxes.
pub const MAILBOXES: &str = "/settings/mailboxes";
/// The user's own settings.
pub const PROFILE: &str = "/settings/profile";

/// A value for a query.
pub fn value(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// Sign in, then go there.
pub fn sign_in_then(to: &str) -> String {
    if to == HOME { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?to={}", value(to)) }
}

/// The list of leads or contacts.
pub fn people(kind: Kind) -> &'static str {
    match kind {
        Kind::Lead => "/leads",
        Kind::Contact => "/contacts",
    }
}

/// A smart list.
pub fn list(id: ListId) -> String {
    format!("/lists/{id}")
}

/// What is done with a smart list: `edit`, by POST also `save`, `delete`, `pin`, `unpin`.
pub fn list_action(id: ListId, action: &str) -> String {
    format!("/lists/{id}/{action}")
}

/// A dialog about a list as it is asked now.
pub fn of_list(path: &str, kind: Kind, asked: &[(String, String)]) -> String {
    let mut pairs = vec![("kind", kind.as_str())];
    pairs.extend(asked.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    with_query(path, &pairs)
}

/// A new lead or contact.
pub fn new_person(kind: Kind) -> String {
    format!("/people/new?kind={}", kind.as_str())
}

/// A person.
pub fn person(id: PersonId) -> String {
    format!("/people/{id}")
}

/// The form of a person.
pub fn edit_person(id: PersonId) -> String {
    format!("/people/{id}/edit")
}

/// The form of a person, at one field.
pub fn edit_field(id: PersonId, field: &str) -> String {
    format!("/people/{id}/edit#f-{field}")
}

/// The form of a person at the field a merge tag reads (`person.industry`, `company.name`).
pub fn edit_tag(id: PersonId, tag: &str) -> String {
    let field = tag.rsplit('.').next().unwrap_or(tag);
    let field = match field {
        "organization" | "name" => "organization_name",
        "city" | "country" | "state" | "postal_code" | "line" => return edit_field(id, &format!("address.{field}")),
        field => field,
    };
    if tag.contains("custom_fields.") || tag.contains("custom.") {
        return edit_field(id, &format!("custom_fields.{field}"));
    }
    edit_field(id, field)
}

/// Converts a lead.
pub fn convert(id: PersonId) -> String {
    format!("/people/{id}/convert")
}

/// Deletes a person, by POST.
pub fn delete_person(id: PersonId) -> String {
    format!("/people/{id}/delete")
}

/// Brings people back, by POST; ids joined by commas.
pub fn restore_people(ids: &[PersonId]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    format!("/people/restore?ids={}", ids.join(","))
}

/// The form of some fields of a person: `industry`, `address`, `custom_fields.plan`.
pub fn person_field(id: PersonId, group: &str) -> String {
    format!("/people/{id}/fields/{}", value(group))
}

/// Companies whose names begin like what was typed, by POST.
pub const COMPANIES: &str = "/people/companies";

/// A new contact at a company.
pub fn new_colleague(company: PersonId) -> String {
    format!("/people/new?kind=contact&company={company}")
}

/// What people lack for a sequence, or for the sequences that wait.
pub fn complete_data(sequence: Option<SequenceId>) -> String {
    sequence.map_or_else(|| "/complete-data".to_owned(), |id| format!("/complete-data?sequence={id}"))
}

/// A note.
pub fn note(person: PersonId, note: ActivityId) -> String {
    format!("/people/{person}/notes/{note}")
}

/// Removes a note, by POST.
pub fn delete_note(person: PersonId, note: ActivityId) -> String {
    format!("/people/{person}/notes/{note}/delete")
}

/// Notes of a person, by POST.
pub fn notes(id: PersonId) -> String {
    format!("/people/{id}/notes")
}

/// The enroll dialog of a person.
pub fn enroll(id: PersonId) -> String {
    format!("/people/{id}/enroll")
}

/// The enroll dialog of a person, previewing a sequence.
pub fn enroll_in(id: PersonId, sequence: SequenceId) -> String {
    format!("/people/{id}/enroll?sequence={sequence}")
}

/// The body of a previewed step, for a frame.
pub fn enroll_body(id: PersonId, sequence: &str, step: usize) -> String {
    format!("/people/{id}/enroll/{}/body?step={step}", value(sequence))
}

/// An enrollment.
pub fn enrollment(id: EnrollmentId) -> String {
    format!("/enrollments/{id}")
}

/// An enrollment with one of its steps chosen.
pub fn enrollment_step(id: EnrollmentId, step: StepId) -> String {
    format!("/enrollments/{id}?step={step}")
}

/// What is done with an enrollment, by POST: `pause`, `resume`, `stop`, `retry`, `resolve`, `skip`, `reschedule`.
pub fn enrollment_action(id: EnrollmentId, action: &str) -> String {
    format!("/enrollments/{id}/{action}")
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

/// A job.
pub fn job(id: JobId) -> String {
    format!("/jobs/{id}")
}

/// The stream of a job's progress.
pub fn job_events(id: JobId) -> String {
    format!("/jobs/{id}/events")
}

/// The rows of a job as CSV.
pub fn job_rows_csv(id: JobId) -> String {
    format!("/jobs/{id}/rows.csv")
}

/// Cancels a job, by POST.
pub fn cancel_job(id: JobId) -> String {
    format!("/jobs/{id}/cancel")
}

/// Takes a bulk action back, by POST.
pub fn undo_job(id: JobId) -> String {
    format!("/jobs/{id}/undo")
}

/// What became of each of a few people, as a dialog.
pub fn job_report(id: JobId) -> String {
    format!("/jobs/{id}/report")
}

/// An uploaded file whose columns are chosen.
pub fn upload(id: UploadId) -> String {
    format!("/import/{id}")
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

/// A mailbox.
pub fn mailbox(id: MailboxId) -> String {
    format!("/settings/mailboxes/{id}")
}

/// A new mailbox.
pub fn new_mailbox() -> String {
    "/settings/mailboxes/new".to_owned()
}

/// A task.
pub fn task(id: TaskId) -> String {
    format!("/tasks/{id}")
}

/// What is done with a task, by POST: `done`, `skip`, `snooze`.
pub fn task_action(id: TaskId, action: &str) -> String {
    format!("/tasks/{id}/{action}")
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

/// A step of a sequence, by POST: saved.
pub fn step(id: SequenceId, step: StepId) -> String {
    format!("/sequences/{id}/steps/{step}")
}

/// What is done with a step, by POST: `preview`, `template`, `move`, `delete`.
pub fn step_action(id: SequenceId, step: StepId, action: &str) -> String {
    format!("/sequences/{id}/steps/{step}/{action}")
}

/// A new template.
pub const NEW_TEMPLATE: &str = "/templates/new";
/// The preview of a template's form, by POST.
pub const TEMPLATE_PREVIEW: &str = "/templates/preview";

/// Deletes a template, by POST.
pub fn delete_template(id: TemplateId) -> String {
    format!("/templates/{id}/delete")
}

/// What is done with a mailbox, by POST: `check`, `pause`, `resume`, `disconnect`; by GET: `sandbox`.
pub fn mailbox_action(id: MailboxId, action: &str) -> String {
    format!("/settings/mailboxes/{id}/{action}")
}

/// The prospect answers an email of a sandbox, by POST.
pub fn sandbox_answer(mailbox: MailboxId, delivery: DeliveryId) -> String {
    format!("/settings/mailboxes/{mailbox}/sandbox/{delivery}")
}

/// What is done with a message in the tray, by POST: `assign`, `ignore`.
pub fn review_action(id: InboundId, action: &str) -> String {
    format!("/review/{id}/{action}")
}

/// Users.
pub const TEAM: &str = "/settings/team";
/// Teams, and which people reps see.
pub const TEAMS: &str = "/settings/teams";
/// A new team.
pub const NEW_TEAM: &str = "/settings/teams/new";
/// Which people reps see, by POST.
pub const VISIBILITY: &str = "/settings/visibility";
/// A new user.
pub const NEW_USER: &str = "/settings/team/new";
/// The suppression list.
pub const SUPPRESSIONS: &str = "/settings/suppressions";
/// Many entries for it at once.
pub const SUPPRESS_MANY: &str = "/settings/suppressions/many";
/// The suppression list as CSV.
pub const SUPPRESSIONS_CSV: &str = "/settings/suppressions.csv";
/// Custom fields.
pub const FIELDS: &str = "/settings/fields";
/// A new custom field.
pub const NEW_FIELD: &str = "/settings/fields/new";
/// The layout of a person's page.
pub const LAYOUT: &str = "/settings/layout";
/// Retries everything blocked for one reason, by POST.
pub const RETRY_ALL: &str = "/blocked/retry";
/// Tokens of the API.
pub const API: &str = "/settings/api";
/// The user's own password, by POST.
pub const PASSWORD: &str = "/settings/profile/password";
/// Light or dark, by POST.
pub const LOOKS: &str = "/settings/profile/looks";
/// Ends all of the user's sessions, by POST.
pub const SIGN_OUT_EVERYWHERE: &str = "/settings/profile/sign-out-everywhere";

/// A user.
pub fn user(id: UserId) -> String {
    format!("/settings/team/{id}")
}

/// A team.
pub fn team(id: TeamId) -> String {
    format!("/settings/teams/{id}")
}

/// Deletes a team, by POST.
pub fn delete_team(id: TeamId) -> String {
    format!("/settings/teams/{id}/delete")
}

/// A custom field.
pub fn custom_field(id: CustomFieldId) -> String {
    format!("/settings/fields/{id}")
}

/// What is done with a custom field, by POST: `move`, `delete`.
pub fn custom_field_action(id: CustomFieldId, action: &str) -> String {
    format!("/settings/fields/{id}/{action}")
}

/// What is done with a user, by POST: `password`, `deactivate`, `reactivate`.
pub fn user_action(id: UserId, action: &str) -> String {
    format!("/settings/team/{id}/{action}")
}

/// Takes an entry off the suppression list, by POST.
pub fn lift_suppression(id: SuppressionId) -> String {
    format!("/settings/suppressions/{id}/delete")
}

/// Takes a token back, by POST.
pub fn delete_token(id: TokenId) -> String {
    format!("/settings/api/{id}/delete")
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
