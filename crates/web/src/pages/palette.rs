//! The palette: go to a page, find a person, begin something new.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person::Kind;
use relance_storage::people_lists;
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
    ]
}

/// Answers to what was typed.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response> {
    let words = asked.q.trim().to_lowercase();
    let found = if words.is_empty() {
        Vec::new()
    } else {
        people_lists::suggest(&mut app.read().await?, &asked.q, None, None, MOST_PEOPLE).await?
    };
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
    let places = places().into_iter().filter(|place| place.label.to_lowercase().contains(&words)).collect();
    answer::page(&Page { frame: visitor.frame(""), q: asked.q, people: people.collect(), places })
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
        let html =
            Page { frame: Frame { clock_rate: 1, ..Frame::default() }, q: "maya".into(), people, places: places() }
                .render()
                .expect("a page");
        assert!(
            html.contains("turbo-frame id=\"palette\"")
                && html.contains("Maya Okafor")
                && html.contains("Import people")
        );
    }
}
