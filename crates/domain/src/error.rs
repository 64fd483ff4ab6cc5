//! The refusal: a rule said no, and the person reads why.
//!
//! A refusal carries a stable code for programs, a sentence for people and, where it concerns one, the field.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One rule that said no: `code` for programs, `message` for people, `field` where one is to blame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Stable, snake_case.
    pub code: String,
    /// A sentence in the words of `ui.md`: what happened and what to do.
    pub message: String,
    /// The field of the form or JSON body, in API spelling (`steps[2].email.subject`).
    pub field: Option<String>,
}

impl Refused {
    /// A refusal that concerns no single field.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), field: None }
    }

    /// A refusal at one field.
    pub fn at(field: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), field: Some(field.into()) }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}
