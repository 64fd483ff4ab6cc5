//! The whole table of pages: one line per route, one function per resource.
//!
//! The addresses themselves are made by `urls`. The API's table is `api::routes`.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::app::App;
use crate::pages::enrollments::{self, actions};
use crate::pages::{deliveries, demo, enroll, home, imports, jobs, palette, people, set_up, sign_in, unsubscribe};
use crate::{session, urls};

/// Most bytes of an uploaded file.
const MOST_UPLOADED: usize = 200 * 1024 * 1024;

/// Every page.
pub fn all() -> Router<App> {
    Router::new()
        .merge(entrance())
        .merge(home())
        .merge(people())
        .merge(enrollments())
        .merge(work())
        .layer(from_fn(session::drop_toast))
}

fn entrance() -> Router<App> {
    Router::new()
        .route("/set-up", get(set_up::show).post(set_up::create))
        .route("/sign-in", get(sign_in::show).post(sign_in::create))
        .route("/sign-out", post(sign_in::delete))
        .route("/unsubscribe/{token}", get(unsubscribe::show).post(unsubscribe::create))
}

fn home() -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/palette", get(palette::show))
        .route(urls::DEMO_SPEED, post(demo::set_speed))
        .route("/workspace/pause", post(home::pause))
        .route("/workspace/resume", post(home::resume))
}

fn people() -> Router<App> {
    Router::new()
        .route("/leads", get(people::list::leads))
        .route("/contacts", get(people::list::contacts))
        .route("/people/new", get(people::form::new).post(people::form::create))
        .route("/people/duplicates", post(people::form::duplicates))
        .route("/people/bulk", post(people::bulk::create))
        .route("/people/{id}/convert", get(people::convert::show).post(people::convert::create))
        .route("/people/restore", post(people::show::restore))
        .route("/people/{id}", get(people::show::show))
        .route("/people/{id}/notes", post(people::show::note))
        .route("/people/{id}/delete", post(people::show::delete))
        .route("/people/enroll", post(enroll::many::create))
        .route("/people/{id}/enroll", get(enroll::show).post(enroll::create))
        .route("/people/{id}/enroll/{sequence}/body", get(enroll::body))
        .route("/people/{id}/edit", get(people::form::edit).post(people::form::update))
}

fn enrollments() -> Router<App> {
    Router::new()
        .route("/enrollments/{id}", get(enrollments::show))
        .route("/enrollments/{id}/steps/{step}/body", get(enrollments::body))
        .route("/enrollments/{id}/pause", get(actions::ask_pause).post(actions::pause))
        .route("/enrollments/{id}/resume", post(actions::resume))
        .route("/enrollments/{id}/stop", post(actions::stop))
        .route("/enrollments/{id}/retry", post(actions::retry))
        .route("/enrollments/{id}/resolve", post(actions::resolve))
        .route("/enrollments/{id}/skip", post(actions::skip))
        .route("/enrollments/{id}/reschedule", get(actions::ask_reschedule).post(actions::reschedule))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/body", get(deliveries::body))
}

/// Imports and other long work.
fn work() -> Router<App> {
    Router::new()
        .route("/import", get(imports::new).post(imports::create).layer(DefaultBodyLimit::max(MOST_UPLOADED)))
        .route("/import/{token}", get(imports::map).post(imports::run))
        .route("/jobs/{id}", get(jobs::show))
        .route("/jobs/{id}/events", get(jobs::events))
        .route("/jobs/{id}/rows.csv", get(jobs::rows_csv))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
}
