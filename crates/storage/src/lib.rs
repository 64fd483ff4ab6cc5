//! What Relance remembers, on SQLite or PostgreSQL.
//!
//! Plain async functions on a [`Tx`], one file per table group, one SQL text for both engines. It selects and stores;
//! it takes no decision. [`Store`] opens the database, asserts the settings that durability rests on, and migrates.
//! Errors are [`StorageError`]: unavailable (try later), conflict (a uniqueness rule), corrupt (our data is wrong).

pub mod error;
mod migrations;
mod open;
pub mod tx;
pub mod value;

pub use error::{Result, StorageError};
pub use open::{Database, Store};
pub use tx::{Engine, Tx};
pub use value::{Row, Value, json};
