//! Addresses of people, their lists and notes, starting sequences for them, imports and bulk actions.

use relance_domain::person::Kind;
use relance_domain::{ActivityId, InboundId, JobId, ListId, PersonId, SequenceId, UploadId};

use super::{value, with_query};

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
/// The check of the bulk enroll dialog as a file, by POST.
pub const ENROLL_CHECK_CSV: &str = "/people/enroll/check.csv";
/// Companies whose names begin like what was typed, by POST.
pub const COMPANIES: &str = "/people/companies";

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

/// The day of return that an automatic answer gave, corrected by POST.
pub fn return_date(id: PersonId, message: InboundId) -> String {
    format!("/people/{id}/messages/{message}/return")
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

/// A new contact at a company.
pub fn new_colleague(company: PersonId) -> String {
    format!("/people/new?kind=contact&company={company}")
}

/// What people lack for a sequence, or for the sequences that wait.
pub fn complete_data(sequence: Option<SequenceId>) -> String {
    sequence.map_or_else(|| "/complete-data".to_owned(), |id| format!("/complete-data?sequence={id}"))
}

/// What these people lack for a sequence; of more than fit on a page, everyone of their kind.
pub fn complete_data_of(sequence: SequenceId, kind: Kind, ids: &[PersonId]) -> String {
    let all = complete_data(Some(sequence));
    if ids.len() > 50 {
        return format!("{all}&who={}s", kind.as_str());
    }
    ids.iter().fold(all, |href, id| format!("{href}&id={id}"))
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

/// The form of a call that was made, by POST the call.
pub fn calls(id: PersonId) -> String {
    format!("/people/{id}/calls")
}

/// A logged call.
pub fn call(person: PersonId, call: ActivityId) -> String {
    format!("/people/{person}/calls/{call}")
}

/// What calls a number, as phones take it: digits and a plus; empty where there is none.
pub fn telephone(number: &str) -> String {
    let digits: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    if digits.is_empty() { String::new() } else { format!("tel:{digits}") }
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
