//! Filters of people: a tree of rules, as in the API, turned into one SQL condition on the alias `p`.
//!
//! `{"all": [{"field": "status", "op": "is", "value": "New"}, {"any": […]}]}`. Which fields and operations there are
//! stands in [`crate::people_fields`]; an unknown one, or a value of another sort, is refused at its place in the tree,
//! in words. Nothing a user writes becomes SQL text: values are bound. Rules about sequences are in
//! [`crate::people_filter_sequences`], about custom fields in [`crate::people_filter_custom`].

use crate::people::search_words;
use crate::{
    error::Result,
    people_facts::Facts,
    people_fields::{self, FieldType, Operation},
    tx::Tx,
    value::{FromId, Value},
};
pub use relance_domain::list::{Filter, Rule};
use relance_domain::{
    PersonId, Refused, Timestamp, UserId,
    person::{Kind, email_key, normalized},
};

const DEEPEST: usize = 8;
const MOST_RULES: usize = 100;
const MOST_VALUES: usize = 1_000;

/// Builds SQL and its values side by side.
pub(crate) struct Condition<'a> {
    pub(crate) tx: &'a Tx,
    pub(crate) facts: &'a Facts,
    pub(crate) args: Vec<Value>,
    rules: usize,
}

impl<'a> Condition<'a> {
    pub(crate) const fn new(tx: &'a Tx, facts: &'a Facts, args: Vec<Value>) -> Self {
        Self { tx, facts, args, rules: 0 }
    }

    /// Binds a value; its placeholder.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }

