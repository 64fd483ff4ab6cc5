//! The field for the text of an email, on every page that has one: the editor with its tags and the attached files.
//!
//! It is a template of its own, compiled once. The form it stands in sends `email.body`, `email.format` and the files.

use askama::Template;

use super::form::Typed;
use crate::errors::FormErrors;

/// The field.
#[derive(Template)]
#[template(path = "templates/mail_editor.html")]
pub struct Body<'a> {
    typed: &'a Typed,
    errors: &'a FormErrors,
}

/// The field with what was typed and what is wrong with it.
pub fn body<'a>(typed: &'a Typed, errors: &'a FormErrors) -> Body<'a> {
    Body { typed, errors }
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
