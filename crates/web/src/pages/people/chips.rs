//! The rules of a list as chips under the search field: what each says, where it is changed and where taken away.

use std::collections::HashMap;

use relance_domain::list::Rule;
use relance_domain::person::Kind;
use relance_domain::{PersonId, SequenceId, Timestamp, UserId};
use relance_storage::people_fields::{PeopleField, Wants};
use relance_storage::{Tx, people, sequences};
use serde_json::Value;

use super::fields;
use super::query::ListQuery;
use crate::errors::Result;
use crate::session::Visitor;
use crate::{urls, words};

/// A rule that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chip {
    /// The field.
    pub label: String,
    /// What it must be.
    pub words: String,
    /// Where it is changed; empty if it cannot be.
    pub edit: String,
    /// The list without it.
    pub remove: String,
}

/// Names of what rules name by id.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Users, sequences and people.
    by_id: HashMap<String, String>,
    /// In which zone days are written.
    zone: Option<jiff::tz::TimeZone>,
    now: Timestamp,
}

impl Names {
    fn of(&self, value: &Value) -> String {
        match value {
            Value::String(text) => self.by_id.get(text).cloned().unwrap_or_else(|| text.clone()),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }
}

/// Looks up the names that the rules need.
pub async fn names(tx: &mut Tx, rules: &[Rule], users: &HashMap<UserId, String>, visitor: &Visitor) -> Result<Names> {
    let texts: Vec<&str> = rules.iter().filter_map(|rule| rule.value.as_str()).collect();
    let wanted: Vec<SequenceId> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    let people_named: Vec<PersonId> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    let mut by_id: HashMap<String, String> = users.iter().map(|(id, name)| (id.to_string(), name.clone())).collect();
    if !wanted.is_empty() {
        let found = sequences::find_many(tx, &wanted).await?;
        by_id.extend(found.into_iter().map(|sequence| (sequence.id.to_string(), sequence.name)));
    }
    if !people_named.is_empty() {
        let found = people::names(tx, &people_named).await?;
        by_id.extend(found.into_iter().map(|(id, name)| (id.to_string(), name)));
    }
    Ok(Names { by_id, zone: Some(visitor.zone.clone()), now: visitor.now })
}

/// The chips of a list.
pub async fn read(
    tx: &mut Tx,
    query: &ListQuery,
    kind: Kind,
    fields: &[PeopleField],
    users: &HashMap<UserId, String>,
    visitor: &Visitor,
) -> Result<Vec<Chip>> {
    let names = names(tx, &query.rules, users, visitor).await?;
    Ok(chips(query, kind, fields, &names))
}

fn chips(query: &ListQuery, kind: Kind, fields: &[PeopleField], names: &Names) -> Vec<Chip> {
    let hidden = query.hidden();
    let edit = |place: usize| {
        let mut pairs = hidden.clone();
        pairs.push(("at".to_owned(), place.to_string()));
        urls::of_list(urls::PEOPLE_FILTER, kind, &pairs)
    };
    let tree = query.tree.iter().map(|tree| Chip {
        label: "Saved rules".to_owned(),
        words: words::count(tree.rules().len() as u64, "rule", "rules"),
        edit: String::new(),
        remove: query.without_tree(kind),
    });
    let rules = query.rules.iter().enumerate().map(|(place, rule)| {
        let (label, words) = rule_words(rule, fields, names);
        Chip { label, words, edit: edit(place), remove: query.without_rule(kind, place) }
    });
    tree.chain(rules).collect()
}

/// *Status*, *is not Lost*.
pub fn rule_words(rule: &Rule, fields: &[PeopleField], names: &Names) -> (String, String) {
    let Some(field) = fields::find(fields, &rule.field) else {
        return (rule.field.clone(), format!("{} {}", rule.op.replace('_', " "), names.of(&rule.value)));
    };
    let operation = field.operations.iter().find(|operation| operation.op == rule.op);
    let label = operation.map_or_else(|| rule.op.replace('_', " "), |operation| operation.label.to_owned());
    let wants = operation.map_or(Wants::Nothing, |operation| operation.value);
    let words = match (wants, rule.op.as_str(), &rule.value) {
        (_, _, Value::Null) => label,
        (Wants::Texts | Wants::Choices | Wants::Users, _, Value::Array(all)) => match all.as_slice() {
            [one] => names.of(one),
            [one, two] => format!("{} or {}", names.of(one), names.of(two)),
            all => format!("any of {}", all.len()),
        },
        (Wants::Instant | Wants::Date, ..) => format!("{label} {}", day(&rule.value, names)),
        (Wants::YesNo, _, Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        _ if rule.field == "blocked_reason" => super::rows::reason_words(&names.of(&rule.value)).to_owned(),
        (_, "is" | "has", value) => names.of(value),
        (_, _, value) => format!("{label} {}", names.of(value)),
    };
    (field.label.clone(), words)
}

fn day(value: &Value, names: &Names) -> String {
    let text = value.as_str().unwrap_or_default();
    match (Timestamp::parse(text), &names.zone) {
        (Some(at), Some(zone)) => words::date(at, names.now, zone),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
pub(super) fn samples(query: &ListQuery) -> Vec<Chip> {
    chips(query, Kind::Lead, &fields::samples(), &Names::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_chip_says_its_rule_in_words() {
        let fields = fields::samples();
        let names = Names {
            by_id: HashMap::from([("usr_1".to_owned(), "Nora".to_owned())]),
            zone: Some(jiff::tz::TimeZone::UTC),
            now: Timestamp::parse("2026-11-24T09:00:00Z").expect("an instant"),
        };
        for (rule, expected) in [
            (Rule::new("status", "is", "New"), "Status New"),
            (Rule::new("status", "is_not", "Lost"), "Status is not Lost"),
            (Rule::new("country", "in", json!(["FR", "DE"])), "Country FR or DE"),
            (Rule::new("country", "in", json!(["FR", "DE", "IT"])), "Country any of 3"),
            (Rule::new("owner_id", "is", "usr_1"), "Owner Nora"),
            (Rule::new("tags", "has_not", "uk"), "Tags has not uk"),
            (Rule::new("sequence", "in_none_now", ()), "Sequence in no sequence now"),
            (Rule::new("custom_fields.size", "at_least", 20), "Size is at least 20"),
            (Rule::new("custom_fields.gone", "is", "x"), "custom_fields.gone is x"),
        ] {
            let (label, words) = rule_words(&rule, &fields, &names);
            assert_eq!(format!("{label} {words}"), expected);
        }
        let (_, words) = rule_words(&Rule::new("next_email_at", "before", "2026-12-01T00:00:00Z"), &fields, &names);
        assert!(words.starts_with("is before ") && words.contains("Dec"), "{words}");
    }
}
