//! The palette: go to a page, find a person, begin something new.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person::Kind;
use relance_storage::{lists, people_lists};
use serde::Deserialize;

use crate::answer;
use crate::app::App;
use crate::errors::Result;
use crate::extract::Query;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::urls;

/// People shown.
const MOST_PEOPLE: usize = 8;

/// People for whom *Enroll* is offered.
const MOST_ENROLLED: usize = 3;

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
}

/// An answer.
#[derive(Clone, Debug, Default)]
struct Entry {
    icon: &'static str,
    label: String,
    meta: String,
    href: String,
}

#[derive(Template)]
#[template(path = "palette/show.html")]
struct Page {
    frame: Frame,
    q: String,
    people: Vec<Entry>,
    /// What can be done with the people that were found.
    actions: Vec<Entry>,
    places: Vec<Entry>,
}

fn places() -> Vec<Entry> {
    let place = |icon, label: &str, meta: &str, href: &str| Entry {
        icon,
        label: label.to_owned(),
        meta: meta.to_owned(),
        href: href.to_owned(),
    };
    vec![
        place("house", "Home", "Go to", urls::HOME),
        place("user-round", "Leads", "Go to", urls::people(Kind::Lead)),
        place("contact-round", "Contacts", "Go to", urls::people(Kind::Contact)),
        place("list-checks", "Tasks", "Go to", urls::TASKS),
        place("play", "Start tasks", "Do", urls::TASK_PLAYER),
        place("route", "Sequences", "Go to", urls::SEQUENCES),
        place("layout-template", "Templates", "Go to", urls::TEMPLATES),
        place("inbox", "Review", "Go to", urls::REVIEW),
        place("settings", "Settings", "Go to", urls::SETTINGS),
        place("plug", "Mailboxes", "Go to", urls::MAILBOXES),
        place("user-round-plus", "New lead", "Do", &urls::new_person(Kind::Lead)),
        place("user-round-plus", "New contact", "Do", &urls::new_person(Kind::Contact)),
        place("upload", "Import people", "Do", urls::IMPORT),
        place("braces", "Complete data", "Do", &urls::complete_data(None)),
        place("list-checks", "New task", "Do", &urls::new_task(None)),
        place("ban", "Never mailed", "Go to", urls::SUPPRESSIONS),
        place("list-checks", "Custom fields", "Go to", urls::FIELDS),
        place("panel-left", "Person page", "Go to", urls::LAYOUT),
        place("user-round", "Profile", "Go to", urls::PROFILE),
    ]
}

/// Answers to what was typed.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response> {
    let words = asked.q.trim().to_lowercase();
    let found = if words.is_empty() {
        Vec::new()
    } else {
        // *start maya* finds Maya too.
        let typed = words.strip_prefix("start ").or_else(|| words.strip_prefix("enroll ")).unwrap_or(&words);
        people_lists::suggest(&mut app.read().await?, typed, None, visitor.sight.owners(), MOST_PEOPLE).await?
    };
    let actions = found.iter().take(MOST_ENROLLED).map(|person| Entry {
        icon: "route",
        label: format!("Start a sequence for {}", person.name()),
        meta: "Do".to_owned(),
        href: urls::enroll(person.id),
    });
    let actions = actions.collect();
    let lists = lists::list(&mut app.read().await?, visitor.user.id).await?.into_iter().map(|list| Entry {
        icon: "bookmark",
        label: list.name,
        meta: "Smart list".to_owned(),
        href: format!("/lists/{}", list.id),
    });
    let people = found.into_iter().map(|person| Entry {
        icon: if person.kind == Kind::Lead { "user-round" } else { "contact-round" },
        label: person.name(),
        meta: if person.fields.organization_name.is_empty() {
            person.fields.email.clone()
        } else {
            person.fields.organization_name.clone()
        },
        href: urls::person(person.id),
    });
    let people = people.collect();
    let places = places().into_iter().chain(lists).filter(|place| place.label.to_lowercase().contains(&words));
    answer::page(&Page { frame: visitor.frame(""), q: asked.q, people, actions, places: places.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_answers_people_and_places_in_its_frame() {
        let people = vec![Entry {
            icon: "user-round",
            label: "Maya Okafor".into(),
            meta: "Kestrel Freight".into(),
            href: "/people/per_1".into(),
        }];
        let html = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            q: "maya".into(),
            people,
            actions: Vec::new(),
            places: places(),
        }
        .render()
        .expect("a page");
        assert!(
            html.contains("turbo-frame id=\"palette\"")
                && html.contains("Maya Okafor")
                && html.contains("Import people")
        );
    }
}
