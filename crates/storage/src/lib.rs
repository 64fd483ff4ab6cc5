//! What Relance remembers, on SQLite or PostgreSQL.
//!
//! Plain async functions on a [`Tx`], one file per table group, one SQL text for both engines. It selects and stores;
//! it takes no decision. [`Store`] opens the database, asserts the settings that durability rests on, and migrates.
//! Errors are [`StorageError`]: unavailable (try later), conflict (a uniqueness rule), corrupt (our data is wrong).

pub mod activities;
pub mod error;
pub mod idempotency;
mod migrations;
mod open;
pub mod suppressions;
pub mod templates;
pub mod sending;
pub mod tx;
pub mod users;
pub mod value;
pub mod workspace;

pub use error::{Result, StorageError};
pub use open::{Database, Store};
pub use tx::{Engine, Tx};
pub use value::{Row, Value, json};
