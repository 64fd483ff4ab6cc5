//! The business of Relance, pure: people, sequences, enrollments and the rules that decide whether, when and to
//! whom an email leaves.
//!
//! Nothing here reads a clock, performs I/O, awaits or draws a random number: every function takes `now` and the
//! state it judges. Storage, mail and the engine carry what is decided here. A rule that says no returns
//! [`Refused`] with a sentence for the person who asked.

pub mod activity;
pub mod attachment;
pub mod audit;
pub mod calendar;
pub mod call;
pub mod custom_field;
pub mod decision;
pub mod delivery;
pub mod drafting;
pub mod enrolling;
pub mod enrollment;
pub mod error;
pub mod forecast;
pub mod holidays;
pub mod ids;
pub mod inbound;
pub mod lacking;
pub mod lint;
pub mod list;
pub mod mail_preset;
pub mod mail_provider;
pub mod mailbox;
pub mod mailbox_access;
pub mod merge;
pub mod person;
pub mod person_layout;
pub mod publishing;
pub mod quota;
pub mod schedule;
pub mod sequence;
pub mod start_check;
pub mod step;
pub mod suppression;
pub mod task;
pub mod template;
pub mod time;
pub mod user;
pub mod workspace;

pub use error::Refused;
pub use ids::*;
pub use time::Timestamp;
