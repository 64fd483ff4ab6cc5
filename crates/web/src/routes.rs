//! The whole table of pages: one line per route, one function per resource.
//!
//! The addresses themselves are made by `urls`. The API's table is `api::routes`.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::app::App;
use crate::pages::enrollments::{self, actions};
use crate::pages::{
    attachments, deliveries, demo, enroll, home, imports, jobs, lists, palette, people, preview, set_up, sign_in,
    unsubscribe,
};
use crate::pages::{mailboxes, review, sequences, settings, tasks, templates};
use crate::{resubmission, session, urls};

/// Most bytes of an uploaded file.
const MOST_UPLOADED: usize = 200 * 1024 * 1024;

/// Most bytes of a list of addresses that are never mailed.
const MOST_LISTED: usize = 20 * 1024 * 1024;

/// Every page.
pub fn all(app: &App) -> Router<App> {
    Router::new()
        .merge(entrance())
        .merge(home())
        .merge(people())
        .merge(lists())
        .merge(enrollments())
        .merge(work())
        .merge(sequences())
        .merge(steps())
        .merge(templates())
        .merge(tasks())
        .merge(review())
        .merge(mailboxes())
        .merge(settings())
        .layer(from_fn(people::from_list::keep))
        .layer(from_fn_with_state(app.clone(), resubmission::once))
        .layer(from_fn(session::drop_toast))
}

fn entrance() -> Router<App> {
    Router::new()
        .route("/set-up", get(set_up::show).post(set_up::create))
        .route("/sign-in", get(sign_in::show).post(sign_in::create))
        .route("/sign-in/code", get(sign_in::two_step::show).post(sign_in::two_step::create))
        .route("/password/{token}", get(sign_in::password_link::show).post(sign_in::password_link::create))
        .route("/sign-out", post(sign_in::delete))
        .route("/unsubscribe/{token}", get(unsubscribe::show).post(unsubscribe::create))
}

fn home() -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/palette", get(palette::show))
        .route(urls::DEMO_SPEED, post(demo::set_speed))
        .route(urls::RETRY_ALL, post(home::retry_all))
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
        .route("/people/filter", get(people::filter::show))
        .route("/people/columns", get(people::columns::show).post(people::columns::save))
        .route("/people/view", post(people::columns::look))
        .route("/people/export", get(people::export::show).post(people::export::ask))
        .route("/people/export.csv", post(people::export::file))
        .route("/people/{id}/convert", get(people::convert::show).post(people::convert::create))
        .route("/people/restore", post(people::show::restore))
        .route("/people/{id}", get(people::show::show))
        .route("/people/{id}/messages/{message}/return", post(people::absence::correct))
        .route("/people/{id}/notes", post(people::notes::create))
        .route("/people/{id}/notes/{note}", get(people::notes::edit).post(people::notes::update))
        .route("/people/{id}/notes/{note}/delete", post(people::notes::delete))
        .route("/people/{id}/calls", get(people::calls::new).post(people::calls::create))
        .route("/people/{id}/calls/{call}", get(people::calls::edit).post(people::calls::update))
        .route("/people/{id}/fields/{field}", get(people::details::edit).post(people::details::update))
        .route("/people/companies", post(people::details::companies))
        .route("/complete-data", get(people::complete::show).post(people::complete::update))
        .route("/people/{id}/delete", post(people::show::delete))
        .route("/people/enroll", post(enroll::many::create))
        .route(urls::ENROLL_CHECK_CSV, post(enroll::many::check_csv::create))
        .route("/people/{id}/enroll", get(enroll::show).post(enroll::create))
        .route("/people/{id}/enroll/{sequence}/body", get(enroll::body))
        .route("/people/{id}/edit", get(people::form::edit).post(people::form::update))
}

/// Smart lists.
fn lists() -> Router<App> {
    Router::new()
        .route("/lists", get(lists::index).post(lists::create))
        .route("/lists/new", get(lists::new))
        .route("/lists/{id}", get(lists::show))
        .route("/lists/{id}/edit", get(lists::edit).post(lists::update))
        .route("/lists/{id}/save", post(lists::save))
        .route("/lists/{id}/pin", post(lists::pin))
        .route("/lists/{id}/unpin", post(lists::unpin))
        .route("/lists/{id}/delete", post(lists::delete))
}

fn enrollments() -> Router<App> {
    Router::new()
        .route("/enrollments/{id}", get(enrollments::show))
        .route("/enrollments/{id}/steps/{step}/body", get(enrollments::body))
        .route("/enrollments/{id}/steps/{step}/edit", get(enrollments::edit::show).post(enrollments::edit::update))
        .route("/enrollments/{id}/steps/{step}/preview", post(enrollments::edit::preview))
        .route("/enrollments/{id}/steps/{step}/files/{hash}", get(attachments::of_enrollment))
        .route("/enrollments/{id}/steps/{step}/reset", post(enrollments::edit::reset))
        .route("/enrollments/{id}/pause/dates", post(actions::pause_dates))
        .route("/enrollments/{id}/reschedule/dates", post(actions::reschedule_dates))
        .route("/enrollments/{id}/pause", get(actions::ask_pause).post(actions::pause))
        .route("/enrollments/{id}/resume", post(actions::resume))
        .route("/enrollments/{id}/stop", post(actions::stop))
        .route("/enrollments/{id}/retry", post(actions::retry))
        .route("/enrollments/{id}/resolve", post(actions::resolve))
        .route("/enrollments/{id}/skip", post(actions::skip))
        .route("/enrollments/{id}/reschedule", get(actions::ask_reschedule).post(actions::reschedule))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/body", get(deliveries::body))
        .route("/deliveries/{id}/files/{hash}", get(attachments::of_delivery))
        .layer(DefaultBodyLimit::max(attachments::MOST_SENT))
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
        .route("/jobs/{id}/undo", post(jobs::report::undo))
        .route("/jobs/{id}/report", get(jobs::report::show))
}

