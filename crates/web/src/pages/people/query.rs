//! The address of a list of people: search, filters, order and page, as typed by forms and read by links.
//!
//! The same text selects *all that match* for bulk actions, so a selection travels as this query, not as ids.

use relance_domain::person::Kind;
use relance_domain::{SequenceId, UserId};
use relance_storage::people_lists::{Filter, PeopleQuery, Rule, SortBy};
use serde::Deserialize;

use crate::errors::Result;
use crate::urls;

/// People on a page.
pub const PAGE: usize = 50;

/// What an address asks for; empty = not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// Search.
    pub q: String,
    /// A status.
    pub status: String,
    /// A user's id, or `none`.
    pub owner: String,
    /// `yes` or `no`: has an email address.
    pub email: String,
    /// `none`, `never`, or `ongoing`, `active`, `paused`, `blocked`, `finished` with `:` and a sequence's id.
    pub sequence: String,
    /// A tag.
    pub tag: String,
    /// Code of what blocks.
    pub blocked: String,
    /// What it is sorted by.
    pub sort: String,
    /// `down`: from high to low.
    pub order: String,
    /// The page.
    pub cursor: String,
}

impl ListQuery {
    /// As storage reads it.
    pub fn people(&self, kind: Kind) -> Result<PeopleQuery> {
        let cursor = if self.cursor.is_empty() { None } else { self.cursor.parse().ok() };
        Ok(PeopleQuery {
            kind: Some(kind),
            search: self.q.trim().to_owned(),
            filter: Filter::All { all: self.rules().into_iter().map(Filter::Rule).collect() },
            sort: SortBy::parse(&self.sort).unwrap_or_default(),
            descending: self.order == "down",
            cursor,
            limit: PAGE,
            visible_to: None,
        })
    }

    fn rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        let mut is = |field: &str, value: &str| {
            if !value.is_empty() {
                rules.push(Rule::new(field, "is", value));
            }
        };
        is("status", &self.status);
        is("blocked_reason", &self.blocked);
        if self.owner == "none" {
            rules.push(Rule::new("owner_id", "is_empty", ()));
        } else if self.owner.parse::<UserId>().is_ok() {
            rules.push(Rule::new("owner_id", "is", self.owner.clone()));
        }
        match self.email.as_str() {
            "yes" => rules.push(Rule::new("email", "is_set", ())),
            "no" => rules.push(Rule::new("email", "is_empty", ())),
            _ => {}
        }
        if !self.tag.is_empty() {
            rules.push(Rule::new("tags", "has", self.tag.clone()));
        }
        rules.extend(self.sequence_rule());
        rules
    }

    /// The state and the sequence the filter names.
    pub fn sequence_state(&self) -> Option<(&str, SequenceId)> {
        let (state, id) = self.sequence.split_once(':')?;
        Some((state, id.parse().ok()?))
    }

    fn sequence_rule(&self) -> Option<Rule> {
        match self.sequence.as_str() {
            "none" => return Some(Rule::new("sequence", "in_none_now", ())),
            "never" => return Some(Rule::new("sequence", "never_in_any", ())),
            _ => {}
        }
        let (state, id) = self.sequence_state()?;
        let op = ["ongoing_in", "active_in", "paused_in", "blocked_in", "finished_in"].into_iter();
        let op = op.into_iter().find(|op| op.strip_suffix("_in") == Some(state))?;
        Some(Rule::new("sequence", op, id.to_string()))
    }

    /// Names and values, in the order of forms.
    pub fn pairs(&self) -> [(&'static str, &str); 10] {
        [
            ("q", &self.q),
            ("status", &self.status),
            ("owner", &self.owner),
            ("email", &self.email),
            ("sequence", &self.sequence),
            ("tag", &self.tag),
            ("blocked", &self.blocked),
            ("sort", &self.sort),
            ("order", &self.order),
            ("cursor", &self.cursor),
        ]
    }

    /// Sets a part by its name; `false` if there is no such part.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let part = match name {
            "q" => &mut self.q,
            "status" => &mut self.status,
            "owner" => &mut self.owner,
            "email" => &mut self.email,
            "sequence" => &mut self.sequence,
            "tag" => &mut self.tag,
            "blocked" => &mut self.blocked,
            "sort" => &mut self.sort,
            "order" => &mut self.order,
            "cursor" => &mut self.cursor,
            _ => return false,
        };
        value.clone_into(part);
        true
    }

    /// Its address.
    pub fn href(&self, kind: Kind) -> String {
        urls::with_query(urls::people(kind), &self.pairs())
    }

    /// The address without one of its parts, from the first page on.
    pub fn without(&self, kind: Kind, part: &str) -> String {
        let pairs = self.pairs().into_iter().filter(|(name, _)| *name != part && *name != "cursor");
        urls::with_query(urls::people(kind), &pairs.collect::<Vec<_>>())
    }

    /// The address of another page.
    pub fn at(&self, kind: Kind, cursor: &str) -> String {
        Self { cursor: cursor.to_owned(), ..self.clone() }.href(kind)
    }

    /// The address sorted by a column: up first, then down.
    pub fn sorted(&self, kind: Kind, by: SortBy) -> String {
        let is_up = self.sort_of(by) == "ascending";
        let order = if is_up { "down" } else { "" };
        Self { sort: by.as_str().to_owned(), order: order.to_owned(), cursor: String::new(), ..self.clone() }.href(kind)
    }

    /// `ascending`, `descending`, or empty: how a column is sorted.
    pub fn sort_of(&self, by: SortBy) -> &'static str {
        let current = SortBy::parse(&self.sort).unwrap_or_default();
        match (current == by, self.order == "down") {
            (false, _) => "",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }

    /// Whether anything narrows the list.
    pub fn is_narrowed(&self) -> bool {
        !self.q.trim().is_empty() || !self.rules().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_on_a_column_sorts_up_then_down_and_begins_at_the_first_page() {
        let query = ListQuery { q: "cold chain".into(), cursor: "nt61.per_1".into(), ..ListQuery::default() };
        assert_eq!(query.sort_of(SortBy::Name), "ascending");
        assert_eq!(query.sorted(Kind::Lead, SortBy::Name), "/leads?q=cold%20chain&sort=name&order=down");
        assert_eq!(query.sorted(Kind::Lead, SortBy::Status), "/leads?q=cold%20chain&sort=status");
        let down = ListQuery { sort: "name".into(), order: "down".into(), ..query };
        assert_eq!(down.sorted(Kind::Lead, SortBy::Name), "/leads?q=cold%20chain&sort=name");
    }

    #[test]
    fn filters_become_rules_and_a_chip_takes_only_its_own_away() {
        let id = SequenceId::from_uuid(Default::default());
        let query = ListQuery {
            status: "New".into(),
            email: "yes".into(),
            sequence: format!("blocked:{id}"),
            owner: "none".into(),
            ..ListQuery::default()
        };
        let ops: Vec<_> = query.rules().into_iter().map(|rule| format!("{} {}", rule.field, rule.op)).collect();
        assert_eq!(ops, ["status is", "owner_id is_empty", "email is_set", "sequence blocked_in"]);
        assert!(query.is_narrowed() && !ListQuery::default().is_narrowed());
        let href = query.without(Kind::Contact, "status");
        assert!(!href.contains("status") && href.contains("email=yes") && href.starts_with("/contacts?"));
    }
}
