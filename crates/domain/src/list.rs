//! Smart lists: a saved filter of leads or contacts with its columns and its order.
//!
//! A private list is its owner's alone; a shared one is seen by all, and changed by its owner and by admins. Which fields
//! and operations a filter may name is judged where it is compiled (the storage), so that there is one list of them.

use crate::{
    ListId, Refused, Timestamp, UserId,
    person::{Kind, clean_line},
    user::Actor,
};
use serde::{Deserialize, Serialize};

const LONGEST_NAME: usize = 100;
const MOST_COLUMNS: usize = 60;

/// A tree of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Filter {
    /// Every one of them holds; all people if empty.
    All {
        /// The rules.
        all: Vec<Filter>,
    },
    /// At least one of them holds.
    Any {
        /// The rules.
        any: Vec<Filter>,
    },
    /// One rule.
    Rule(Rule),
}

impl Default for Filter {
    fn default() -> Self {
        Self::All { all: Vec::new() }
    }
}

impl Filter {
    /// Everyone meets it, whatever they are.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All { all } if all.is_empty())
    }

    /// Every rule in it, from left to right.
    pub fn rules(&self) -> Vec<&Rule> {
        match self {
            Self::All { all: filters } | Self::Any { any: filters } => filters.iter().flat_map(Self::rules).collect(),
            Self::Rule(rule) => vec![rule],
        }
    }
}

impl Filter {
    /// Puts `to` in the place of `from` wherever a rule compares `field` with it; whether anything changed.
    pub fn replace_value(&mut self, field: &str, from: &str, to: &str) -> bool {
        match self {
            Self::All { all: filters } | Self::Any { any: filters } => {
                filters
                    .iter_mut()
                    .map(|filter| filter.replace_value(field, from, to))
                    .filter(|changed| *changed)
                    .count()
                    > 0
            }
            Self::Rule(rule) if rule.field == field => match &mut rule.value {
                serde_json::Value::String(text) if text == from => {
                    to.clone_into(text);
                    true
                }
                serde_json::Value::Array(values) => {
                    let mut changed = false;
                    for value in values.iter_mut().filter(|value| value.as_str() == Some(from)) {
                        *value = to.into();
                        changed = true;
                    }
                    changed
                }
                _ => false,
            },
            Self::Rule(_) => false,
        }
    }
}

/// One rule: a field compared with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// A field of people in API spelling (`status`, `address.country`, `custom_fields.size`), or one that the storage
    /// derives (`name`, `sequence`, `next_email_at`, `open_task`).
    pub field: String,
    /// How it is compared.
    pub op: String,
    /// With what; some operations need nothing.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub value: serde_json::Value,
}

impl Rule {
    /// A rule with a value.
    pub fn new(field: &str, op: &str, value: impl Into<serde_json::Value>) -> Self {
        Self { field: field.to_owned(), op: op.to_owned(), value: value.into() }
    }
}

/// A smart list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Its id.
    pub id: ListId,
    /// Its name.
    pub name: String,
    /// Of leads or of contacts.
    pub kind: Kind,
    /// Who is in it.
    pub filter: Filter,
    /// Its columns in their order, in API spelling; empty = those of the viewer.
    pub columns: Vec<String>,
    /// A field, with `-` in front from high to low; empty = by name.
    pub sort: String,
    /// Others see it too.
    pub shared: bool,
    /// Whose it is.
    pub owner_id: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl List {
    /// Whether someone knows of it: its owner, everyone if it is shared. An admin does not see private lists of others.
    pub fn is_visible_to(&self, actor: &Actor) -> bool {
        self.shared || actor.user_id() == Some(self.owner_id) || matches!(actor, Actor::System)
    }

    /// Whether someone may change, share and delete it: its owner; of a shared list admins too.
    pub fn is_changed_by(&self, actor: &Actor) -> bool {
        self.is_visible_to(actor) && (actor.is_admin() || actor.user_id() == Some(self.owner_id))
    }

    /// Trims its words and drops repeated columns.
    pub fn clean(&mut self) {
        self.name = clean_line(&self.name);
        self.sort = clean_line(&self.sort);
        let mut kept: Vec<String> = Vec::new();
        for column in self.columns.drain(..) {
            if !column.is_empty() && !kept.contains(&column) {
                kept.push(column);
            }
        }
        self.columns = kept;
    }

    /// Every rule of its own it must meet.
    pub fn check(&self) -> Result<(), Vec<Refused>> {
        let mut wrong = Vec::new();
        if self.name.is_empty() {
            wrong.push(Refused::at("name", "required", "Give the list a name."));
        } else if self.name.chars().count() > LONGEST_NAME {
            wrong.push(Refused::at("name", "too_long", "The name is longer than 100 characters. Shorten it."));
        }
        if self.columns.len() > MOST_COLUMNS {
            wrong.push(Refused::at("columns", "too_many", "A list has at most 60 columns."));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// How a list is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A compact list with the record beside it.
    Index,
    /// Columns.
    #[default]
    Table,
}

impl Shape {
    /// As in the database, the API and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Table => "table",
        }
    }

    /// Reads [`Shape::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Index, Self::Table].into_iter().find(|shape| shape.as_str() == text)
    }
}

/// How one user looks at leads or at contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Index or table.
    pub shape: Shape,
    /// The chosen columns in their order, in API spelling; empty = the usual ones.
    pub columns: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_as_in_the_api() {
        let text = r#"{"all":[{"field":"status","op":"is","value":"New"},{"any":[{"field":"email","op":"is_set"}]}]}"#;
        let filter: Filter = serde_json::from_str(text).unwrap();
        let status = Filter::Rule(Rule::new("status", "is", "New"));
        let email = Filter::Rule(Rule::new("email", "is_set", serde_json::Value::Null));
        assert_eq!(filter, Filter::All { all: vec![status, Filter::Any { any: vec![email] }] });
        assert_eq!(serde_json::to_string(&filter).unwrap(), text);
        assert_eq!(filter.rules().len(), 2);
        assert!(Filter::default().is_empty() && !filter.is_empty());
    }
}
