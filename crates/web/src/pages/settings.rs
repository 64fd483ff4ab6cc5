//! Settings of the workspace: name, zone, postal address, sending times, and *Stop all sending*.
//!
//! Admins change them; everyone else reads them. The other pages of settings are in the folder.

pub mod api;
pub mod audit;
pub mod fields;
pub mod hand_over;
pub mod holidays;
pub mod layout;
pub mod profile;
pub mod suppressions;
pub mod tags;
pub mod team;
pub mod teams;
pub mod two_step;
pub mod user_links;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::Refused;
use relance_domain::schedule::Schedule;
use relance_domain::workspace::Workspace;

use super::form::{Choice, Typed};
use super::schedule;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

const FIELDS: [&str; 7] = [
    "workspace_name",
    "time_zone",
    "postal_address",
    schedule::FIELDS[0],
    schedule::FIELDS[1],
    schedule::FIELDS[2],
    schedule::FIELDS[3],
];

#[derive(Template)]
#[template(path = "settings/index.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    may_write: bool,
    /// Since when all sending is stopped; empty while it runs.
    stopped: String,
    typed: Typed,
    errors: FormErrors,
    places: Vec<Choice>,
    offers_any_time: bool,
    zones: Vec<Choice>,
    sentence: String,
    base_url: String,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }

    fn windows(&self) -> Vec<schedule::Row> {
        schedule::rows(&self.typed)
    }
}

/// The zones of a user or workspace, with the one that is set.
pub fn places(chosen: &str) -> Vec<Choice> {
    let mut names = super::set_up::zones();
    if !chosen.is_empty() && !names.iter().any(|name| name == chosen) && relance_domain::time::zone(chosen).is_some() {
        names.insert(0, chosen.to_owned());
    }
    names.into_iter().map(|name| Choice { label: name.replace('_', " "), value: name }).collect()
}

fn typed_of(workspace: &Workspace) -> Typed {
    let mut typed = Typed::of([
        ("workspace_name", workspace.name.clone()),
        ("time_zone", workspace.time_zone.clone()),
        ("postal_address", workspace.postal_address.clone()),
    ]);
    schedule::put(&mut typed, Some(&workspace.schedule));
    typed
}

fn draw(app: &App, visitor: &Visitor, sent: Option<(Typed, FormErrors)>) -> Page {
    let workspace = &visitor.workspace;
    let (typed, errors) = sent.unwrap_or_else(|| (typed_of(workspace), FormErrors::default()));
    Page {
        frame: visitor.frame("settings"),
        tab: "workspace",
        may_write: visitor.actor.is_admin(),
        stopped: workspace
            .paused_at
            .map(|at| super::in_sentence(&words::moment(at, visitor.now, &visitor.zone)))
            .unwrap_or_default(),
        places: places(&workspace.time_zone),
        typed,
        errors,
        offers_any_time: false,
        zones: schedule::zones(),
        sentence: schedule::sentence(Some(&workspace.schedule)),
        base_url: app.engine.settings.base_url.clone(),
    }
}

/// The page.
pub async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    answer::page(&draw(&app, &visitor, None))
}

fn read(typed: &Typed) -> std::result::Result<Schedule, Vec<Refused>> {
    Ok(schedule::read(typed)?.unwrap_or_default())
}

/// Saves it.
pub async fn update(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let saved = match read(&typed) {
        Ok(schedule) => {
            let change = |workspace: &mut Workspace| {
                workspace.name = typed.trimmed("workspace_name");
                workspace.time_zone = typed.trimmed("time_zone");
                workspace.postal_address = typed.trimmed("postal_address").replace("\r\n", "\n");
                workspace.schedule = schedule;
            };
            app.engine.edit_workspace(&visitor.actor, change).await.map_err(PageError::from)
        }
        Err(wrong) => visitor.must_be_admin("change these settings").and(Err(PageError::Refused(wrong))),
    };
    match saved {
        Ok(_) => Ok(answer::said(
            urls::SETTINGS,
            &answer::toast("done", "The settings are saved. What waits follows the new times."),
        )),
        Err(error) => {
            let FormErrors(refused) = error.refused()?;
            let errors = FormErrors(refused.into_iter().map(schedule::at_one_field).collect());
            answer::refused(&draw(&app, &visitor, Some((typed, errors))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(may_write: bool, stopped: &str) -> String {
        let mut typed = Typed::of([
            ("workspace_name", "Halden Sensors".into()),
            ("time_zone", "Europe/Paris".into()),
            ("postal_address", "1 Quay\nHalden".into()),
        ]);
        schedule::put(&mut typed, Some(&Schedule::default()));
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            tab: "workspace",
            may_write,
            stopped: stopped.into(),
            typed,
            errors: FormErrors::one("workspace_name", "Give the workspace a name."),
            places: places("Europe/Paris"),
            offers_any_time: false,
            zones: schedule::zones(),
            sentence: "Mon to Fri, 09:00 to 17:00".into(),
            base_url: "http://127.0.0.1:7070".into(),
        };
        page.render().expect("a page")
    }

    #[test]
    fn admins_change_the_workspace_and_stop_all_sending() {
        let html = page(true, "");
        for words in [
            "Give the workspace a name.",
            "1 Quay",
            "Stop all sending",
            "schedule.windows",
            "schedule.days",
            "/settings/users",
        ] {
            assert!(html.contains(words), "{words}");
        }
        let html = page(true, "Today, 09:12");
        assert!(html.contains("Resume sending") && html.contains("Today, 09:12") && !html.contains("Stop all sending"));
    }

    #[test]
    fn others_read_it() {
        let html = page(false, "");
        assert!(html.contains("Mon to Fri, 09:00 to 17:00") && html.contains("1 Quay"));
        assert!(!html.contains("Stop all sending") && !html.contains("Save settings"));
    }

    #[test]
    fn a_zone_that_is_set_can_be_chosen_whatever_the_list() {
        assert_eq!(places("UTC").first().map(|place| place.value.as_str()), Some("UTC"));
        assert_eq!(places("Europe/Paris").iter().filter(|place| place.value == "Europe/Paris").count(), 1);
    }
}
