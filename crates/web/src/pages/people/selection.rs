//! The people chosen in a list: ids of check boxes, or everyone who matches the list's filters.
//!
//! Travels from form to form in hidden fields, so that a dialog of several panes acts on the same people.

use std::collections::{BTreeMap, HashSet};

use relance_domain::person::Kind;
use relance_domain::{PersonId, UserId};
use relance_engine::commands::bulk::Selection;
use relance_storage::Tx;
use relance_storage::people_lists::{self, PeopleQuery};
use serde::{Deserialize, Deserializer};

use super::query::ListQuery;
use crate::errors::Result;

/// People looked at one by one: preflight and counts.
pub const MOST_LOOKED_AT: usize = 1_000;
/// Matches are counted up to here.
const MOST_COUNTED: usize = 1_000_000;

/// Who was chosen, and what else the form said.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    ids: Vec<PersonId>,
    all: bool,
    kind: Option<Kind>,
    query: ListQuery,
    rest: BTreeMap<String, String>,
    visible_to: Option<Vec<UserId>>,
}

impl<'de> Deserialize<'de> for Chosen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Vec::<(String, String)>::deserialize(deserializer).map(Self::of)
    }
}

impl Chosen {
    fn of(pairs: Vec<(String, String)>) -> Self {
        let (mut chosen, mut seen) = (Self::default(), HashSet::new());
        for (name, value) in pairs {
            match name.as_str() {
                "id" => chosen.ids.extend(value.parse::<PersonId>().ok().filter(|id| seen.insert(*id))),
                "all" => chosen.all = value == "1",
                "kind" => chosen.kind = Kind::parse(&value),
                _ if chosen.query.set(&name, &value) => {}
                _ => drop(chosen.rest.insert(name, value)),
            }
        }
        chosen
    }

    /// Of everyone who matches, only people of these owners or of nobody are meant.
    pub fn seen_by(mut self, owners: Option<Vec<UserId>>) -> Self {
        self.visible_to = owners;
        self
    }

    /// The list they were chosen in, as asked.
    pub fn query(&self) -> &ListQuery {
        &self.query
    }

    /// The ids that were ticked; none if everyone who matches is meant.
    pub fn ids(&self) -> Option<&[PersonId]> {
        if self.all { None } else { Some(&self.ids) }
    }

    /// What else the form said.
    pub fn get(&self, name: &str) -> &str {
        self.rest.get(name).map_or("", String::as_str)
    }

    /// Nobody.
    pub fn is_empty(&self) -> bool {
        !self.all && self.ids.is_empty()
    }

    /// The kind of the list they were chosen in.
    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Lead)
    }

    /// The list they were chosen in.
    pub fn list(&self) -> String {
        self.query.href(self.kind())
    }

    /// Names and values that carry the selection on.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fields = self.query.hidden();
        if !self.query.cursor.is_empty() {
            fields.push(pair("cursor", &self.query.cursor));
        }
        fields.push(pair("kind", self.kind().as_str()));
        if self.all {
            fields.push(pair("all", "1"));
        } else {
            fields.extend(self.ids.iter().map(|id| pair("id", &id.to_string())));
        }
        fields
    }

    fn matching(&self) -> Result<PeopleQuery> {
        Ok(PeopleQuery { cursor: None, ..self.query.people(self.kind(), self.visible_to.clone())? })
    }

    /// As the engine reads it.
    pub fn selection(&self) -> Result<Selection> {
        if !self.all {
            return Ok(Selection::Ids(self.ids.clone()));
        }
        let query = self.matching()?;
        Ok(Selection::Matching { kind: query.kind, search: query.search, filter: query.filter })
    }

    /// Everyone who matches, where nobody was ticked.
    pub fn everyone_unless_ticked(mut self) -> Self {
        self.all |= self.ids.is_empty();
        self
    }

    /// How many there are, counted up to `at_most`; and whether there are more.
    pub async fn counted(&self, tx: &mut Tx, at_most: usize) -> Result<(usize, bool)> {
        if !self.all {
            return Ok((self.ids.len(), false));
        }
        Ok(people_lists::count(tx, &self.matching()?, at_most).await?)
    }

    /// How many there are.
    pub async fn count(&self, tx: &mut Tx) -> Result<usize> {
        if !self.all {
            return Ok(self.ids.len());
        }
        Ok(people_lists::count(tx, &self.matching()?, MOST_COUNTED).await?.0)
    }

    /// The first of them, at most [`MOST_LOOKED_AT`].
    pub async fn first_ids(&self, tx: &mut Tx) -> Result<Vec<PersonId>> {
        if !self.all {
            return Ok(self.ids.iter().take(MOST_LOOKED_AT).copied().collect());
        }
        Ok(people_lists::ids(tx, &self.matching()?, None, MOST_LOOKED_AT).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(pairs: &[(&str, &str)]) -> Chosen {
        Chosen::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_selection_survives_the_way_through_a_form() {
        let id = PersonId::from_uuid(uuid::Uuid::from_u128(7));
        let first = chosen(&[("id", &id.to_string()), ("kind", "contact"), ("q", "cold"), ("action", "stop")]);
        assert_eq!(first.get("action"), "stop");
        let again = Chosen::of(first.hidden());
        assert_eq!(
            (again.ids.clone(), again.kind(), again.list()),
            (vec![id], Kind::Contact, "/contacts?q=cold".to_owned())
        );
        assert_eq!(again.selection().expect("a selection"), Selection::Ids(vec![id]));
    }

    #[test]
    fn all_that_match_is_the_filter_and_not_the_page() {
        let all = chosen(&[("all", "1"), ("id", "per_1"), ("kind", "lead"), ("q", " cold "), ("cursor", "nt61.per_1")]);
        let Selection::Matching { kind, search, .. } = all.selection().expect("a selection") else { panic!("ids") };
        assert_eq!((kind, search.as_str()), (Some(Kind::Lead), "cold"));
        assert!(!all.is_empty() && Chosen::default().is_empty());
    }
}
