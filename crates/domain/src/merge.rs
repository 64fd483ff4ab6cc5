//! Merge tags: `{{ person.first_name }}` with filters and conditionals, rendered against one person.
//!
//! Unknown tags, loops and macros are refused when a text is saved ([`check`]). A tag without a value and without a
//! default is *missing*: [`render`] reports all of them and the email is not sent. HTML escapes, subject and text do not.
//! A tag that only decides an `{% if %}` is never missing. Values are never read as templates, and rendering is
//! bounded: a text that does too much is refused.

mod tags;
mod walk;

use crate::{Refused, person::Person};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State,
    value::{Object, Value, ValueKind},
};
use std::{
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

pub use tags::{KnownTag, tags};

/// Instructions a text may take to render: some thousand times what a long email needs.
const FUEL: u64 = 100_000;

/// What a text became.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text; missing tags stand as nothing.
    pub text: String,
    /// Tags without a value, as written (`person.industry`), each once.
    pub missing: Vec<String>,
}

/// How values are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Values are HTML-escaped.
    Html,
    /// Values stand as they are; line breaks in values become spaces in a subject.
    Text,
    /// One line.
    Subject,
}

/// Who writes, as `sender.*`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sender<'a> {
    /// `sender.name`.
    pub name: &'a str,
    /// `sender.email`.
    pub email: &'a str,
    /// `sender.phone`.
    pub phone: &'a str,
    /// `sender.signature`: put into HTML as it is, into text without its markup.
    pub signature_html: &'a str,
}

/// What the tags stand for.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// `person.*`.
    pub person: &'a Person,
    /// `company.*`: the contact at which the person works.
    pub company: Option<&'a Person>,
    /// `sender.*`.
    pub sender: Sender<'a>,
    /// `unsubscribe_link`.
    pub unsubscribe_url: Option<&'a str>,
}

/// Judges a text when it is saved.
pub fn check(text: &str) -> Result<(), Refused> {
    walk::walk(text).map(drop)
}

/// The tags of a text, in order, each once; empty if it cannot be read.
pub fn tags_in(text: &str) -> Vec<String> {
    walk::walk(text).unwrap_or_default()
}

/// The tags that are put into a text without a default, in order, each once; empty if it cannot be read.
pub fn needed_in(text: &str) -> Vec<String> {
    walk::needed(text).unwrap_or_default()
}

/// The text with every tag, condition and note put through `change`; what lies between stays.
pub fn replace_tags(text: &str, mut change: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let end = match rest.as_bytes().get(start + 1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                out.push_str(&rest[..=start]);
                rest = &rest[start + 1..];
                continue;
            }
        };
        let Some(length) = rest[start + 2..].find(end).map(|at| at + 4) else { break };
        out.push_str(&rest[..start]);
        out.push_str(&change(&rest[start..start + length]));
        rest = &rest[start + length..];
    }
    out.push_str(rest);
    out
}

/// Renders a text once. Callers that render it for many people keep a [`Compiled`].
pub fn render(text: &str, format: Format, values: &Values) -> Result<Rendered, Refused> {
    Compiled::compile(text, format)?.render(values)
}

/// A text that was read and judged, ready to be rendered for many people.
#[derive(Debug)]
pub struct Compiled {
    environment: Environment<'static>,
    format: Format,
    tags: Vec<String>,
}

impl Compiled {
    /// Reads and judges a text as [`check`] does.
    pub fn compile(text: &str, format: Format) -> Result<Self, Refused> {
        let tags = walk::walk(text)?;
        let mut environment = ENVIRONMENT.clone();
        environment.add_template_owned(name_of(format), text.to_owned()).map_err(|error| walk::unreadable(&error))?;
        Ok(Self { environment, format, tags })
    }

    /// The tags it uses, in order, each once.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The text for one person.
    pub fn render(&self, values: &Values) -> Result<Rendered, Refused> {
        let missing = Arc::new(Mutex::new(Vec::new()));
        let entries = self.tags.iter().map(|tag| {
            let value = tags::value(values, tag, self.format)
                .unwrap_or_else(|| Value::from_object(Missing { tag: tag.clone(), missing: Arc::clone(&missing) }));
            (tag.clone(), value)
        });
        let scope = Scope { prefix: String::new(), entries: entries.collect() };
        let text = self
            .environment
            .get_template(name_of(self.format))
            .and_then(|template| template.render(Value::from_object(scope)))
            .map_err(|error| walk::unrenderable(&error))?;
        let missing = std::mem::take(&mut *missing.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Rendered { text: tidy(text, self.format), missing })
    }
}

