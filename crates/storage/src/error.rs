//! What can go wrong in storage, in two families that are never mixed.

use relance_domain::Refused;

/// An error of storage.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database cannot be reached or is busy: try later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// What is stored breaks our rules: table, column and value are named.
    #[error("the stored data is wrong: {0}")]
    Corrupt(String),
    /// A uniqueness rule said no; names the index or columns.
    #[error("this already exists ({0})")]
    Conflict(String),
    /// A rule said no.
    #[error("{0}")]
    Refused(#[from] Refused),
}

/// The result of every storage function.
pub type Result<T> = std::result::Result<T, StorageError>;

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) if db.is_unique_violation() => Self::Conflict(db.message().to_owned()),
            sqlx::Error::Database(db) if db.is_check_violation() || db.is_foreign_key_violation() => {
                Self::Corrupt(db.message().to_owned())
            }
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::TypeNotFound { .. } => Self::Corrupt(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
