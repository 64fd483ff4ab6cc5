//! What a command answers when it does not do what was asked.

use relance_domain::Refused;
use relance_storage::StorageError;

/// The result of every command.
pub type Result<T> = std::result::Result<T, EngineError>;

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Rules said no: one or more, each with code, sentence and field.
    #[error("{}", sentences(.0))]
    Refused(Vec<Refused>),
    /// There is no such thing, or this user may not know of it.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// The user may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// Try later.
    #[error("{0}")]
    Unavailable(String),
    /// What is stored breaks our rules.
    #[error("{0}")]
    Corrupt(String),
}

fn sentences(refused: &[Refused]) -> String {
    refused.iter().map(|refused| refused.message.as_str()).collect::<Vec<_>>().join(" ")
}

impl EngineError {
    /// A refusal with a code and a sentence.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::Refused(vec![Refused::new(code, message)])
    }
}

impl From<Refused> for EngineError {
    fn from(refused: Refused) -> Self {
        Self::Refused(vec![refused])
    }
}

impl From<Vec<Refused>> for EngineError {
    fn from(refused: Vec<Refused>) -> Self {
        Self::Refused(refused)
    }
}

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Refused(refused) => refused.into(),
            StorageError::Conflict(what) => Self::refused("conflict", format!("This already exists ({what}).")),
            StorageError::Unavailable(message) => Self::Unavailable(message),
            StorageError::Corrupt(message) => Self::Corrupt(message),
        }
    }
}
