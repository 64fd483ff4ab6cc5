//! Filters of people: a tree of rules, as in the API, turned into one SQL condition on the alias `p`.
//!
//! `{"all": [{"field": "status", "op": "is", "value": "New"}, {"any": […]}]}`. An unknown field, operation or value is
//! refused at its place in the tree, in words. Nothing a user writes becomes SQL text: values are bound.

use crate::{
    error::Result,
    tx::Tx,
    value::{FromId, Value},
};
use relance_domain::{Refused, SequenceId, Timestamp, UserId, person::normalized};
use serde::{Deserialize, Serialize};

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

/// One rule: a field compared with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// A field of people in API spelling (`status`, `address.country`, `custom_fields.size`), or `name`, `sequence`,
    /// `next_email_at`, `blocked_reason`.
    pub field: String,
    /// What is compared: see [`OPERATIONS`].
    pub op: String,
    /// With what; not needed by `is_set` and `is_empty`.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub value: serde_json::Value,
}

impl Rule {
    /// A rule with a text value.
    pub fn new(field: &str, op: &str, value: impl Into<serde_json::Value>) -> Self {
        Self { field: field.to_owned(), op: op.to_owned(), value: value.into() }
    }
}

/// The operations of every sort of field, for pickers: text, tags, owner, instant, sequence, custom field.
pub const OPERATIONS: &[(&str, &[&str])] = &[
    ("text", &["is", "is_not", "in", "contains", "starts_with", "is_set", "is_empty"]),
    ("tags", &["has", "has_not", "is_set", "is_empty"]),
    ("owner_id", &["is", "is_not", "in", "is_set", "is_empty"]),
    ("instant", &["before", "after"]),
    (
        "sequence",
        &[
            "in_none_now",
            "never_in_any",
            "ongoing_in",
            "active_in",
            "paused_in",
            "blocked_in",
            "finished_in",
            "never_in",
        ],
    ),
    ("custom_fields", &["is", "is_not", "is_set", "is_empty"]),
];

/// The text fields and their columns.
const TEXT_FIELDS: &[(&str, &str)] = &[
    ("first_name", "p.first_name"),
    ("last_name", "p.last_name"),
    ("organization_name", "p.organization_name"),
    ("title", "p.title"),
    ("email", "p.email"),
    ("phone", "p.phone"),
    ("mobile", "p.mobile"),
    ("website", "p.website"),
    ("linkedin", "p.linkedin"),
    ("x", "p.x"),
    ("facebook", "p.facebook"),
    ("industry", "p.industry"),
    ("description", "p.description"),
    ("time_zone", "p.time_zone"),
    ("status", "p.status"),
    ("source", "p.source"),
    ("address.line", "p.address_line"),
    ("address.city", "p.address_city"),
    ("address.postal_code", "p.address_postal_code"),
    ("address.state", "p.address_state"),
    ("address.country", "p.address_country"),
    ("country", "p.address_country"),
    ("city", "p.address_city"),
    ("state", "p.address_state"),
];

const DEEPEST: usize = 8;
const MOST_RULES: usize = 100;

/// Builds SQL and its values side by side.
pub(crate) struct Condition<'a> {
    tx: &'a Tx,
    pub(crate) args: Vec<Value>,
    rules: usize,
}

impl<'a> Condition<'a> {
    pub(crate) const fn new(tx: &'a Tx, args: Vec<Value>) -> Self {
        Self { tx, args, rules: 0 }
    }

    /// Binds a value; its placeholder.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }

    /// The condition of `filter`; `path` names it in refusals.
    pub(crate) fn filter(&mut self, filter: &Filter, path: &str, depth: usize) -> Result<String> {
        self.rules += 1;
        if depth > DEEPEST || self.rules > MOST_RULES {
            return Err(Refused::at(path, "too_complex", "This filter has too many rules. Remove some of them.").into());
        }
        match filter {
            Filter::All { all } if all.is_empty() => Ok("1 = 1".to_owned()),
            Filter::Any { any } if any.is_empty() => Ok("1 = 0".to_owned()),
            Filter::All { all } => self.tree(all, " AND ", &format!("{path}.all"), depth),
            Filter::Any { any } => self.tree(any, " OR ", &format!("{path}.any"), depth),
            Filter::Rule(rule) => self.rule(rule, path),
        }
    }

    fn tree(&mut self, filters: &[Filter], between: &str, path: &str, depth: usize) -> Result<String> {
        let parts: Result<Vec<String>> = filters
            .iter()
            .enumerate()
            .map(|(index, filter)| self.filter(filter, &format!("{path}[{index}]"), depth + 1))
            .collect();
        Ok(format!("({})", parts?.join(between)))
    }

