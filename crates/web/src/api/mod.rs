//! The REST API under `/api/v1`: the same resources as the pages, in JSON, through the same commands.
//!
//! One file per resource with its routes and shapes; `auth` lets callers in, `body` and `query` read requests, `doc`
//! and the handlers' attributes make the OpenAPI document, which lists exactly the routes there are. Every answer that
//! is not a success is a [`crate::problem::Problem`].

pub mod activities;
pub mod attachments;
pub mod audit;
pub mod auth;
pub mod body;
pub mod custom_fields;
pub mod doc;
pub mod enrollment_shapes;
pub mod enrollments;
pub mod enrollments_bulk;
pub mod hand_over;
pub mod holidays;
pub mod inbound;
pub mod jobs;
pub mod lists;
pub mod mail_providers;
pub mod mailbox_bodies;
pub mod mailbox_consents;
pub mod mailbox_domains;
pub mod mailbox_shapes;
pub mod mailboxes;
pub mod people;
pub mod people_bulk;
pub mod people_export;
pub mod people_fields;
pub mod people_import;
pub mod person_shapes;
pub mod query;
pub mod schedule_shapes;
pub mod sequence_impact;
pub mod sequence_shapes;
pub mod sequence_steps;
pub mod sequence_versions;
pub mod sequences;
pub mod sessions;
pub mod shapes;
pub mod spec;
pub mod step_shapes;
pub mod steps;
pub mod suppressions;
pub mod tags;
pub mod task_emails;
pub mod tasks;
pub mod tasks_bulk;
pub mod teams;
pub mod templates;
pub mod templates_more;
pub mod tokens;
pub mod usable_shapes;
pub mod users;
pub mod workspace;

use crate::{app::App, problem::Problem};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

/// Where the API is mounted.
pub const PREFIX: &str = "/api/v1";

/// Every route of the API.
fn table() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(spec::head())
        .merge(people::routes())
        .merge(people_fields::routes())
        .merge(lists::routes())
        .merge(custom_fields::routes())
        .merge(teams::routes())
        .merge(people_bulk::routes())
        .merge(people_export::routes())
        .merge(people_import::routes())
        .merge(jobs::routes())
        .merge(activities::routes())
        .merge(mailboxes::routes())
        .merge(mailbox_consents::routes())
        .merge(mailbox_domains::routes())
        .merge(mail_providers::routes())
        .merge(templates::routes())
        .merge(sequence_versions::routes())
        .merge(templates_more::routes())
        .merge(attachments::routes())
        .merge(sequences::routes())
        .merge(sequence_impact::routes())
        .merge(sequence_steps::routes())
        .merge(enrollments::routes())
        .merge(enrollments_bulk::routes())
        .merge(steps::routes())
        .merge(tags::routes())
        .merge(task_emails::routes())
        .merge(tasks::routes())
        .merge(tasks_bulk::routes())
        .merge(inbound::routes())
        .merge(suppressions::routes())
        .merge(users::routes())
        .merge(hand_over::routes())
        .merge(sessions::routes())
        .merge(tokens::routes())
        .merge(audit::routes())
        .merge(workspace::routes())
        .merge(holidays::routes())
}

/// The API, to be nested at [`PREFIX`] outside of the layers of pages.
pub fn router(app: &App) -> Router<App> {
    let (routes, openapi) = table().split_for_parts();
    let document = spec::text(spec::finished(openapi));
    let guarded =
        routes.layer(DefaultBodyLimit::max(body::MAX_JSON)).layer(from_fn_with_state(app.clone(), auth::guard));
    Router::new()
        .route("/openapi.json", get(|| async { ([(header::CONTENT_TYPE, "application/json")], document) }))
        .merge(guarded)
        .method_not_allowed_fallback(wrong_method)
        .fallback(|| async { Problem::not_found("address in this API. See /api/v1/openapi.json") })
        .layer(CatchPanicLayer::custom(|_| panicked()))
}

/// The OpenAPI document of all routes.
pub fn openapi() -> String {
    spec::text(spec::finished(table().into_openapi()))
}

async fn wrong_method() -> Problem {
    let detail = "There is such an address, but it does not take this method. See /api/v1/openapi.json.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

fn panicked() -> Response {
    Problem::from(relance_engine::EngineError::Corrupt("a handler of the API panicked".to_owned())).into_response()
}
