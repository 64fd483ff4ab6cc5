//! What a form sent, as names and texts, and the numbers and dates they stand for.
//!
//! Fields are named as in the API, so that a refusal finds its field. A name may come several times (check boxes, rows
//! of a table). What cannot be read is refused at its field.

use std::str::FromStr;

use relance_domain::Refused;
use serde::{Deserialize, Deserializer};

/// A value and its words, for a list of choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl ToString, label: impl Into<String>) -> Self {
        Self { value: value.to_string(), label: label.into() }
    }
}

/// Names and texts in the order of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<(String, String)>::deserialize(deserializer).map(Self)
    }
}

impl Typed {
    /// As a form begins.
    pub fn of<const N: usize>(pairs: [(&str, String); N]) -> Self {
        Self(pairs.into_iter().map(|(name, text)| (name.to_owned(), text)).collect())
    }

    /// The last text of this name; empty if it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(known, _)| known == name).map_or("", |(_, text)| text)
    }

    /// The text without the space around it.
    pub fn trimmed(&self, name: &str) -> String {
        self.get(name).trim().to_owned()
    }

    /// Every text of this name, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, text)| text.as_str()).collect()
    }

    /// Sent and not empty.
    pub fn is_set(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// Whether this value of the name was sent.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).contains(&value)
    }

    /// Puts a text in the place of what there was.
    pub fn set(&mut self, name: &str, text: impl Into<String>) {
        self.0.retain(|(known, _)| known != name);
        self.push(name, text);
    }

    /// Takes every text of this name away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Adds a text beside those of the same name.
    pub fn push(&mut self, name: &str, text: impl Into<String>) {
        self.0.push((name.to_owned(), text.into()));
    }

    /// A whole number from 0; `wrong` says what to enter.
    pub fn number(&self, name: &str, wrong: &str) -> Result<u32, Refused> {
        self.get(name).trim().replace(',', "").parse().map_err(|_| Refused::at(name, "invalid_number", wrong))
    }

    /// An id, a role, a date …; `wrong` says what to choose.
    pub fn parse<T: FromStr>(&self, name: &str, wrong: &str) -> Result<T, Refused> {
        self.get(name).trim().parse().map_err(|_| Refused::at(name, "invalid", wrong))
    }
}

/// A form or address read name by name: `put` takes each with its text, in order.
pub fn from_pairs<'de, T: Default, D: Deserializer<'de>>(
    deserializer: D,
    mut put: impl FnMut(&mut T, &str, String),
) -> Result<T, D::Error> {
    let mut asked = T::default();
    for (name, text) in Vec::<(String, String)>::deserialize(deserializer)? {
        put(&mut asked, &name, text);
    }
    Ok(asked)
}

/// The values, or everything that was wrong.
pub fn all_right<T>(value: T, wrong: Vec<Refused>) -> Result<T, Vec<Refused>> {
    if wrong.is_empty() { Ok(value) } else { Err(wrong) }
}

/// Notes what was refused and goes on with the default.
pub fn or_default<T: Default>(read: Result<T, Refused>, wrong: &mut Vec<Refused>) -> T {
    read.unwrap_or_else(|refused| {
        wrong.push(refused);
        T::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_keeps_all_its_texts_and_a_bad_number_is_refused_at_its_field() {
        let mut typed =
            Typed::of([("days", "mon".to_owned()), ("days", "tue".to_owned()), ("quota", "many".to_owned())]);
        assert_eq!(typed.all("days"), ["mon", "tue"]);
        assert!(typed.has("days", "mon") && !typed.has("days", "sun"));
        let refused = typed.number("quota", "Enter a number.").expect_err("a refusal");
        assert_eq!(refused.field.as_deref(), Some("quota"));
        typed.set("quota", "1,200");
        assert_eq!(typed.number("quota", ""), Ok(1200));
    }
}
