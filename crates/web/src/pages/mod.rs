//! The pages: one file per resource, with the handlers and the shapes their templates draw.

pub mod attachments;
pub mod deliveries;
pub mod demo;
pub mod enroll;
pub mod enrollments;
pub mod form;
pub mod home;
pub mod imports;
pub mod jobs;
pub mod lists;
mod mail;
pub mod mail_editor;
pub mod mailboxes;
pub mod palette;
pub mod people;
pub mod preview;
pub mod review;
pub mod schedule;
pub mod sequences;
pub mod set_up;
pub mod settings;
pub mod sign_in;
pub mod tasks;
pub mod templates;
pub mod unsubscribe;

/// *today, 09:12* inside a sentence, where a time of its own begins with a capital.
pub(crate) fn in_sentence(time: &str) -> String {
    let words = ["Today", "Tomorrow", "Yesterday"];
    match words.into_iter().find(|word| time.starts_with(word)) {
        Some(word) => time.replacen(word, &word.to_lowercase(), 1),
        None => time.to_owned(),
    }
}