fn sequences() -> Router<App> {
    use sequences::{actions, history, people, publish, settings, steps};
    Router::new()
        .route("/sequences", get(sequences::index))
        .route("/sequences/new", get(actions::new).post(actions::create))
        .route("/sequences/{id}", get(steps::show))
        .route("/sequences/{id}/people", get(people::show))
        .route("/sequences/{id}/settings", get(settings::show).post(settings::update))
        .route("/sequences/{id}/history", get(history::show))
        .route("/sequences/{id}/publish", get(publish::show))
        .route("/sequences/{id}/activate", post(publish::create))
        .route("/sequences/{id}/pause", post(actions::pause))
        .route("/sequences/{id}/resume", post(actions::resume))
        .route("/sequences/{id}/archive", get(actions::ask_archive).post(actions::archive))
        .route("/sequences/{id}/clone", post(actions::clone))
        .route("/sequences/{id}/delete", post(actions::delete))
}

fn steps() -> Router<App> {
    use sequences::{step_actions, test};
    Router::new()
        .route("/sequences/{id}/steps", post(step_actions::add))
        .route("/sequences/{id}/steps/{step}/files/{hash}", get(attachments::of_step))
        .route("/sequences/{id}/steps/{step}", post(step_actions::update))
        .route("/sequences/{id}/steps/{step}/preview", post(step_actions::preview))
        .route("/sequences/{id}/steps/{step}/template", post(step_actions::template))
        .route("/sequences/{id}/steps/{step}/move", post(step_actions::shift))
        .route("/sequences/{id}/steps/{step}/duplicate", post(step_actions::duplicate))
        .route("/sequences/{id}/steps/{step}/wait", post(step_actions::wait))
        .route("/sequences/{id}/steps/{step}/test", post(test::create))
        .route("/sequences/{id}/steps/{step}/delete", post(step_actions::delete))
        .route("/sequences/{id}/drafts/{number}/undo", post(step_actions::undo))
        .layer(DefaultBodyLimit::max(attachments::MOST_SENT))
}

fn templates() -> Router<App> {
    use templates::{form, tags};
    Router::new()
        .route("/templates", get(templates::index))
        .route("/templates/new", get(form::new).post(form::create))
        .route("/templates/preview", post(form::preview))
        .route(urls::PREVIEW_PEOPLE, get(preview::people))
        .route(urls::TEMPLATE_TAGS, get(tags::show))
        .route(urls::MOVE_TEMPLATES, post(templates::shift))
        .route(urls::RENAME_FOLDER, get(templates::ask_rename).post(templates::rename))
        .route("/templates/{id}", get(form::show).post(form::update))
        .route("/templates/{id}/clone", post(form::clone))
        .route("/templates/{id}/test", post(form::test))
        .route("/templates/{id}/delete", post(form::delete))
        .route("/templates/{id}/files/{hash}", get(attachments::of_template))
        .route(urls::ATTACHMENTS, post(attachments::create))
        .layer(DefaultBodyLimit::max(attachments::MOST_SENT))
}

fn tasks() -> Router<App> {
    use tasks::{actions, bulk, email, form, player, show};
    Router::new()
        .route("/tasks", get(tasks::index))
        .route("/tasks/new", get(form::new).post(form::create))
        .route("/tasks/player", get(player::show))
        .route("/tasks/bulk", post(bulk::create))
        .route("/tasks/{id}", get(show::show))
        .route("/tasks/{id}/edit", get(form::edit).post(form::update))
        .route("/tasks/{id}/email", get(email::show).post(email::create))
        .route("/tasks/{id}/email/preview", post(email::preview))
        .route("/people/{id}/email", get(email::show_to).post(email::create_to))
        .route("/people/{id}/email/preview", post(email::preview_to))
        .route("/tasks/{id}/done", post(actions::done))
        .route("/tasks/{id}/skip", post(actions::skip))
        .route("/tasks/{id}/snooze", post(actions::snooze))
        .route("/tasks/{id}/reopen", post(actions::reopen))
        .route("/tasks/{id}/unsnooze", post(actions::unsnooze))
        .route("/tasks/{id}/delete", post(actions::delete))
        .layer(DefaultBodyLimit::max(attachments::MOST_SENT))
}

