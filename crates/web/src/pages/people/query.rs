//! The address of a list of people: search, rules, order, columns and page, as typed by forms and read by links.
//!
//! A rule stands as `rule=field:operation:value`; a value that is no text as JSON after `=`. The same pairs select *all
//! that match* for bulk actions and exports, so a selection travels as this query, not as ids. A smart list has its own
//! address: without `edited` it is the list as it was saved, with it everything else in the query counts instead.

use relance_domain::list::{Filter, List, Rule};
use relance_domain::person::Kind;
use relance_domain::{ListId, UserId};
use relance_storage::people_lists::{PeopleQuery, SortBy};
use serde::{Deserialize, Deserializer};

use crate::errors::Result;
use crate::pages::form::from_pairs;
use crate::urls;

/// People on a page.
pub const PAGE: usize = 50;

/// What an address asks for; empty = not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// The smart list it is about.
    pub list: Option<ListId>,
    /// Search.
    pub q: String,
    /// One of the rules is enough.
    pub any: bool,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Rules within rules, as the API can save them: they hold besides.
    pub tree: Option<Filter>,
    /// A field, with `-` in front from high to low; empty = by name.
    pub sort: String,
    /// The columns; empty = those of the list or the user.
    pub columns: Vec<String>,
    /// The page.
    pub cursor: String,
    /// Matches are counted beyond 10,000.
    pub is_exact: bool,
    /// Of a smart list: this is not what was saved, but what is asked now.
    pub is_edited: bool,
}

impl<'de> Deserialize<'de> for ListQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        from_pairs(deserializer, |query: &mut Self, name, value| {
            query.set(name, &value);
        })
    }
}

impl ListQuery {
    /// What a smart list was saved as.
    pub fn of_list(list: &List) -> Self {
        let mut query = Self {
            list: Some(list.id),
            sort: list.sort.clone(),
            columns: list.columns.clone(),
            is_edited: true,
            ..Self::default()
        };
        query.take(&list.filter);
        query
    }

    /// Takes a saved filter apart: rules side by side become chips, what is deeper stays a tree.
    fn take(&mut self, filter: &Filter) {
        let rules = |filters: &[Filter]| -> Option<Vec<Rule>> {
            let rule = |filter: &Filter| if let Filter::Rule(rule) = filter { Some(rule.clone()) } else { None };
            filters.iter().map(rule).collect()
        };
        match filter {
            Filter::Rule(rule) => self.rules = vec![rule.clone()],
            Filter::Any { any } if rules(any).is_some_and(|rules| !rules.is_empty()) => {
                (self.any, self.rules) = (true, rules(any).unwrap_or_default());
            }
            Filter::All { all } => {
                let (flat, deep): (Vec<Filter>, Vec<Filter>) =
                    all.iter().cloned().partition(|filter| matches!(filter, Filter::Rule(_)));
                self.rules = rules(&flat).unwrap_or_default();
                self.tree = match deep.len() {
                    0 => None,
                    1 => deep.into_iter().next(),
                    _ => Some(Filter::All { all: deep }),
                };
            }
            other @ Filter::Any { .. } => self.tree = Some(other.clone()),
        }
        self.lift_search();
    }

    /// The search of a saved list stands among its rules.
    fn lift_search(&mut self) {
        if self.any {
            return;
        }
        if let Some(place) = self.rules.iter().position(|rule| rule.field == SEARCH) {
            self.q = self.rules.remove(place).value.as_str().unwrap_or_default().to_owned();
        }
        // What is left may be *any of these* beside the search.
        if let (true, Some(Filter::Any { any })) = (self.rules.is_empty(), &self.tree) {
            let rule = |filter: &Filter| if let Filter::Rule(rule) = filter { Some(rule.clone()) } else { None };
            if let Some(rules) = any.iter().map(rule).collect::<Option<Vec<_>>>().filter(|rules| !rules.is_empty()) {
                (self.any, self.rules, self.tree) = (true, rules, None);
            }
        }
    }

