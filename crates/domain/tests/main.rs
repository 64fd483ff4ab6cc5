//! The rules of the business, each stated by a test: one binary for the whole crate.

#[path = "main/build.rs"]
mod build;
#[path = "main/calendar.rs"]
mod calendar;
#[path = "main/custom_fields.rs"]
mod custom_fields;
#[path = "main/decision.rs"]
mod decision;
#[path = "main/drafting.rs"]
mod drafting;
#[path = "main/enrolling.rs"]
mod enrolling;
#[path = "main/explanations.rs"]
mod explanations;
#[path = "main/forecast.rs"]
mod forecast;
#[path = "main/history.rs"]
mod history;
#[path = "main/holidays.rs"]
mod holidays;
#[path = "main/lint.rs"]
mod lint;
#[path = "main/merge.rs"]
mod merge;
#[path = "main/people.rs"]
mod people;
#[path = "main/publishing.rs"]
mod publishing;
#[path = "main/state_machines.rs"]
mod state_machines;
#[path = "main/state_table.rs"]
mod state_table;
#[path = "main/visibility.rs"]
mod visibility;
#[path = "main/worlds.rs"]
mod worlds;
#[path = "main/zones.rs"]
mod zones;