    fn rule(&mut self, rule: &Rule, path: &str) -> Result<String> {
        if let Some((_, column)) = TEXT_FIELDS.iter().find(|(field, _)| *field == rule.field) {
            return self.text(rule, column, path);
        }
        if let Some(key) = rule.field.strip_prefix("custom_fields.") {
            return self.custom(rule, key, path);
        }
        match rule.field.as_str() {
            "name" => self.name(rule, path),
            "tags" | "tag" => self.tags(rule, path),
            "owner_id" | "owner" => self.owner(rule, path),
            "created_at" => self.instant(rule, "p.created_at", path),
            "updated_at" => self.instant(rule, "p.updated_at", path),
            "sequence" => self.sequence(rule, path),
            "next_email_at" => {
                let compared = self.instant(rule, "e.due_at", path)?;
                Ok(enrolled(&format!("e.state = 'active' AND e.step_action = 'automated_email' AND {compared}")))
            }
            "blocked_reason" => {
                let reason = words(rule, path)?;
                let reason = self.bind(reason);
                Ok(enrolled(&format!("e.state = 'blocked' AND e.blocked_reason = {reason}")))
            }
            _ => {
                Err(refused(path, "field", "unknown_field", &format!("People cannot be filtered by “{}”.", rule.field)))
            }
        }
    }

    fn text(&mut self, rule: &Rule, column: &str, path: &str) -> Result<String> {
        Ok(match rule.op.as_str() {
            // An address is looked for by its key, which has an index.
            "is_set" if column == "p.email" => "p.email_key IS NOT NULL".to_owned(),
            "is_empty" if column == "p.email" => "p.email_key IS NULL".to_owned(),
            "is_set" => format!("{column} <> ''"),
            "is_empty" => format!("{column} = ''"),
            "in" => {
                let list = rule.value.as_array().ok_or_else(|| wrong_value(path, "a list of texts"))?;
                let texts: Vec<&str> = list.iter().filter_map(serde_json::Value::as_str).collect();
                if texts.is_empty() {
                    return Ok("1 = 0".to_owned());
                }
                let places: Vec<String> = texts.into_iter().map(|text| self.bind(text)).collect();
                format!("{column} IN ({})", places.join(", "))
            }
            "is" => format!("{column} = {}", self.bind(words(rule, path)?)),
            "is_not" => format!("{column} <> {}", self.bind(words(rule, path)?)),
            "contains" => self.like(column, &format!("%{}%", escaped(&words(rule, path)?))),
            "starts_with" => self.like(column, &format!("{}%", escaped(&words(rule, path)?))),
            _ => return Err(unknown_op(rule, path)),
        })
    }

    fn like(&mut self, column: &str, pattern: &str) -> String {
        let like = self.tx.like();
        format!("{column} {like} {} ESCAPE '\\'", self.bind(pattern))
    }

    fn name(&mut self, rule: &Rule, path: &str) -> Result<String> {
        let text = escaped(&normalized(&words(rule, path)?));
        Ok(match rule.op.as_str() {
            "contains" => self.like("p.name_key", &format!("%{text}%")),
            "starts_with" => self.like("p.name_key", &format!("{text}%")),
            _ => return Err(unknown_op(rule, path)),
        })
    }

    fn tags(&mut self, rule: &Rule, path: &str) -> Result<String> {
        let find = self.tx.position_of();
        Ok(match rule.op.as_str() {
            "is_set" => "p.tags <> '[]'".to_owned(),
            "is_empty" => "p.tags = '[]'".to_owned(),
            "has" | "has_not" => {
                let tag = serde_json::to_string(&words(rule, path)?).unwrap_or_default();
                let compared = if rule.op == "has" { "> 0" } else { "= 0" };
                // The first comparison is what the index of tagged people stands for.
                let tagged = if rule.op == "has" { "p.tags <> '[]' AND " } else { "" };
                format!("({tagged}{find}(p.tags, {}) {compared})", self.bind(tag))
            }
            _ => return Err(unknown_op(rule, path)),
        })
    }

