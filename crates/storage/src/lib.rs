//! What Relance remembers, on SQLite or PostgreSQL.
//!
//! Plain async functions on a [`Tx`], one file per table group, one SQL text for both engines. It selects and stores;
//! it takes no decision. [`Store`] opens the database, asserts the settings that durability rests on, and migrates.
//! Errors are [`StorageError`]: unavailable (try later), conflict (a uniqueness rule), corrupt (our data is wrong).

pub mod activities;
pub mod audit;
mod conditions;
pub mod custom_fields;
pub mod deliveries;
pub mod domain_checks;
pub mod email_edits;
pub mod enrollment_due;
pub mod enrollment_lookups;
pub mod enrollment_moves;
pub mod enrollment_sets;
pub mod enrollment_views;
pub mod enrollments;
pub mod error;
pub mod idempotency;
pub mod inbound;
pub mod jobs;
pub mod leases;
pub mod lists;
pub mod mail_providers;
pub mod mailbox_days;
pub mod mailbox_grants;
pub mod mailboxes;
mod migrations;
mod open;
pub mod outbox;
pub mod password_links;
pub mod people;
pub mod people_choices;
mod people_facts;
pub mod people_fields;
pub mod people_filter;
mod people_filter_custom;
mod people_filter_sequences;
pub mod people_lists;
mod people_pages;
pub mod people_query;
pub mod people_sequences;
mod people_sorted;
pub mod people_views;
pub mod sealed;
pub mod sending;
pub mod sending_pauses;
pub mod sequence_drafts;
pub mod sequences;
pub mod start_checks;
pub mod suppressions;
pub mod tags;
pub mod tasks;
pub mod teams;
pub mod templates;
pub mod tx;
pub mod uploads;
pub mod user_work;
pub mod users;
pub mod value;
pub mod visibility;
pub mod workspace;

pub use error::{Result, StorageError};
pub use open::{Database, Store};
pub use tx::{Engine, Tx};
pub use value::{Row, Value, json};
