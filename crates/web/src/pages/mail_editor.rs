//! The field for formatted text, on every page that has one: of an email with its tags and files, or of a signature.
//!
//! It is a template of its own, compiled once. The form of an email sends `email.body`, `email.format` and the files; that
//! of a mailbox `signature_html`.

use askama::Template;

use super::form::Typed;
use crate::errors::FormErrors;

/// The field.
#[derive(Template)]
#[template(path = "templates/mail_editor.html")]
pub struct Body<'a> {
    typed: &'a Typed,
    errors: &'a FormErrors,
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    rows: u8,
    /// It has merge tags, files and a plain form.
    is_email: bool,
}

/// The field with what was typed and what is wrong with it.
pub fn body<'a>(typed: &'a Typed, errors: &'a FormErrors) -> Body<'a> {
    let hint = "Type {{ for a merge tag. A tag without a value holds the email back; a default avoids that.";
    Body { typed, errors, name: "email.body", label: "Text", hint, rows: 12, is_email: true }
}

/// The field of a signature.
pub fn signature<'a>(typed: &'a Typed, errors: &'a FormErrors) -> Body<'a> {
    let hint = "It stands where an email has the tag Your signature.";
    Body { typed, errors, name: "signature_html", label: "Signature", hint, rows: 5, is_email: false }
}

/// A button above the editor.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// What the editor does.
    pub command: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Its name.
    pub label: &'static str,
    /// Keys that do the same, as people read them.
    pub keys: &'static str,
    /// It shows whether its format is on.
    pub is_toggle: bool,
    /// A line stands before it.
    pub begins_group: bool,
}

impl Tool {
    /// The keys as assistive technology reads them.
    pub fn shortcut(&self) -> String {
        self.keys.replace("Ctrl", "Control").replace(' ', "+")
    }
}

const fn tool(command: &'static str, icon: &'static str, label: &'static str, keys: &'static str) -> Tool {
    Tool { command, icon, label, keys, is_toggle: false, begins_group: false }
}

const fn toggle(command: &'static str, icon: &'static str, label: &'static str, keys: &'static str) -> Tool {
    Tool { is_toggle: true, ..tool(command, icon, label, keys) }
}

/// The row of formats.
pub const TOOLS: [Tool; 10] = [
    toggle("bold", "bold", "Bold", "Ctrl B"),
    toggle("italic", "italic", "Italic", "Ctrl I"),
    toggle("link", "link", "Link", "Ctrl K"),
    Tool { begins_group: true, ..toggle("unordered", "list", "Bulleted list", "Ctrl Shift 8") },
    toggle("ordered", "list-ordered", "Numbered list", "Ctrl Shift 7"),
    toggle("quote", "text-quote", "Quote", "Ctrl Shift 9"),
    Tool { begins_group: true, ..tool("picture", "image", "Picture", "") },
    tool("plain", "remove-formatting", "Remove formatting", "Ctrl Shift X"),
    Tool { begins_group: true, ..tool("undo", "undo-2", "Undo", "Ctrl Z") },
    tool("redo", "redo-2", "Redo", "Ctrl Shift Z"),
];
