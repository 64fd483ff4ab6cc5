//! The whole table of pages: one line per route, one function per resource.
//!
//! The addresses themselves are made by `urls`. The API's table is `api::routes`.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::app::App;
use crate::pages::people;
use crate::pages::{home, set_up, sign_in};
use crate::session;

/// Every page.
pub fn all() -> Router<App> {
    Router::new().merge(entrance()).merge(home()).merge(people()).layer(from_fn(session::drop_toast))
}

fn entrance() -> Router<App> {
    Router::new()
        .route("/set-up", get(set_up::show).post(set_up::create))
        .route("/sign-in", get(sign_in::show).post(sign_in::create))
        .route("/sign-out", post(sign_in::delete))
}

fn home() -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/workspace/pause", post(home::pause))
        .route("/workspace/resume", post(home::resume))
}

fn people() -> Router<App> {
    Router::new()
        .route("/leads", get(people::list::leads))
        .route("/contacts", get(people::list::contacts))
        .route("/people/new", get(people::form::new).post(people::form::create))
        .route("/people/duplicates", post(people::form::duplicates))
        .route("/people/{id}/edit", get(people::form::edit).post(people::form::update))
}