    /// The rules as storage reads them, without the search.
    pub fn filter(&self) -> Filter {
        let rules: Vec<Filter> = self.rules.iter().cloned().map(Filter::Rule).collect();
        let flat = if self.any && !rules.is_empty() { Filter::Any { any: rules } } else { Filter::All { all: rules } };
        match (&self.tree, flat) {
            (None, flat) => flat,
            (Some(tree), Filter::All { mut all }) => {
                all.insert(0, tree.clone());
                Filter::All { all }
            }
            (Some(tree), flat) => Filter::All { all: vec![tree.clone(), flat] },
        }
    }

    /// As storage reads it.
    pub fn people(&self, kind: Kind, visible_to: Option<Vec<UserId>>) -> Result<PeopleQuery> {
        let (sort, descending) = self.order();
        Ok(PeopleQuery {
            kind: Some(kind),
            search: self.q.trim().to_owned(),
            filter: self.filter(),
            sort,
            descending,
            cursor: if self.cursor.is_empty() { None } else { self.cursor.parse().ok() },
            limit: PAGE,
            visible_to,
        })
    }

    /// What it is sorted by, and whether from high to low.
    pub fn order(&self) -> (SortBy, bool) {
        let (down, field) = self.sort.strip_prefix('-').map_or((false, self.sort.as_str()), |field| (true, field));
        (SortBy::parse(field).unwrap_or_default(), down)
    }

