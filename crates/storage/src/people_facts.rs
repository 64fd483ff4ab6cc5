//! What a query of people must know beforehand: the custom fields there are, and what data sequences need.
//!
//! Loaded only if a rule or the sort names one; the rest is then compiled without asking the database again. And whether
//! one of the rules is met by so few that its index leads to them: else the order of the list is followed.

use crate::{
    args, custom_fields,
    error::Result,
    people_filter::{Asked, Condition},
    people_query::{PeopleQuery, SortBy},
    sequences,
    tx::Tx,
    value::Value,
};
use relance_domain::{
    SequenceId,
    custom_field::{CustomField, is_key},
    lacking::{Field, needed_fields},
    list::{Filter, Rule},
    person::{Kind, email_key},
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
    /// An index of people, and the rule it answers.
    Index(&'static str, Rule),
    /// The enrollments that this rule asks for.
    Enrollments(Rule),
}

/// The index of people that answers a rule; `None` if none does.
fn index_of(rule: &Rule) -> Option<&'static str> {
    Some(match (rule.field.as_str(), rule.op.as_str()) {
        ("status", "is" | "in") => "people_by_status",
        ("source", "is" | "in") => "people_by_source",
        ("owner_id", "is" | "in") => "people_by_owner",
        ("company_id", "is" | "in") => "people_by_company",
        ("created_at", "before" | "after") => "people_by_created",
        ("updated_at", "before" | "after") => "people_by_updated",
        // What is no address is compared as it is.
        ("email", "is") if rule.value.as_str().and_then(email_key).is_some() => "people_by_email",
        _ => return None,
    })
}

const BY_NAME: &str = "people_by_name";

/// So many are read and sorted rather than met by following the order of the list.
pub(crate) const FEW: usize = 5_000;

/// There are at most [`FEW`] rows of this FROM clause, with its conditions.
pub(crate) async fn are_few(tx: &mut Tx, from: &str, mut args: Vec<Value>) -> Result<bool> {
    args.push(Value::from(FEW + 1));
    let most = args.len();
    let sql = format!("SELECT COUNT(*) AS number FROM (SELECT 1 AS one FROM {from} LIMIT ${most}) at_most");
    Ok(tx.one(&sql, args, |row| row.count("number")).await? as usize <= FEW)
}

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
    for rule in met_by_all(&query.filter) {
        if let Some(index) = index_of(rule)
            && few_meet(tx, rule, index).await?
        {
            return Ok(Some(Leader::Index(index, rule.clone())));
        }
    }
    Ok(None)
}

/// Few people meet the rule that this index answers.
async fn few_meet(tx: &mut Tx, rule: &Rule, index: &'static str) -> Result<bool> {
    let facts = Facts::default();
    let mut condition = Condition::new(tx, &facts, vec![]);
    // What is wrong with the rule is said when the list is compiled.
    let Ok(text) = condition.rule(&Asked::about(rule)) else { return Ok(false) };
    let (people, args) = (tx.people_in_order(index), condition.args);
    let from = format!("{people} WHERE {text} AND p.kind IN ('lead', 'contact') AND p.deleted_at IS NULL");
    are_few(tx, &from, args).await
}

/// The rule asks for enrollments that an index leads to, and there are few of them.
async fn few_are_enrolled(tx: &mut Tx, rule: &Rule) -> Result<bool> {
    let facts = Facts::default();
    let mut condition = Condition::new(tx, &facts, vec![]);
    // What is wrong with the rule is said when the list is compiled.
    let Ok(Some(text)) = condition.enrollments(&Asked::about(rule)) else { return Ok(false) };
    let args = condition.args;
    are_few(tx, &format!("enrollments e WHERE {text}"), args).await
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
        let mut facts = Self { fields, needed, led_by: led_by(tx, query).await? };
        if query.sort == SortBy::NextEmail {
            facts.lead_by_kind(tx, query.kind).await?;
        }
        Ok(facts)
    }

    /// Where nothing else leads to few and a kind has few people, they are led to by their kind: for orders that both
    /// kinds share.
    pub(crate) async fn lead_by_kind(&mut self, tx: &mut Tx, kind: Option<Kind>) -> Result<()> {
        let (None, Some(kind)) = (&self.led_by, kind) else { return Ok(()) };
        let from = format!("{} WHERE p.kind = $1 AND p.deleted_at IS NULL", tx.people_in_order(BY_NAME));
        if are_few(tx, &from, args![kind.as_str()]).await? {
            self.led_by = Some(Leader::Order(BY_NAME));
        }
        Ok(())
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