const fn name_of(format: Format) -> &'static str {
    match format {
        Format::Html => "html",
        Format::Text | Format::Subject => "text",
    }
}

/// No NUL or other control characters; a subject is one line.
fn tidy(text: String, format: Format) -> String {
    match format {
        Format::Subject => crate::person::clean_line(&text),
        Format::Html | Format::Text if text.contains(is_bad) => text.replace(is_bad, ""),
        Format::Html | Format::Text => text,
    }
}

fn is_bad(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t' | '\r')
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| if name == "html" { AutoEscape::Html } else { AutoEscape::None });
    environment.set_formatter(write_value);
    environment.add_filter("default", |value: Value, other: Option<Value>| {
        if is_missing(&value) { other.unwrap_or_else(|| Value::from("")) } else { value }
    });
    environment.add_filter("title", |value: Value| change(value, title));
    environment.add_filter("upper", |value: Value| change(value, |text| text.to_uppercase()));
    environment.add_filter("lower", |value: Value| change(value, |text| text.to_lowercase()));
    environment.add_filter("first_word", |value: Value| {
        change(value, |text| text.split_whitespace().next().unwrap_or_default().to_owned())
    });
    environment.add_filter("date", |value: Value, format: Option<String>| -> Result<Value, Error> {
        if is_missing(&value) {
            return Ok(value);
        }
        let text = value.to_string();
        let date = parse_date(&text).ok_or_else(|| bad(format!("“{text}” is not a date")))?;
        format_date(date, format.as_deref()).map(Value::from).ok_or_else(|| bad("this is not a date format".to_owned()))
    });
    environment
});

fn bad(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn parse_date(text: &str) -> Option<jiff::civil::Date> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.get(..10)?.parse().ok())
}

/// A date in a strftime format, by default *24 November 2026*; `None` if the format is not one.
fn format_date(date: jiff::civil::Date, format: Option<&str>) -> Option<String> {
    jiff::fmt::strtime::format(format.unwrap_or("%-d %B %Y"), date).ok()
}

fn change(value: Value, how: impl FnOnce(&str) -> String) -> Value {
    if is_missing(&value) { value } else { Value::from(how(&value.to_string())) }
}

fn title(text: &str) -> String {
    let mut at_start = true;
    text.chars()
        .flat_map(|c| {
            let upper = at_start;
            at_start = c.is_whitespace() || c == '-';
            let changed: Vec<char> = if upper { c.to_uppercase().collect() } else { c.to_lowercase().collect() };
            changed
        })
        .collect()
}

fn is_missing(value: &Value) -> bool {
    value.is_undefined() || value.is_none() || value.downcast_object_ref::<Missing>().is_some()
}

fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let text = match value.kind() {
        ValueKind::Undefined | ValueKind::None => return Ok(()),
        ValueKind::Bool => if value.is_true() { "Yes" } else { "No" }.to_owned(),
        _ => value.to_string(),
    };
    if value.is_safe() || *state.auto_escape() == AutoEscape::None {
        return out.write_str(&text).map_err(Error::from);
    }
    out.write_str(&escape(&text)).map_err(Error::from)
}

/// Text as it stands in HTML, also inside a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A level of the tags: `person`, `person.custom`.
#[derive(Debug)]
struct Scope {
    prefix: String,
    entries: Arc<[(String, Value)]>,
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let path = if self.prefix.is_empty() { key.to_owned() } else { format!("{}.{key}", self.prefix) };
        if let Some((_, value)) = self.entries.iter().find(|(tag, _)| *tag == path) {
            return Some(value.clone());
        }
        let below =
            self.entries.iter().any(|(tag, _)| tag.strip_prefix(&path).is_some_and(|rest| rest.starts_with('.')));
        below.then(|| Value::from_object(Self { prefix: path, entries: Arc::clone(&self.entries) }))
    }
}

/// A tag without a value: false in a condition; putting it into the text notes that it is missing.
#[derive(Debug)]
struct Missing {
    tag: String,
    missing: Arc<Mutex<Vec<String>>>,
}

impl Object for Missing {
    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if !missing.contains(&self.tag) {
            missing.push(self.tag.clone());
        }
        Ok(())
    }
}
