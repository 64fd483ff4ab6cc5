//! What people ask for: one file per verb or resource, each command one method of [`crate::Engine`].
//!
//! A command checks the actor's rights, judges by the domain's rules, and writes rows and activity in one transaction.
//! What must keep an email from leaving raises the enrollment's revision in that transaction, and the answer names the
//! emails that were already on their way. Pages, API and command line call the same commands and get the same errors.

pub mod absence;
mod access;
pub mod attachments;
pub mod audit;
pub mod bulk;
pub mod bulk_effect;
pub mod bulk_merges;
pub(crate) mod bulk_rows;
pub mod bulk_tasks;
pub mod bulk_undo;
pub mod consents;
pub mod convert;
pub mod csv_text;
pub mod custom_fields;
pub mod delete;
pub mod domain_check;
pub mod drafts;
pub mod edits;
mod email_html;
mod ending;
pub mod enroll;
mod enrollment_preview;
pub(crate) mod follow;
mod ground;
pub mod hand_over;
mod holidays;
pub mod impact;
pub mod import;
pub(crate) mod import_fields;
pub mod key_change;
mod layout;
pub mod lists;
pub mod mail_providers;
pub mod mailbox_access;
mod mailbox_check;
pub mod mailbox_folders;
mod mailbox_pace;
mod mailbox_states;
pub mod mailboxes;
pub(crate) mod manual_drafts;
pub mod merge_tags;
pub(crate) mod moves;
mod notes;
pub mod outcome;
pub mod password_links;
mod passwords;
pub mod pause;
pub mod people;
pub mod preflight;
pub mod preview;
pub mod publish;
mod release;
pub mod resolve;
pub mod retry;
pub mod review;
pub mod sandbox;
pub mod sequences;
pub mod sessions;
pub mod sign_in;
pub mod step_answer;
pub mod steps;
pub mod stop;
pub mod suppressions;
pub mod tags;
pub mod task_emails;
mod task_reopening;
pub mod tasks;
pub mod teams;
mod telling;
pub mod templates;
pub mod test_send;
pub mod tokens;
pub mod two_step;
pub mod unsubscribe;
pub mod uploads;
pub mod users;
mod words;
pub mod workspace;

pub use outcome::{Ended, LeavingEmail, RowOutcome};

/// Set-based commands take at most 1,000 rows at once; beyond, a job does it.
pub(crate) fn at_most_1000(count: usize) -> crate::Result<()> {
    if count <= 1_000 {
        return Ok(());
    }
    Err(crate::EngineError::refused("too_many", "At most 1,000 at once. Start a bulk action for more."))
}
