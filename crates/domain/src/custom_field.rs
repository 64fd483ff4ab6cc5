//! Custom fields: what a team keeps about people beyond the fields everyone has.
//!
//! A definition has a key (in filters, merge tags and the API), a label, a kind and perhaps choices; key and kind never
//! change. A value is judged by [`CustomField::check`] and stored in one canonical form, so that it can be compared and
//! sorted. A key that no definition has is refused; values of a deleted field stay stored and are shown nowhere.

use crate::{
    CustomFieldId, Refused, Timestamp,
    person::{check_email, clean_line, normalized},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

mod number;
mod value;

/// Custom values of a person, by key.
pub type Values = BTreeMap<String, Value>;

const LONGEST_LABEL: usize = 100;
const LONGEST_KEY: usize = 60;
const LONGEST_CHOICE: usize = 200;
const MOST_CHOICES: usize = 500;

/// The most custom fields a workspace can have.
pub const MOST_FIELDS: usize = 200;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// A number.
    Number,
    /// A day.
    Date,
    /// Yes or no.
    YesNo,
    /// One of the choices.
    List,
    /// Some of the choices.
    MultiList,
    /// A web address.
    Url,
    /// An email address.
    Email,
    /// A phone number.
    Phone,
}

impl FieldKind {
    /// All of them, for pickers.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::LongText,
        Self::Number,
        Self::Date,
        Self::YesNo,
        Self::List,
        Self::MultiList,
        Self::Url,
        Self::Email,
        Self::Phone,
    ];

    /// As in the database, the API and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long_text",
            Self::Number => "number",
            Self::Date => "date",
            Self::YesNo => "yes_no",
            Self::List => "list",
            Self::MultiList => "multi_list",
            Self::Url => "url",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// As on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::LongText => "Long text",
            Self::Number => "Number",
            Self::Date => "Date",
            Self::YesNo => "Yes or no",
            Self::List => "List",
            Self::MultiList => "Multi-list",
            Self::Url => "Web address",
            Self::Email => "Email",
            Self::Phone => "Phone",
        }
    }

    /// Reads [`FieldKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Its values are chosen from a list.
    pub const fn has_choices(self) -> bool {
        matches!(self, Self::List | Self::MultiList)
    }
}

