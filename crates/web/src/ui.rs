//! The components that stand on a page most often, each a template of its own.
//!
//! `ui.html` gives them their names and what may be left out; pages call its macros. A macro is compiled into every place
//! that calls it, so the long ones only pass their values on to here.
#![expect(clippy::too_many_arguments, reason = "the macros of ui.html name the values, and nobody else calls these")]

use askama::Template;

use crate::words::When;

/// A button that sends its form.
#[derive(Template)]
#[template(path = "ui/button.html")]
pub struct Button<'a> {
    label: &'a str,
    icon: &'a str,
    kind: &'a str,
    key: &'a str,
    busy: &'a str,
    name: &'a str,
    value: &'a str,
    action: &'a str,
    method: &'a str,
    frame: &'a str,
    confirm: &'a str,
    disabled: bool,
    form: &'a str,
}

/// A button that sends its form.
pub fn button<'a>(
    label: &'a str,
    icon: &'a str,
    kind: &'a str,
    key: &'a str,
    busy: &'a str,
    name: &'a str,
    value: &'a str,
    action: &'a str,
    method: &'a str,
    frame: &'a str,
    confirm: &'a str,
    disabled: bool,
    form: &'a str,
) -> Button<'a> {
    Button { label, icon, kind, key, busy, name, value, action, method, frame, confirm, disabled, form }
}

/// A link that looks like a button.
#[derive(Template)]
#[template(path = "ui/link_button.html")]
pub struct LinkButton<'a> {
    label: &'a str,
    href: &'a str,
    icon: &'a str,
    kind: &'a str,
    key: &'a str,
    frame: &'a str,
}

/// A link that looks like a button.
pub fn link_button<'a>(
    label: &'a str,
    href: &'a str,
    icon: &'a str,
    kind: &'a str,
    key: &'a str,
    frame: &'a str,
) -> LinkButton<'a> {
    LinkButton { label, href, icon, kind, key, frame }
}

/// A field with its label, error and hint.
#[derive(Template)]
#[template(path = "ui/field.html")]
pub struct Field<'a> {
    name: &'a str,
    label: &'a str,
    value: &'a str,
    r#type: &'a str,
    error: &'a str,
    hint: &'a str,
    required: bool,
    autocomplete: &'a str,
    placeholder: &'a str,
    autofocus: bool,
    min: &'a str,
    max: &'a str,
    readonly: bool,
}

/// A field with its label, error and hint.
pub fn field<'a>(
    name: &'a str,
    label: &'a str,
    value: &'a str,
    r#type: &'a str,
    error: &'a str,
    hint: &'a str,
    required: bool,
    autocomplete: &'a str,
    placeholder: &'a str,
    autofocus: bool,
    min: &'a str,
    max: &'a str,
    readonly: bool,
) -> Field<'a> {
    Field {
        name,
        label,
        value,
        r#type,
        error,
        hint,
        required,
        autocomplete,
        placeholder,
        autofocus,
        min,
        max,
        readonly,
    }
}

/// A field of several lines.
#[derive(Template)]
#[template(path = "ui/textarea.html")]
pub struct TextArea<'a> {
    name: &'a str,
    label: &'a str,
    value: &'a str,
    error: &'a str,
    hint: &'a str,
    rows: &'a str,
    required: bool,
    placeholder: &'a str,
}

/// A field of several lines.
pub fn textarea<'a>(
    name: &'a str,
    label: &'a str,
    value: &'a str,
    error: &'a str,
    hint: &'a str,
    rows: &'a str,
    required: bool,
    placeholder: &'a str,
) -> TextArea<'a> {
    TextArea { name, label, value, error, hint, rows, required, placeholder }
}

/// An instant in words, exact on hover and focus.
#[derive(Template)]
#[template(path = "ui/time.html")]
pub struct Time<'a> {
    when: &'a When,
}

/// An instant in words, exact on hover and focus.
pub fn time(when: &When) -> Time<'_> {
    Time { when }
}
