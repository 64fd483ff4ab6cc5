//! What a query of people must know beforehand: the custom fields there are, and what data sequences need.
//!
//! Loaded only if a rule or the sort names one; the rest is then compiled without asking the database again. And whether
//! one of the rules is met by so few that its index leads to them: else the order of the list is followed.

use crate::{
    custom_fields,
    error::Result,
    people_filter::{Asked, Condition},
    people_query::{PeopleQuery, SortBy},
    sequences,
    tx::Tx,
    value::Value,
};
use relance_domain::{
    PersonId, SequenceId, UserId,
    custom_field::{CustomField, is_key},
    lacking::{Field, needed_fields},
    list::{Filter, Rule},
};
use std::collections::HashMap;

/// What is known when a query is compiled.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    fields: Vec<CustomField>,
    needed: HashMap<SequenceId, Vec<Field>>,
    /// What leads to the few who meet one of the rules.
    pub(crate) led_by: Option<Leader>,
}

/// A way to the few who meet a rule, in place of the order of the list.
#[derive(Debug)]
pub(crate) enum Leader {
    /// An index in whose order everyone is counted.
    Order(&'static str),
    /// An index of people, the column it begins with and its value.
    Index(&'static str, &'static str, Value),
    /// The enrollments that this rule asks for.
    Enrollments(Rule),
}

/// Rules that an index answers: the field, its column, the index.
const INDEXED: &[(&str, &str, &str)] = &[
    ("status", "status", "people_by_status"),
    ("source", "source", "people_by_source"),
    ("owner_id", "owner_id", "people_by_owner"),
    ("company_id", "company_id", "people_by_company"),
];

/// So many are read and sorted rather than met by following the order of the list.
const FEW: usize = 5_000;

/// Every rule that everyone in the list meets.
fn met_by_all(filter: &Filter) -> Vec<&Rule> {
    match filter {
        Filter::All { all } => all.iter().flat_map(met_by_all).collect(),
        Filter::Any { .. } => Vec::new(),
        Filter::Rule(rule) => vec![rule],
    }
}

/// What leads to those who meet a rule that few meet, if anything does.
async fn led_by(tx: &mut Tx, query: &PeopleQuery) -> Result<Option<Leader>> {
    for rule in met_by_all(&query.filter) {
        if few_are_enrolled(tx, rule).await? {
            return Ok(Some(Leader::Enrollments(rule.clone())));
        }
    }
    for rule in met_by_all(&query.filter).into_iter().filter(|rule| rule.op == "is") {
        let Some((_, column, index)) = INDEXED.iter().find(|(field, ..)| *field == rule.field) else { continue };
        let Some(text) = rule.value.as_str() else { continue };
        let value = match *column {
            "owner_id" => text.parse::<UserId>().ok().map(Value::from),
            "company_id" => text.parse::<PersonId>().ok().map(Value::from),
            _ => Some(Value::from(text)),
        };
        let Some(value) = value else { continue };
        let leader = Leader::Index(index, column, value.clone());
        let sql = format!(
            "SELECT COUNT(*) AS number FROM (SELECT 1 AS one FROM people WHERE {column} = $1
                AND kind IN ('lead', 'contact') AND deleted_at IS NULL LIMIT $2) at_most"
        );
        let found = tx.one(&sql, vec![value, Value::from(FEW + 1)], |row| row.count("number")).await? as usize;
        if found <= FEW {
            return Ok(Some(leader));
        }
    }
    Ok(None)
}

/// The rule asks for enrollments that an index leads to, and there are few of them.
async fn few_are_enrolled(tx: &mut Tx, rule: &Rule) -> Result<bool> {
    let facts = Facts::default();
    let mut condition = Condition::new(tx, &facts, vec![]);
    // What is wrong with the rule is said when the list is compiled.
    let Ok(Some(text)) = condition.enrollments(&Asked::about(rule)) else { return Ok(false) };
    let most = condition.bind(FEW + 1);
    let args = condition.args;
    let sql = format!(
        "SELECT COUNT(*) AS number FROM (SELECT 1 AS one FROM enrollments e WHERE {text} LIMIT {most}) at_most"
    );
    Ok(tx.one(&sql, args, |row| row.count("number")).await? as usize <= FEW)
}

impl Facts {
    /// Asks for what the query names.
    pub(crate) async fn of(tx: &mut Tx, query: &PeopleQuery) -> Result<Self> {
        let rules = query.filter.rules();
        let named = |rule: &&Rule| rule.field.starts_with("custom_fields.");
        let sorted = matches!(&query.sort, SortBy::Field(name) if name.starts_with("custom_fields."));
        let fields = if sorted || rules.iter().any(named) { custom_fields::list(tx).await? } else { vec![] };
        let mut needed = HashMap::new();
        for rule in rules.iter().filter(|rule| matches!(rule.op.as_str(), "lacks_data_for" | "has_data_for")) {
            let id = rule.value.as_str().and_then(|text| text.parse::<SequenceId>().ok());
            let sequence = match id {
                Some(id) => sequences::find(tx, id).await?,
                None => None,
            };
            let Some(sequence) = sequence else { continue };
            let version = match sequence.version_id {
                Some(version) => sequences::find_version(tx, version).await?,
                None => None,
            };
            needed.insert(sequence.id, needed_fields(&version.map_or(sequence.draft, |version| version.plan)));
        }
        Ok(Self { fields, needed, led_by: led_by(tx, query).await? })
    }

    /// Everyone in the list meets a rule with such an operation.
    pub(crate) fn has_rule_of_all(&self, filter: &Filter, is_such: impl Fn(&str) -> bool) -> bool {
        met_by_all(filter).into_iter().any(|rule| is_such(&rule.op))
    }

    /// The custom field with this key.
    pub(crate) fn field(&self, key: &str) -> Option<&'_ CustomField> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The fields that the emails of this sequence cannot do without; `None` if there is no such sequence.
    pub(crate) fn needed(&self, sequence: SequenceId) -> Option<Vec<Field>> {
        self.needed.get(&sequence).cloned()
    }

    /// A key as part of a path in SQL text: one that is none (a tag may name anything) becomes one nobody has.
    pub(crate) fn bound_key(&self, key: &str) -> String {
        if is_key(key) { key.to_owned() } else { "-".to_owned() }
    }
}