/// The definition of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Its id.
    pub id: CustomFieldId,
    /// Its name in filters, merge tags and the API: lower-case letters, digits and `_`.
    pub key: String,
    /// Its name on pages.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// What can be chosen, for lists.
    pub choices: Vec<String>,
    /// Place among the others, from 0.
    pub position: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl CustomField {
    /// Its name in filters, sorts and columns.
    pub fn field(&self) -> String {
        format!("custom_fields.{}", self.key)
    }

    /// Its merge tag, without braces.
    pub fn merge_tag(&self) -> String {
        format!("person.custom.{}", self.key)
    }

    /// Trims label and choices, and drops empty and repeated choices.
    pub fn clean(&mut self) {
        self.label = clean_line(&self.label);
        let mut kept: Vec<String> = Vec::new();
        for choice in self.choices.iter().map(|choice| clean_line(choice)) {
            if !choice.is_empty() && !kept.iter().any(|one| normalized(one) == normalized(&choice)) {
                kept.push(choice);
            }
        }
        self.choices = kept;
    }

    /// Every rule a definition must meet.
    pub fn check_definition(&self) -> Result<(), Vec<Refused>> {
        let mut wrong = Vec::new();
        if self.label.is_empty() {
            wrong.push(Refused::at("label", "required", "Give the field a name."));
        } else if self.label.chars().count() > LONGEST_LABEL {
            wrong.push(Refused::at("label", "too_long", "The name is longer than 100 characters. Shorten it."));
        } else if !is_key(&self.key) {
            let message = "The key needs a letter, and may have only lower-case letters, digits and _.";
            wrong.push(Refused::at("key", "invalid_key", message));
        }
        if self.kind.has_choices() && self.choices.is_empty() {
            wrong.push(Refused::at("choices", "required", "A list needs at least one choice."));
        }
        if !self.kind.has_choices() && !self.choices.is_empty() {
            wrong.push(Refused::at("choices", "not_a_list", "Only lists have choices."));
        }
        if self.choices.len() > MOST_CHOICES {
            wrong.push(Refused::at("choices", "too_many", "A list has at most 500 choices."));
        }
        if self.choices.iter().any(|choice| choice.chars().count() > LONGEST_CHOICE) {
            wrong.push(Refused::at("choices", "too_long", "A choice has at most 200 characters."));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The canonical form of a value; `None` if it stands for no value. The refusal names `custom_fields.KEY`.
    ///
    /// Texts are read too, whatever the kind: forms and CSV files have nothing else.
    pub fn check(&self, value: &Value) -> Result<Option<Value>, Refused> {
        value::canonical(self, value)
    }

    /// A stored value as people read it; empty without one.
    pub fn display(&self, value: &Value) -> String {
        value::display(value)
    }
}

/// A key is lower-case ASCII letters, digits and `_`, with a letter in front.
pub fn is_key(key: &str) -> bool {
    key.len() <= LONGEST_KEY
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The key a label gives, different from all of `taken`.
pub fn key_of(label: &str, taken: &[&str]) -> String {
    let mut key = String::new();
    for c in normalized(label).chars() {
        if c.is_ascii_alphanumeric() {
            key.push(c);
        } else if !key.is_empty() && !key.ends_with('_') {
            key.push('_');
        }
    }
    key.truncate(LONGEST_KEY - 4);
    let key = key.trim_end_matches('_');
    let key = if key.starts_with(|c: char| c.is_ascii_lowercase()) { key.to_owned() } else { format!("f_{key}") };
    let key = key.trim_end_matches('_').to_owned();
    if !taken.contains(&key.as_str()) {
        return key;
    }
    (2_u32..).map(|n| format!("{key}_{n}")).find(|key| !taken.contains(&key.as_str())).unwrap_or(key)
}

/// Brings the values of a person into canonical form, or says what is wrong with each.
///
/// What stands unchanged in `before` stays as it is, also under keys without a definition: values of a deleted field
/// and of choices that are no longer offered are kept.
pub fn check_values(definitions: &[CustomField], before: &Values, values: &mut Values) -> Result<(), Vec<Refused>> {
    let mut wrong = Vec::new();
    let mut checked = Values::new();
    for (key, value) in std::mem::take(values) {
        if before.get(&key) == Some(&value) {
            checked.insert(key, value);
            continue;
        }
        let Some(definition) = definitions.iter().find(|definition| definition.key == key) else {
            if !value::is_nothing(&value) {
                let message = format!("There is no custom field “{key}”. An admin can add it in the settings.");
                wrong.push(Refused::at(format!("custom_fields.{key}"), "unknown_custom_field", message));
            }
            continue;
        };
        match definition.check(&value) {
            Ok(Some(value)) => drop(checked.insert(key, value)),
            Ok(None) => {}
            Err(refused) => wrong.push(refused),
        }
    }
    *values = checked;
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Only what a definition stands for: values of deleted fields are shown nowhere.
pub fn visible(definitions: &[CustomField], values: &mut Values) {
    values.retain(|key, _| definitions.iter().any(|definition| definition.key == *key));
}

/// Refuses a text with a merge tag of a custom field that is not defined.
pub fn check_tags(definitions: &[CustomField], text: &str) -> Result<(), Refused> {
    for tag in crate::merge::tags_in(text) {
        let custom = tag.strip_prefix("person.custom.").or_else(|| tag.strip_prefix("company.custom."));
        if custom.is_some_and(|key| !definitions.iter().any(|field| field.key == key)) {
            let message = format!("{{{{ {tag} }}}} is not a merge tag. Choose one from the list of tags.");
            return Err(Refused::new("unknown_tag", message));
        }
    }
    Ok(())
}

/// A web address with its scheme, or why it is none.
fn checked_url(text: &str) -> Result<String, String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let rest = with_scheme.strip_prefix("https://").or_else(|| with_scheme.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match host {
        Some(host)
            if host.contains('.') && !with_scheme.contains(|c: char| c.is_whitespace() || "<>\"'`".contains(c)) =>
        {
            Ok(with_scheme)
        }
        _ => Err("This is not a web address. Write one such as https://example.com/page.".to_owned()),
    }
}

fn checked_email(text: &str) -> Result<String, String> {
    check_email(text).map(|()| text.to_owned()).map_err(|refused| refused.message)
}

fn checked_phone(text: &str) -> Result<String, String> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let foreign = text.chars().any(|c| !(c.is_alphanumeric() || " +-()./#*,;:".contains(c)));
    if (3..=30).contains(&digits) && !foreign && text.chars().count() <= 60 {
        Ok(text.to_owned())
    } else {
        Err("This is not a phone number. Write one such as +33 1 23 45 67 89.".to_owned())
    }
}
