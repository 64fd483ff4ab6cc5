//! Leads and contacts: lists, forms, the page of a person, bulk actions.

pub mod bulk;
pub mod convert;
pub mod feed;
pub mod form;
pub mod list;
pub mod query;
pub mod rows;
pub mod selection;
pub mod show;
mod typed;
pub mod widget;
