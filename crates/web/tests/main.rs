//! The web, asked over its router: one binary for the whole crate.

#[path = "main/access_matrix.rs"]
mod access_matrix;
#[path = "main/api_access.rs"]
mod api_access;
#[path = "main/api_enrollments.rs"]
mod api_enrollments;
#[path = "main/api_holidays.rs"]
mod api_holidays;
#[path = "main/api_idempotency.rs"]
mod api_idempotency;
#[path = "main/api_inbound.rs"]
mod api_inbound;
#[path = "main/api_mailboxes.rs"]
mod api_mailboxes;
#[path = "main/api_openapi.rs"]
mod api_openapi;
#[path = "main/api_people.rs"]
mod api_people;
#[path = "main/api_people_bulk.rs"]
mod api_people_bulk;
#[path = "main/api_requests.rs"]
mod api_requests;
#[path = "main/api_roles.rs"]
mod api_roles;
#[path = "main/api_sequences.rs"]
mod api_sequences;
#[path = "main/api_settings.rs"]
mod api_settings;
#[path = "main/api_suppressions.rs"]
mod api_suppressions;
#[path = "main/api_tasks.rs"]
mod api_tasks;
#[path = "main/api_templates.rs"]
mod api_templates;
#[path = "main/installation.rs"]
mod installation;
#[path = "main/limits.rs"]
mod limits;
#[path = "main/list_browser.rs"]
mod list_browser;
#[path = "main/mail_providers.rs"]
mod mail_providers;
#[path = "main/pages_absence.rs"]
mod pages_absence;
#[path = "main/pages_bulk.rs"]
mod pages_bulk;
#[path = "main/pages_certainty.rs"]
mod pages_certainty;
#[path = "main/pages_enrolling.rs"]
mod pages_enrolling;
#[path = "main/pages_history.rs"]
mod pages_history;
#[path = "main/pages_lists.rs"]
mod pages_lists;
#[path = "main/pages_people.rs"]
mod pages_people;
#[path = "main/pages_person.rs"]
mod pages_person;
#[path = "main/pages_sequences.rs"]
mod pages_sequences;
#[path = "main/pages_settings.rs"]
mod pages_settings;
#[path = "main/pages_team.rs"]
mod pages_team;
#[path = "main/pages_twice.rs"]
mod pages_twice;
#[path = "main/pages_work.rs"]
mod pages_work;