    /// Names and values, in the order of addresses.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut add = |name: &'static str, value: &str| {
            if !value.is_empty() {
                pairs.push((name, value.to_owned()));
            }
        };
        add("q", &self.q);
        add("match", if self.any && self.rules.len() > 1 { "any" } else { "" });
        self.rules.iter().for_each(|rule| add("rule", &rule_text(rule)));
        if let Some(tree) = &self.tree {
            add("filter", &serde_json::to_string(tree).unwrap_or_default());
        }
        add("sort", &self.sort);
        add("columns", &self.columns.join(","));
        if self.list.is_some() {
            add("edited", "1");
        }
        add("cursor", &self.cursor);
        pairs
    }

    /// Names and values for hidden fields of forms that act on the list: all but the page, and the list itself.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let pairs = self.pairs().into_iter().filter(|(name, _)| *name != "cursor");
        let mut hidden: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value)).collect();
        hidden.extend(self.list.map(|list| ("list".to_owned(), list.to_string())));
        hidden
    }

    /// Sets a part by its name; `false` if there is no such part.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        match name {
            "list" => self.list = value.parse().ok(),
            "q" => value.clone_into(&mut self.q),
            "match" => self.any = value == "any",
            "rule" => self.rules.extend(read_rule(value)),
            "filter" => self.tree = serde_json::from_str(value).ok(),
            "sort" => value.clone_into(&mut self.sort),
            "columns" => self.columns = value.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect(),
            "cursor" => value.clone_into(&mut self.cursor),
            "exact" => self.is_exact = value == "1",
            "edited" => self.is_edited = value == "1",
            _ => return self.set_short(name, value),
        }
        true
    }

    /// The short forms other pages link with: `status=New`, `sequence=blocked:seq_…`.
    fn set_short(&mut self, name: &str, value: &str) -> bool {
        let rule = match (name, value) {
            ("status" | "owner" | "email" | "sequence" | "tag" | "blocked", "") => return true,
            ("status", status) => Rule::new("status", "is", status),
            ("blocked", reason) => Rule::new("blocked_reason", "is", reason),
            ("owner", "none") => Rule::new("owner_id", "is_empty", ()),
            ("owner", id) => Rule::new("owner_id", "is", id),
            ("email", "yes") => Rule::new("email", "is_set", ()),
            ("email", _) => Rule::new("email", "is_empty", ()),
            ("tag", tag) => Rule::new("tags", "has", tag),
            ("sequence", "none") => Rule::new("sequence", "in_none_now", ()),
            ("sequence", "never") => Rule::new("sequence", "never_in_any", ()),
            ("sequence", state) => match state.split_once(':') {
                Some((state, id)) => Rule::new("sequence", &format!("{state}_in"), id),
                None => return true,
            },
            _ => return false,
        };
        self.rules.push(rule);
        true
    }

    /// The address of the list itself, with nothing asked.
    pub fn plain(&self, kind: Kind) -> String {
        self.list.map_or_else(|| urls::people(kind).to_owned(), urls::list)
    }

    /// Its address.
    pub fn href(&self, kind: Kind) -> String {
        let pairs = self.pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        urls::with_query(&self.plain(kind), &pairs)
    }

    /// The same from the first page on.
    fn first(&self) -> Self {
        Self { cursor: String::new(), ..self.clone() }
    }

    /// The address of another page.
    pub fn at(&self, kind: Kind, cursor: &str) -> String {
        Self { cursor: cursor.to_owned(), ..self.clone() }.href(kind)
    }

    /// The address without one of its rules.
    pub fn without_rule(&self, kind: Kind, place: usize) -> String {
        let mut query = self.first();
        query.rules.remove(place);
        query.href(kind)
    }

    /// The address without the rules within rules.
    pub fn without_tree(&self, kind: Kind) -> String {
        Self { tree: None, ..self.first() }.href(kind)
    }

    /// The address without anything that narrows.
    pub fn everyone(&self, kind: Kind) -> String {
        Self { q: String::new(), rules: Vec::new(), tree: None, any: false, ..self.first() }.href(kind)
    }

    /// The address where all of the rules hold, or any.
    pub fn matching(&self, kind: Kind, any: bool) -> String {
        Self { any, ..self.first() }.href(kind)
    }

    /// The address sorted by a column: up first, then down.
    pub fn sorted(&self, kind: Kind, field: &str) -> String {
        let down = if self.sort_of(field) == "ascending" { "-" } else { "" };
        Self { sort: format!("{down}{field}"), ..self.first() }.href(kind)
    }

    /// `ascending`, `descending`, or empty: how a column is sorted.
    pub fn sort_of(&self, field: &str) -> &'static str {
        let current = if self.sort.is_empty() { "name" } else { self.sort.as_str() };
        match current.strip_prefix('-') {
            Some(current) if current == field => "descending",
            None if current == field => "ascending",
            _ => "",
        }
    }

    /// Whether anything narrows the list.
    pub fn is_narrowed(&self) -> bool {
        !self.q.trim().is_empty() || !self.rules.is_empty() || self.tree.is_some()
    }

    /// The filter a smart list keeps: with the search as a rule of its own.
    pub fn saved_filter(&self) -> Filter {
        let search = self.q.trim();
        if search.is_empty() {
            return self.filter();
        }
        let search = Filter::Rule(Rule::new(SEARCH, "matches", search));
        match self.filter() {
            Filter::All { mut all } => {
                all.insert(0, search);
                Filter::All { all }
            }
            other => Filter::All { all: vec![search, other] },
        }
    }

    /// Whether it asks for the same as another, page and count apart.
    pub fn is_same(&self, other: &Self) -> bool {
        let sort = |query: &Self| if query.sort == "name" { String::new() } else { query.sort.clone() };
        self.saved_filter() == other.saved_filter() && sort(self) == sort(other) && self.columns == other.columns
    }
}

/// The field of a saved list's search.
const SEARCH: &str = "search";

/// `field:operation:value`.
pub fn rule_text(rule: &Rule) -> String {
    let value = match &rule.value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) if !text.starts_with('=') => text.clone(),
        other => format!("={other}"),
    };
    format!("{}:{}:{value}", rule.field, rule.op)
}

