//! What a query of people must know beforehand: the custom fields there are, and what data sequences need.
//!
//! Loaded only if a rule or the sort names one; the rest is then compiled without asking the database again.

use crate::{
    custom_fields,
    error::Result,
    people_query::{PeopleQuery, SortBy},
    sequences,
    tx::Tx,
};
use relance_domain::{
    SequenceId,
    custom_field::{CustomField, is_key},
    lacking::{Field, needed_fields},
    list::Rule,
};
use std::collections::HashMap;

/// What is known when a query is compiled.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    fields: Vec<CustomField>,
    needed: HashMap<SequenceId, Vec<Field>>,
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
        Ok(Self { fields, needed })
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