    /// Binds values; their placeholders with commas between them, a place that nothing meets for none.
    pub(crate) fn bind_all<T: Into<Value>>(&mut self, values: Vec<T>) -> String {
        if values.is_empty() {
            return "NULL".to_owned();
        }
        values.into_iter().map(|value| self.bind(value)).collect::<Vec<_>>().join(", ")
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
            Filter::Rule(rule) => self.rule(&Asked { rule, path }),
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

    pub(crate) fn rule(&mut self, asked: &Asked<'_>) -> Result<String> {
        if let Some(key) = asked.rule.field.strip_prefix("custom_fields.") {
            let field = self.facts.field(key).ok_or_else(|| asked.unknown_field())?;
            asked.must_be_in(people_fields::type_of(field).operations())?;
            return self.custom(asked, field);
        }
        let known = people_fields::find(&asked.rule.field).ok_or_else(|| asked.unknown_field())?;
        asked.must_be_in(known.operations())?;
        let column = known.column.unwrap_or_default();
        match (known.field_type, known.field) {
            (FieldType::Text, _) => self.text(asked, column),
            (FieldType::Name, _) => self.name(asked),
            (FieldType::Search, _) => self.search(asked),
            (FieldType::Kind, _) => self.kind(asked),
            (FieldType::YesNo, "open_task") => self.open_task(asked),
            (FieldType::YesNo, _) => {
                let yes = asked.yes()?;
                Ok(format!("p.is_organization = {}", self.bind(yes)))
            }
            (FieldType::User, _) => self.owner(asked),
            (FieldType::Company, _) => self.company(asked),
            (FieldType::Tags, _) => self.tags(asked),
            (FieldType::Emails, _) => self.emails(asked),
            (FieldType::Instant, _) => self.instant(asked, column),
            (FieldType::InstantOrNone, "next_email_at") => self.next_email(asked),
            (FieldType::InstantOrNone, "open_task_due_at") => self.open_task_due(asked),
            (FieldType::InstantOrNone, _) => self.last_activity(asked),
            (FieldType::Sequences, "ongoing_sequences") => self.in_sequences(asked, "e.state <> 'finished'"),
            (FieldType::Sequences, _) => self.in_sequences(asked, "e.state = 'finished'"),
            (FieldType::SequenceState, _) => self.sequence(asked),
            (FieldType::BlockedReason, _) => self.blocked_reason(asked),
            (FieldType::Number | FieldType::Date | FieldType::List | FieldType::MultiList, _) => {
                Err(asked.unknown_field())
            }
        }
    }

    fn text(&mut self, asked: &Asked<'_>, column: &str) -> Result<String> {
        Ok(match asked.op() {
            // An address is looked for by its key, which has an index.
            "is_set" if column == "p.email" => "p.email_key IS NOT NULL".to_owned(),
            "is_empty" if column == "p.email" => "p.email_key IS NULL".to_owned(),
            "is" if column == "p.email" => match email_key(&asked.words()?) {
                Some(key) => format!("p.email_key = {}", self.bind(key)),
                None => format!("p.email = {}", self.bind(asked.words()?)),
            },
            "is_set" => format!("{column} <> ''"),
            "is_empty" => format!("{column} = ''"),
            "in" => {
                let texts = asked.texts()?;
                format!("{column} IN ({})", self.bind_all(texts))
            }
            "is" => format!("{column} = {}", self.bind(asked.words()?)),
            "is_not" => format!("{column} <> {}", self.bind(asked.words()?)),
            "starts_with" => self.like(column, &format!("{}%", escaped(&asked.words()?))),
            "not_contains" => format!("NOT {}", self.contains(column, &asked.words()?)),
            _ => self.contains(column, &asked.words()?),
        })
    }

    pub(crate) fn contains(&mut self, column: &str, words: &str) -> String {
        self.like(column, &format!("%{}%", escaped(words)))
    }

    pub(crate) fn like(&mut self, column: &str, pattern: &str) -> String {
        let like = self.tx.like();
        format!("{column} {like} {} ESCAPE '\\'", self.bind(pattern))
    }

    fn name(&mut self, asked: &Asked<'_>) -> Result<String> {
        let text = escaped(&normalized(&asked.words()?));
        let pattern = if asked.op() == "contains" { format!("%{text}%") } else { format!("{text}%") };
        Ok(self.like("p.name_key", &pattern))
    }

    /// Each word begins a word of the person: what the search field asks, kept as a rule by a saved list.
    fn search(&mut self, asked: &Asked<'_>) -> Result<String> {
        let words = search_words(&asked.words()?);
        if words.is_empty() {
            return Ok("1 = 0".to_owned());
        }
        let find = self.tx.position_of();
        let begins = |word: String| format!("{find}(' ' || p.search_text, {}) > 0", self.bind(format!(" {word}")));
        Ok(format!("({})", words.into_iter().map(begins).collect::<Vec<_>>().join(" AND ")))
    }

    fn kind(&mut self, asked: &Asked<'_>) -> Result<String> {
        let kind = Kind::parse(&asked.words()?).ok_or_else(|| asked.wrong_value("“lead” or “contact”"))?;
        Ok(format!("p.kind = {}", self.bind(kind.as_str())))
    }

    fn tags(&mut self, asked: &Asked<'_>) -> Result<String> {
        Ok(match asked.op() {
            "is_set" => "p.tags <> '[]'".to_owned(),
            "is_empty" => "p.tags = '[]'".to_owned(),
            "in" => {
                let any: Vec<String> = asked.texts()?.iter().map(|tag| self.holds("p.tags", tag)).collect();
                format!("(p.tags <> '[]' AND ({}))", or_none(&any))
            }
            // The first comparison is what the index of tagged people stands for.
            "has" => format!("(p.tags <> '[]' AND {})", self.holds("p.tags", &asked.words()?)),
            _ => format!("NOT {}", self.holds("p.tags", &asked.words()?)),
        })
    }

    /// A list of texts, stored as JSON, holds this one.
    pub(crate) fn holds(&mut self, column: &str, text: &str) -> String {
        let find = self.tx.position_of();
        format!("{find}({column}, {}) > 0", self.bind(serde_json::to_string(text).unwrap_or_default()))
    }

    fn emails(&mut self, asked: &Asked<'_>) -> Result<String> {
        Ok(match asked.op() {
            "is_set" => "p.other_emails <> '[]'".to_owned(),
            "is_empty" => "p.other_emails = '[]'".to_owned(),
            "has" => {
                let words = asked.words()?;
                let key = self.bind(email_key(&words).unwrap_or(words));
                format!(
                    "(p.other_emails <> '[]' AND EXISTS (SELECT 1 FROM person_addresses pa WHERE pa.address_key = {key}
                        AND pa.person_id = p.id) AND (p.email_key IS NULL OR p.email_key <> {key}))"
                )
            }
            _ => format!("(p.other_emails <> '[]' AND {})", self.contains("p.other_emails", &asked.words()?)),
        })
    }

    fn owner(&mut self, asked: &Asked<'_>) -> Result<String> {
        Ok(match asked.op() {
            "is_set" => "p.owner_id IS NOT NULL".to_owned(),
            "is_empty" => "p.owner_id IS NULL".to_owned(),
            "is" => format!("p.owner_id = {}", self.bind(asked.id::<UserId>()?)),
            "is_not" => format!("(p.owner_id IS NULL OR p.owner_id <> {})", self.bind(asked.id::<UserId>()?)),
            _ => {
                let owners = asked.ids::<UserId>("a list of users")?;
                format!("p.owner_id IN ({})", self.bind_all(owners))
            }
        })
    }

    fn company(&mut self, asked: &Asked<'_>) -> Result<String> {
        Ok(match asked.op() {
            "is_set" => "p.company_id IS NOT NULL".to_owned(),
            "is_empty" => "p.company_id IS NULL".to_owned(),
            "is" => format!("p.company_id = {}", self.bind(asked.id::<PersonId>()?)),
            _ => format!("(p.company_id IS NULL OR p.company_id <> {})", self.bind(asked.id::<PersonId>()?)),
        })
    }

    pub(crate) fn instant(&mut self, asked: &Asked<'_>, column: &str) -> Result<String> {
        let instant = asked.instant()?;
        let compared = if asked.op() == "before" { "<" } else { ">=" };
        Ok(format!("{column} {compared} {}", self.bind(instant)))
    }
}

