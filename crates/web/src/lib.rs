//! Pages and REST API.
//!
//! A handler reads through `relance_storage`, changes through a command of `relance_engine`, and answers a page
//! (`pages`, `templates/`) or JSON (`api`). It holds no rule about whether, when or to whom mail is sent.

pub mod answer;
pub mod api;
pub mod app;
pub mod assets;
pub mod csp;
pub mod download;
mod errors;
pub mod extract;
pub mod frame;
mod frame_parts;
#[cfg(test)]
mod gallery;
pub mod icons;
pub mod idempotency;
pub mod limits;
pub mod pages;
mod people_csv;
pub mod problem;
pub mod resubmission;
pub mod routes;
mod server;
pub mod session;
pub mod ui;
pub mod urls;
mod version_changes;
pub mod words;

pub use app::App;
pub use server::{router, serve};
