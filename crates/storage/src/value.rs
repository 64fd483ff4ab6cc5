//! Values bound to statements and rows read back, the same for both engines.
//!
//! Ids are 16 bytes (UUID / BLOB), instants and numbers 64-bit integers, enums text, foreign bytes as they are. NULs
//! are dropped from text, which PostgreSQL would refuse.

use crate::error::{Result, StorageError};
use relance_domain::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::Row as _;
use uuid::Uuid;

/// A value bound to a statement; `None` binds a typed NULL.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An id.
    Id(Option<Uuid>),
    /// A number or instant.
    Int(Option<i64>),
    /// Text or an enum's word.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// Yes or no.
    Bool(Option<bool>),
}

macro_rules! from {
    ($($type:ty => |$v:ident| $value:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($v: $type) -> Self {
                $value
            }
        }
    )*};
}

fn text(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}

from! {
    Uuid => |v| Value::Id(Some(v));
    Option<Uuid> => |v| Value::Id(v);
    i64 => |v| Value::Int(Some(v));
    Option<i64> => |v| Value::Int(v);
    i32 => |v| Value::Int(Some(i64::from(v)));
    u32 => |v| Value::Int(Some(i64::from(v)));
    u16 => |v| Value::Int(Some(i64::from(v)));
    Option<u16> => |v| Value::Int(v.map(i64::from));
    usize => |v| Value::Int(Some(i64::try_from(v).unwrap_or(i64::MAX)));
    Timestamp => |v| Value::Int(Some(v.ms()));
    Option<Timestamp> => |v| Value::Int(v.map(Timestamp::ms));
    &str => |v| Value::Text(Some(text(v)));
    Option<&str> => |v| Value::Text(v.map(text));
    String => |v| Value::Text(Some(text(&v)));
    &String => |v| Value::Text(Some(text(v)));
    Option<String> => |v| Value::Text(v.map(|v| text(&v)));
    Vec<u8> => |v| Value::Bytes(Some(v));
    &[u8] => |v| Value::Bytes(Some(v.to_vec()));
    Option<Vec<u8>> => |v| Value::Bytes(v);
    bool => |v| Value::Bool(Some(v));
    Option<bool> => |v| Value::Bool(v);
}

macro_rules! from_ids {
    ($($name:ident),*) => {$(
        impl From<relance_domain::$name> for Value {
            fn from(id: relance_domain::$name) -> Self {
                Self::Id(Some(id.uuid()))
            }
        }
        impl From<Option<relance_domain::$name>> for Value {
            fn from(id: Option<relance_domain::$name>) -> Self {
                Self::Id(id.map(relance_domain::$name::uuid))
            }
        }
        impl FromId for relance_domain::$name {
            fn from_id(id: Uuid) -> Self {
                Self::from_uuid(id)
            }
        }
    )*};
}

/// Types that are read from an id column.
pub trait FromId {
    /// The typed id.
    fn from_id(id: Uuid) -> Self;
}

impl FromId for Uuid {
    fn from_id(id: Uuid) -> Self {
        id
    }
}

from_ids!(
    PersonId,
    UserId,
    MailboxId,
    TemplateId,
    SequenceId,
    VersionId,
    StepId,
    EnrollmentId,
    DeliveryId,
    TaskId,
    ActivityId,
    InboundId,
    SuppressionId,
    JobId,
    TokenId,
    AuditEntryId,
    ListId,
    NodeId,
    NoteId,
    CustomFieldId,
    TeamId,
    UploadId
);

/// A document bound as JSON text.
pub fn json<T: Serialize>(value: &T) -> Value {
    Value::Text(Some(text(&serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))))
}

/// A row of either engine.
#[derive(Debug)]
pub enum Row {
    /// Of SQLite.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// Of PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! get {
    ($self:ident, $column:expr, $type:ty) => {
        match $self {
            Row::Sqlite(row) => row.try_get::<$type, _>($column)?,
            Row::Postgres(row) => row.try_get::<$type, _>($column)?,
        }
    };
}

impl Row {
    /// An id.
    pub fn id<T: FromId>(&self, column: &str) -> Result<T> {
        Ok(T::from_id(get!(self, column, Uuid)))
    }

    /// An id or NULL.
    pub fn id_opt<T: FromId>(&self, column: &str) -> Result<Option<T>> {
        Ok(get!(self, column, Option<Uuid>).map(T::from_id))
    }

    /// A number.
    pub fn int(&self, column: &str) -> Result<i64> {
        Ok(get!(self, column, i64))
    }

    /// A number or NULL.
    pub fn int_opt(&self, column: &str) -> Result<Option<i64>> {
        Ok(get!(self, column, Option<i64>))
    }

    /// A number that cannot be negative.
    pub fn count(&self, column: &str) -> Result<u32> {
        let number = self.int(column)?;
        u32::try_from(number).map_err(|_| StorageError::Corrupt(format!("{column} = {number}")))
    }

    /// An instant.
    pub fn time(&self, column: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_ms(self.int(column)?))
    }

    /// An instant or NULL.
    pub fn time_opt(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self.int_opt(column)?.map(Timestamp::from_ms))
    }

    /// Text.
    pub fn text(&self, column: &str) -> Result<String> {
        Ok(get!(self, column, String))
    }

    /// Text or NULL.
    pub fn text_opt(&self, column: &str) -> Result<Option<String>> {
        Ok(get!(self, column, Option<String>))
    }

    /// Bytes.
    pub fn bytes(&self, column: &str) -> Result<Vec<u8>> {
        Ok(get!(self, column, Vec<u8>))
    }

    /// Bytes or NULL.
    pub fn bytes_opt(&self, column: &str) -> Result<Option<Vec<u8>>> {
        Ok(get!(self, column, Option<Vec<u8>>))
    }

    /// A number with digits after the point, or NULL.
    pub fn real_opt(&self, column: &str) -> Result<Option<f64>> {
        Ok(match self {
            // Whole numbers are stored without a point, and the column has no type of its own.
            Self::Sqlite(row) => row.try_get_unchecked::<Option<f64>, _>(column)?,
            Self::Postgres(row) => row.try_get::<Option<f64>, _>(column)?,
        })
    }

    /// Yes or no.
    pub fn bool(&self, column: &str) -> Result<bool> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get::<i64, _>(column)? != 0,
            Self::Postgres(row) => row.try_get::<bool, _>(column)?,
        })
    }

    /// Yes, no or NULL.
    pub fn bool_opt(&self, column: &str) -> Result<Option<bool>> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get::<Option<i64>, _>(column)?.map(|v| v != 0),
            Self::Postgres(row) => row.try_get::<Option<bool>, _>(column)?,
        })
    }

    /// A document of JSON text.
    pub fn json_opt<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let Some(text) = self.text_opt(column)? else { return Ok(None) };
        let wrong = |error| StorageError::Corrupt(format!("{column}: {error} in {text}"));
        serde_json::from_str(&text).map(Some).map_err(wrong)
    }

    /// A value that is kept as JSON.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|error| StorageError::Corrupt(format!("{column}: {error} in {text}")))
    }

    /// The enum whose word stands in the column.
    pub fn word<T>(&self, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let word = self.text(column)?;
        parse(&word).ok_or_else(|| StorageError::Corrupt(format!("{column} = {word}")))
    }
}

/// Builds the argument list of a statement: `args![id, now, "text"]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