/// `OR` between conditions, one that nothing meets for none.
pub(crate) fn or_none(any: &[String]) -> String {
    if any.is_empty() { "1 = 0".to_owned() } else { any.join(" OR ") }
}

/// A text as part of a pattern of LIKE.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// One rule and its place, with ways to read its value.
pub(crate) struct Asked<'a> {
    pub(crate) rule: &'a Rule,
    path: &'a str,
}

impl<'a> Asked<'a> {
    /// A rule whose place does not matter.
    pub(crate) const fn about(rule: &'a Rule) -> Self {
        Self { rule, path: "filter" }
    }
}

impl Asked<'_> {
    pub(crate) fn op(&self) -> &str {
        &self.rule.op
    }

    fn must_be_in(&self, operations: &[Operation]) -> Result<()> {
        if operations.iter().any(|operation| operation.op == self.rule.op) {
            return Ok(());
        }
        let message = format!("“{}” cannot be used with “{}”.", self.rule.op, self.rule.field);
        Err(self.refused("op", "unknown_operation", &message))
    }

    fn refused(&self, part: &str, code: &str, message: &str) -> crate::StorageError {
        Refused::at(format!("{}.{part}", self.path), code, message).into()
    }

    fn unknown_field(&self) -> crate::StorageError {
        let message = format!("People cannot be filtered by “{}”.", self.rule.field);
        self.refused("field", "unknown_field", &message)
    }

    pub(crate) fn wrong_value(&self, expected: &str) -> crate::StorageError {
        self.refused("value", "wrong_value", &format!("This rule needs {expected}."))
    }

    /// It names nothing in particular.
    pub(crate) fn is_about_any(&self) -> bool {
        self.rule.value.is_null() || self.rule.value.as_str() == Some("")
    }

    pub(crate) fn words(&self) -> Result<String> {
        match &self.rule.value {
            serde_json::Value::String(text) => Ok(text.clone()),
            serde_json::Value::Number(number) => Ok(number.to_string()),
            serde_json::Value::Bool(yes) => Ok(yes.to_string()),
            _ => Err(self.wrong_value("a text")),
        }
    }

    fn items(&self, expected: &str) -> Result<&[serde_json::Value]> {
        match self.rule.value.as_array() {
            Some(list) if list.len() <= MOST_VALUES => Ok(list),
            _ => Err(self.wrong_value(expected)),
        }
    }

    pub(crate) fn texts(&self) -> Result<Vec<String>> {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let texts: Option<Vec<String>> = self.items("a list of texts")?.iter().map(text).collect();
        texts.ok_or_else(|| self.wrong_value("a list of texts"))
    }

    pub(crate) fn yes(&self) -> Result<bool> {
        match &self.rule.value {
            serde_json::Value::Bool(yes) => Ok(*yes),
            serde_json::Value::String(text) if text == "true" || text == "yes" => Ok(true),
            serde_json::Value::String(text) if text == "false" || text == "no" => Ok(false),
            _ => Err(self.wrong_value("true or false")),
        }
    }

    pub(crate) fn id<T: FromId + std::str::FromStr>(&self) -> Result<T> {
        self.rule.value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| self.wrong_value("an id"))
    }

    fn ids<T: FromId + std::str::FromStr>(&self, expected: &str) -> Result<Vec<T>> {
        let id = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse().ok());
        let ids: Option<Vec<T>> = self.items(expected)?.iter().map(id).collect();
        ids.ok_or_else(|| self.wrong_value(expected))
    }

    pub(crate) fn instant(&self) -> Result<Timestamp> {
        let words = self.words()?;
        let day = || Timestamp::parse(&format!("{words}T00:00:00Z"));
        let found = Timestamp::parse(&words).or_else(day);
        found.ok_or_else(|| self.wrong_value("a day such as 2026-11-24 or an instant such as 2026-11-24T09:00:00Z"))
    }
}
