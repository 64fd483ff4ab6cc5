//! Every function of the storage crate, on SQLite and on PostgreSQL.

mod fixtures;
mod harness;
