//! Leads and contacts: lists, forms, the page of a person, bulk actions.

pub mod absence;
pub mod bulk;
pub mod calls;
mod catalog;
pub mod chips;
pub mod columns;
pub mod complete;
pub mod control;
pub mod convert;
pub mod details;
pub mod export;
pub mod feed;
pub mod fields;
pub mod filter;
pub mod form;
pub mod from_list;
pub mod list;
pub mod notes;
pub mod query;
pub mod related;
pub mod rows;
pub mod selection;
pub mod show;
mod typed;
pub mod widget;
