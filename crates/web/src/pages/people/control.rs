//! One field of a form, whatever its kind: what is drawn, and what its text stands for.
//!
//! Used by the form of a person, the fields edited in place, *Complete data* and the settings of custom fields.

use crate::pages::form::Choice;

/// A field of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Its name in the form.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// `text`, `email`, `tel`, `url`, `number`, `date`, `textarea`, `select`, `checks`, `check` or `tags`.
    pub kind: &'static str,
    /// Its text.
    pub value: String,
    /// Its texts, of check boxes and tags.
    pub values: Vec<String>,
    /// What can be chosen, or is suggested.
    pub choices: Vec<Choice>,
    /// What helps to fill it in.
    pub hint: String,
    /// Why it was refused.
    pub error: String,
    /// It takes the focus.
    pub is_first: bool,
    /// The id of the list of suggestions; empty for none.
    pub list: String,
}

impl Control {
    /// A field of this kind.
    pub fn new(kind: &'static str, name: impl Into<String>, label: impl Into<String>) -> Self {
        Self { kind, name: name.into(), label: label.into(), ..Self::default() }
    }

    /// With a text.
    #[must_use]
    pub fn with(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// With what can be chosen.
    #[must_use]
    pub fn of(mut self, choices: Vec<Choice>) -> Self {
        self.choices = choices;
        self
    }

    /// Whether a choice is ticked.
    pub fn has(&self, value: &str) -> bool {
        self.values.iter().any(|one| one == value)
    }

    /// The choices that are not ticked.
    pub fn offered(&self) -> Vec<&Choice> {
        self.choices.iter().filter(|choice| !self.has(&choice.value)).collect()
    }
}
