//! Every function of the storage crate, on SQLite and on PostgreSQL.

mod deliveries;
mod enrollment_lookups;
mod enrollment_sets;
mod enrollment_views;
mod enrollments;
mod fixtures;
mod harness;
mod inbound;
mod jobs;
mod leases;
mod list_plans;
mod lists;
mod made;
mod mailboxes;
mod people;
mod people_fields;
mod people_lists;
mod plans;
mod records;
mod schema;
mod sending;
mod sequences;
mod tasks;
mod teams;
mod users;
mod workspace;
