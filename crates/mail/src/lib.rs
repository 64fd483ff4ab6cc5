//! Speaks SMTP, IMAP, MIME and Maildir for the rest of Relance, and knows no database.
//!
//! Sending: [`compose`] builds the bytes, [`submission`] hands them to a server ([`smtp`]) or to the
//! local [`sandbox`], and [`smtp::verdict`] alone says what a failure means. Reading: [`imap`] fetches,
//! [`parse`] takes messages apart, [`understand`] says what they are, [`accuracy`] how often it is right. [`dns`] asks what a domain says of who may send for it. When and whether
//! anything is sent is decided elsewhere. Failures of the wire are [`Fault`]s, which carry words for people.

pub mod accuracy;
mod address;
pub mod check;
pub mod compose;
pub mod dns;
mod fault;
pub mod guard;
pub mod imap;
pub mod parse;
pub mod sandbox;
mod sasl;
pub mod sent_test;
mod server;
pub mod smtp;
pub mod submission;
pub mod tls;
pub mod understand;

pub use fault::{Direction, Fault, Reply, Stage, TlsFault};
pub use server::{Credential, Security, Server, connect_tcp};
pub use submission::{Account, Submission};
pub use tls::Tls;