fn review() -> Router<App> {
    Router::new()
        .route("/review", get(review::index))
        .route("/review/{id}", get(review::show))
        .route("/review/{id}/assign", post(review::assign))
        .route("/review/{id}/away", post(review::away))
        .route("/review/{id}/ignore", post(review::ignore))
}

fn mailboxes() -> Router<App> {
    use mailboxes::{actions, domain, edit, folders, new, oauth, providers, signature};
    Router::new()
        .route("/settings/mailboxes", get(mailboxes::index))
        .route("/settings/mailboxes/new", get(new::show).post(new::create))
        .route(urls::MAILBOX_PRESET, post(new::preset))
        .route(urls::SIGNATURE_PREVIEW, post(signature::preview))
        .route("/settings/mailboxes/providers", get(providers::show))
        .route("/settings/mailboxes/providers/{id}", post(providers::update))
        .route("/settings/mailboxes/providers/{id}/delete", post(providers::delete))
        .route("/mailboxes/oauth/callback", get(oauth::callback))
        .route("/mailboxes/oauth/{id}", get(oauth::start))
        .route("/settings/mailboxes/{id}", get(edit::show).post(edit::update))
        .route("/settings/mailboxes/{id}/check", post(actions::check))
        .route("/settings/mailboxes/{id}/pause", post(actions::pause))
        .route("/settings/mailboxes/{id}/resume", post(actions::resume))
        .route("/settings/mailboxes/{id}/disconnect", post(actions::disconnect))
        .route("/settings/mailboxes/{id}/domain", get(domain::show).post(domain::check))
        .route("/settings/mailboxes/{id}/folders", get(folders::show).post(folders::update))
        .route("/settings/mailboxes/{id}/default", post(folders::make_default))
        .route("/settings/mailboxes/{id}/sandbox", get(actions::sandbox))
        .route("/settings/mailboxes/{id}/sandbox/{delivery}", post(actions::sandbox_answer))
}

fn settings() -> Router<App> {
    use settings::{
        api, audit, fields, hand_over, holidays, layout, profile, suppressions, tags, team, teams, two_step, user_links,
    };
    Router::new()
        .route("/settings", get(settings::index).post(settings::update))
        // The old addresses of the users.
        .route("/settings/team", get(team::moved))
        .route("/settings/team/{*rest}", get(team::moved))
        .route("/settings/users", get(team::index))
        .route("/settings/users/new", get(team::new).post(team::create))
        .route("/settings/users/{id}", get(team::edit).post(team::update))
        .route("/settings/users/{id}/password", get(team::ask_password).post(team::set_password))
        .route("/settings/users/{id}/deactivate", get(hand_over::ask_deactivate).post(hand_over::deactivate))
        .route("/settings/users/{id}/hand-over", get(hand_over::ask).post(hand_over::create))
        .route("/settings/users/{id}/reactivate", post(hand_over::reactivate))
        .route("/settings/users/{id}/link", post(user_links::create))
        .route("/settings/users/{id}/two-step-off", post(user_links::turn_off_two_step))
        .route("/settings/audit", get(audit::index))
        .route(urls::AUDIT_CSV, get(audit::csv))
        .route("/settings/teams", get(teams::index))
        .route("/settings/teams/new", get(teams::new).post(teams::create))
        .route("/settings/teams/{id}", get(teams::edit).post(teams::update))
        .route("/settings/teams/{id}/delete", post(teams::delete))
        .route(urls::VISIBILITY, post(teams::set_visibility))
        .route("/settings/suppressions", get(suppressions::index).post(suppressions::create))
        .route(
            "/settings/suppressions/many",
            get(suppressions::ask_many).post(suppressions::create_many).layer(DefaultBodyLimit::max(MOST_LISTED)),
        )
        .route(urls::SUPPRESSIONS_CSV, get(suppressions::csv))
        .route("/settings/suppressions/{id}/delete", post(suppressions::delete))
        .route("/settings/fields", get(fields::index))
        .route("/settings/fields/new", get(fields::new).post(fields::create))
        .route("/settings/fields/{id}", get(fields::edit).post(fields::update))
        .route("/settings/fields/{id}/move", post(fields::shift))
        .route("/settings/fields/{id}/delete", get(fields::ask_delete).post(fields::delete))
        .route(urls::TAGS, get(tags::index))
        .route(urls::EDIT_TAG, get(tags::edit).post(tags::update))
        .route(urls::DELETE_TAG, post(tags::delete))
        .route("/settings/layout", get(layout::show).post(layout::update))
        .route("/settings/holidays", get(holidays::show).post(holidays::update))
        .route("/settings/api", get(api::show).post(api::create))
        .route("/settings/api/{id}/delete", post(api::delete))
        .route("/settings/profile", get(profile::show).post(profile::update))
        .route("/settings/profile/password", post(profile::change_password))
        .route(urls::END_SESSION, post(profile::end_session))
        .route("/settings/profile/looks", post(profile::set_looks))
        .route("/settings/profile/two-step", get(two_step::show).post(two_step::create))
        .route("/settings/profile/two-step/off", post(two_step::delete))
        .route("/settings/profile/sign-out-everywhere", post(profile::sign_out_everywhere))
}
