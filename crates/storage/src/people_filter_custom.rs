//! Rules about custom fields: their values stand in `people.custom_fields` in the canonical form of the domain.
//!
//! A value of another sort, left by a field that was deleted, is as good as none.

use crate::{
    error::Result,
    people_fields::{FieldType, type_of},
    people_filter::{Asked, Condition, or_none},
};
use relance_domain::custom_field::CustomField;

impl Condition<'_> {
    pub(crate) fn custom(&mut self, asked: &Asked<'_>, field: &CustomField) -> Result<String> {
        let text = self.custom_text(&field.key);
        match asked.op() {
            "is_set" => return Ok(format!("COALESCE({text}, '') NOT IN ('', '[]')")),
            "is_empty" => return Ok(format!("COALESCE({text}, '') IN ('', '[]')")),
            _ => {}
        }
        match type_of(field) {
            FieldType::Number => self.custom_number(asked, field),
            FieldType::Date => {
                let day = self.bind(day(asked)?);
                let compared = match asked.op() {
                    "before" => "<",
                    "after" => ">=",
                    _ => "=",
                };
                // A day is ten characters; what is empty is on no day.
                Ok(format!("({text} {compared} {day} AND LENGTH({text}) = 10)"))
            }
            FieldType::YesNo => {
                let yes = asked.yes()?;
                let words = self.tx.json_boolean(yes);
                Ok(if yes { format!("{text} = '{words}'") } else { format!("COALESCE({text}, '{words}') = '{words}'") })
            }
            FieldType::MultiList => self.custom_choices(asked, &text),
            _ => self.custom_words(asked, &text),
        }
    }

    /// The value of the person as text, NULL without one.
    pub(crate) fn custom_text(&self, key: &str) -> String {
        self.tx.json_text("p.custom_fields", &self.facts.bound_key(key))
    }

    /// The value of the person as a number, NULL if it is none.
    pub(crate) fn custom_as_number(&self, key: &str) -> String {
        self.tx.json_number("p.custom_fields", &self.facts.bound_key(key))
    }

    fn custom_number(&mut self, asked: &Asked<'_>, field: &CustomField) -> Result<String> {
        let number = match field.check(&asked.rule.value) {
            Ok(Some(number)) => number.to_string(),
            _ => return Err(asked.wrong_value("a number")),
        };
        let value = self.custom_as_number(&field.key);
        let number = format!("CAST(CAST({} AS TEXT) AS DOUBLE PRECISION)", self.bind(number));
        let compared = match asked.op() {
            "is_not" => return Ok(format!("({value} IS NULL OR {value} <> {number})")),
            "less" => "<",
            "more" => ">",
            "at_most" => "<=",
            "at_least" => ">=",
            _ => "=",
        };
        Ok(format!("{value} {compared} {number}"))
    }

    fn custom_choices(&mut self, asked: &Asked<'_>, text: &str) -> Result<String> {
        // Both engines write the list in their own way, but each choice in the same quotes.
        let list = format!("COALESCE({text}, '')");
        Ok(match asked.op() {
            "has" => self.holds(&list, &asked.words()?),
            "has_not" => format!("NOT {}", self.holds(&list, &asked.words()?)),
            _ => {
                let any: Vec<String> = asked.texts()?.iter().map(|choice| self.holds(&list, choice)).collect();
                format!("({})", or_none(&any))
            }
        })
    }

    fn custom_words(&mut self, asked: &Asked<'_>, text: &str) -> Result<String> {
        let value = format!("COALESCE({text}, '')");
        Ok(match asked.op() {
            "in" => {
                let texts = asked.texts()?;
                format!("{text} IN ({})", self.bind_all(texts))
            }
            "is" => format!("{text} = {}", self.bind(asked.words()?)),
            "is_not" => format!("{value} <> {}", self.bind(asked.words()?)),
            "starts_with" => {
                let pattern = format!("{}%", crate::people_filter::escaped(&asked.words()?));
                self.like(&value, &pattern)
            }
            "not_contains" => format!("NOT {}", self.contains(&value, &asked.words()?)),
            _ => self.contains(&value, &asked.words()?),
        })
    }
}

/// A day in its canonical form.
fn day(asked: &Asked<'_>) -> Result<String> {
    let words = asked.words()?;
    let is_day = words.len() == 10 && relance_domain::Timestamp::parse(&format!("{words}T00:00:00Z")).is_some();
    if is_day { Ok(words) } else { Err(asked.wrong_value("a day such as 2026-11-24")) }
}