/// Reads [`rule_text`].
pub fn read_rule(text: &str) -> Option<Rule> {
    let (field, rest) = text.split_once(':')?;
    let (op, value) = rest.split_once(':').unwrap_or((rest, ""));
    let value = match value.strip_prefix('=') {
        Some(json) => serde_json::from_str(json).ok()?,
        None if value.is_empty() => serde_json::Value::Null,
        None => serde_json::Value::String(value.to_owned()),
    };
    Some(Rule { field: field.to_owned(), op: op.to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn query(pairs: &[(&str, &str)]) -> ListQuery {
        let mut query = ListQuery::default();
        pairs.iter().for_each(|(name, value)| assert!(query.set(name, value), "{name}"));
        query
    }

    #[test]
    fn a_click_on_a_column_sorts_up_then_down_and_begins_at_the_first_page() {
        let query = query(&[("q", "cold chain"), ("cursor", "nt61.per_1")]);
        assert_eq!(query.sort_of("name"), "ascending");
        assert_eq!(query.sorted(Kind::Lead, "name"), "/leads?q=cold%20chain&sort=-name");
        assert_eq!(query.sorted(Kind::Lead, "status"), "/leads?q=cold%20chain&sort=status");
        let down = ListQuery { sort: "-name".into(), ..query };
        assert_eq!(down.sorted(Kind::Lead, "name"), "/leads?q=cold%20chain&sort=name");
    }

    #[test]
    fn rules_read_back_from_their_text_whatever_their_value() {
        for rule in [
            Rule::new("status", "is", "a:b"),
            Rule::new("email", "is_set", ()),
            Rule::new("custom_fields.size", "is", 12),
            Rule::new("status", "in", json!(["New", "Working"])),
            Rule::new("title", "is", "=cmd"),
        ] {
            assert_eq!(read_rule(&rule_text(&rule)), Some(rule));
        }
        assert_eq!(read_rule("nonsense"), None);
        assert_eq!(read_rule("status:is:={"), None);
    }

    #[test]
    fn short_forms_become_rules_and_a_chip_takes_only_its_own_away() {
        let query = query(&[("status", "New"), ("owner", "none"), ("email", "yes"), ("sequence", "blocked:seq_1")]);
        let ops: Vec<_> = query.rules.iter().map(|rule| format!("{} {}", rule.field, rule.op)).collect();
        assert_eq!(ops, ["status is", "owner_id is_empty", "email is_set", "sequence blocked_in"]);
        assert!(query.is_narrowed() && !ListQuery::default().is_narrowed());
        let href = query.without_rule(Kind::Contact, 0);
        assert!(!href.contains("status") && href.contains("rule=email:is_set:") && href.starts_with("/contacts?"));
    }

    #[test]
    fn what_a_list_saves_comes_back_as_the_same_question() {
        for pairs in [
            vec![("q", "cold"), ("rule", "status:is:New"), ("rule", "tags:has:uk")],
            vec![("match", "any"), ("rule", "status:is:New"), ("rule", "tags:has:uk")],
            vec![("q", "cold"), ("match", "any"), ("rule", "status:is:New"), ("rule", "tags:has:uk")],
            vec![("filter", r#"{"any":[{"field":"status","op":"is","value":"New"}]}"#), ("rule", "email:is_set:")],
            vec![],
        ] {
            let asked = query(&pairs);
            let mut again = ListQuery::default();
            again.take(&asked.saved_filter());
            assert_eq!(again.saved_filter(), asked.saved_filter(), "{pairs:?}");
            assert!(again.is_same(&asked));
        }
        let either = query(&[("match", "any"), ("rule", "status:is:New"), ("rule", "tags:has:uk")]);
        assert!(matches!(either.filter(), Filter::Any { .. }));
        assert!(!either.is_same(&query(&[("rule", "status:is:New"), ("rule", "tags:has:uk")])));
    }

    #[test]
    fn any_of_no_rules_is_everyone() {
        assert!(query(&[("match", "any")]).filter().is_empty());
    }
}