    fn owner(&mut self, rule: &Rule, path: &str) -> Result<String> {
        Ok(match rule.op.as_str() {
            "is_set" => "p.owner_id IS NOT NULL".to_owned(),
            "is_empty" => "p.owner_id IS NULL".to_owned(),
            "is" => format!("p.owner_id = {}", self.bind(id::<UserId>(&rule.value, path)?)),
            "is_not" => {
                format!("(p.owner_id IS NULL OR p.owner_id <> {})", self.bind(id::<UserId>(&rule.value, path)?))
            }
            "in" => {
                let list = rule.value.as_array().ok_or_else(|| wrong_value(path, "a list of users"))?;
                let ids: Result<Vec<UserId>> = list.iter().map(|value| id(value, path)).collect();
                let places: Vec<String> = ids?.into_iter().map(|user| self.bind(user)).collect();
                if places.is_empty() { "1 = 0".to_owned() } else { format!("p.owner_id IN ({})", places.join(", ")) }
            }
            _ => return Err(unknown_op(rule, path)),
        })
    }

    fn instant(&mut self, rule: &Rule, column: &str, path: &str) -> Result<String> {
        let instant = Timestamp::parse(&words(rule, path)?)
            .ok_or_else(|| wrong_value(path, "an instant such as 2026-11-24T09:00:00Z"))?;
        Ok(match rule.op.as_str() {
            "before" => format!("{column} < {}", self.bind(instant)),
            "after" => format!("{column} >= {}", self.bind(instant)),
            _ => return Err(unknown_op(rule, path)),
        })
    }

    /// Sequence state; the value names one sequence, without it any counts.
    fn sequence(&mut self, rule: &Rule, path: &str) -> Result<String> {
        let (not, state) = match rule.op.as_str() {
            "in_none_now" => ("NOT ", "e.state <> 'finished'"),
            "never_in_any" | "never_in" => ("NOT ", "1 = 1"),
            "ongoing_in" => ("", "e.state <> 'finished'"),
            "active_in" => ("", "e.state = 'active'"),
            "paused_in" => ("", "e.state = 'paused'"),
            "blocked_in" => ("", "e.state = 'blocked'"),
            "finished_in" => ("", "e.state = 'finished'"),
            _ => return Err(unknown_op(rule, path)),
        };
        let mut condition = state.to_owned();
        if !rule.value.is_null() && rule.value.as_str() != Some("") {
            let sequence = self.bind(id::<SequenceId>(&rule.value, path)?);
            condition = format!("{condition} AND e.sequence_id = {sequence}");
        }
        Ok(format!("{not}{}", enrolled(&condition)))
    }

    /// Custom fields are one JSON document; a value stands in it as `"key":value`, then `,` or `}`.
    fn custom(&mut self, rule: &Rule, key: &str, path: &str) -> Result<String> {
        let find = self.tx.position_of();
        let key = serde_json::to_string(key).unwrap_or_default();
        let (not, value) = match rule.op.as_str() {
            "is" | "is_not" => (rule.op == "is_not", rule.value.to_string()),
            "is_set" | "is_empty" => {
                let set = format!("{find}(p.custom_fields, {}) > 0", self.bind(format!("{key}:")));
                return Ok(if rule.op == "is_set" { set } else { format!("NOT ({set})") });
            }
            _ => return Err(unknown_op(rule, path)),
        };
        let ends: Vec<String> = [",", "}"]
            .into_iter()
            .map(|end| format!("{find}(p.custom_fields, {}) > 0", self.bind(format!("{key}:{value}{end}"))))
            .collect();
        Ok(format!("{}({})", if not { "NOT " } else { "" }, ends.join(" OR ")))
    }
}

fn enrolled(condition: &str) -> String {
    format!("EXISTS (SELECT 1 FROM enrollments e WHERE e.person_id = p.id AND {condition})")
}

fn words(rule: &Rule, path: &str) -> Result<String> {
    match &rule.value {
        serde_json::Value::String(text) => Ok(text.clone()),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        serde_json::Value::Bool(yes) => Ok(yes.to_string()),
        _ => Err(wrong_value(path, "a text")),
    }
}

fn id<T>(value: &serde_json::Value, path: &str) -> Result<T>
where
    T: FromId + std::str::FromStr,
{
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| wrong_value(path, "an id"))
}

/// A text as part of a pattern of LIKE.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn refused(path: &str, part: &str, code: &str, message: &str) -> crate::StorageError {
    Refused::at(format!("{path}.{part}"), code, message).into()
}

fn unknown_op(rule: &Rule, path: &str) -> crate::StorageError {
    refused(path, "op", "unknown_operation", &format!("“{}” cannot be used with “{}”.", rule.op, rule.field))
}

fn wrong_value(path: &str, expected: &str) -> crate::StorageError {
    refused(path, "value", "wrong_value", &format!("This rule needs {expected}."))
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
    }
}
