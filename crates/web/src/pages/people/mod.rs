//! Leads and contacts: lists, forms, the page of a person, bulk actions.

pub mod form;
pub mod list;
pub mod query;
pub mod rows;
mod typed;
