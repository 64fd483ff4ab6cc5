//! How someone looks at a list: index or table, which columns, in which order. Kept for each user; the columns of a
//! smart list are the list's.
//!
//! The chooser is a plain form: every move is a button, so that it works by keyboard and without scripts.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::list::{Shape, View};
use relance_domain::person::Kind;
use relance_storage::{people_fields, people_views};
use serde::{Deserialize, Deserializer};

use super::query::ListQuery;
use super::{fields, list};
use crate::answer;
use crate::app::App;
use crate::errors::Result;
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::pages::form::{Choice, from_pairs};
use crate::session::Visitor;

/// What the chooser's form says.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    query: ListQuery,
    kind: Option<Kind>,
    columns: Vec<String>,
    /// `up:KEY`, `down:KEY`, `remove:KEY`, `add`, `usual`.
    does: String,
    add: String,
    shape: String,
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        from_pairs(deserializer, |asked: &mut Self, name, value| match name {
            "kind" => asked.kind = Kind::parse(&value),
            "column" if !asked.columns.contains(&value) => asked.columns.push(value),
            "column" => {}
            "do" => asked.does = value,
            "add" => asked.add = value,
            "shape" => asked.shape = value,
            _ => drop(asked.query.set(name, &value)),
        })
    }
}

impl Asked {
    fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Lead)
    }

    /// Does what the pressed button says; the key it was about.
    fn press(&mut self, usual: &[String]) -> String {
        let (does, key) = self.does.split_once(':').unwrap_or((self.does.as_str(), ""));
        let place = self.columns.iter().position(|column| column == key);
        match (does, place) {
            ("up", Some(place)) if place > 0 => self.columns.swap(place, place - 1),
            ("down", Some(place)) if place + 1 < self.columns.len() => self.columns.swap(place, place + 1),
            ("remove", Some(place)) => drop(self.columns.remove(place)),
            ("usual", _) => self.columns = usual.to_vec(),
            ("add", _) if !self.add.is_empty() && !self.columns.contains(&self.add) => {
                self.columns.push(self.add.clone());
            }
            _ => {}
        }
        format!("{does}:{key}")
    }
}

/// A chosen column.
#[derive(Clone, Debug, Default)]
struct Column {
    key: String,
    label: String,
    is_first: bool,
    is_last: bool,
    /// The button that was pressed last: `up` or `down`.
    pressed: &'static str,
}

#[derive(Template)]
#[template(path = "people/columns.html")]
struct Page {
    frame: Frame,
    back: String,
    hidden: Vec<(String, String)>,
    columns: Vec<Column>,
    groups: Vec<(&'static str, Vec<Choice>)>,
    is_of_list: bool,
}

/// The chooser.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(mut asked): Query<Asked>) -> Result<Response> {
    let kind = asked.kind();
    let mut tx = app.read().await?;
    let known = people_fields::fields(&mut tx).await?;
    let view = people_views::find(&mut tx, visitor.user.id, kind).await?;
    let usual = fields::usual_columns(kind);
    if asked.does.is_empty() && asked.columns.is_empty() {
        let own = if view.columns.is_empty() { usual.clone() } else { view.columns };
        asked.columns = if asked.query.columns.is_empty() { own } else { asked.query.columns.clone() };
    }
    let pressed = asked.press(&usual);
    let shown = fields::columns(&known, &asked.columns, kind);
    let last = shown.len().saturating_sub(1);
    let column = |(place, field): (usize, &&people_fields::PeopleField)| Column {
        key: field.field.clone(),
        label: field.label.clone(),
        is_first: place == 0,
        is_last: place == last,
        pressed: pressed_button(&pressed, &field.field, place == 0, place == last),
    };
    let mut groups: Vec<(&'static str, Vec<Choice>)> = Vec::new();
    for field in known.iter().filter(|field| field.column && field.field != "name") {
        if asked.columns.contains(&field.field) {
            continue;
        }
        let choice = Choice::new(&field.field, field.label.clone());
        match groups.iter_mut().find(|(label, _)| *label == field.group) {
            Some((_, fields)) => fields.push(choice),
            None => groups.push((field.group, vec![choice])),
        }
    }
    let mut hidden = asked.query.hidden();
    hidden.retain(|(name, _)| name != "columns");
    hidden.push(("kind".to_owned(), kind.as_str().to_owned()));
    answer::page(&Page {
        frame: visitor.frame(list::section(kind)),
        back: asked.query.href(kind),
        hidden,
        columns: shown.iter().enumerate().map(column).collect(),
        groups,
        is_of_list: asked.query.list.is_some(),
    })
}

/// Which button of a column keeps the focus after it was moved: at the end of its way, the other one.
fn pressed_button(pressed: &str, key: &str, is_first: bool, is_last: bool) -> &'static str {
    match pressed.split_once(':') {
        Some(("up", moved)) if moved == key => {
            if is_first {
                "down"
            } else {
                "up"
            }
        }
        Some(("down", moved)) if moved == key => {
            if is_last {
                "up"
            } else {
                "down"
            }
        }
        _ => "",
    }
}

/// Keeps the columns: those of a smart list in the list as it is asked now, others for the user.
pub async fn save(State(app): State<App>, visitor: Visitor, Form(asked): Form<Asked>) -> Result<Response> {
    let kind = asked.kind();
    let known = people_fields::fields(&mut app.read().await?).await?;
    let columns: Vec<String> = fields::columns(&known, &asked.columns, kind).iter().map(|f| f.field.clone()).collect();
    if asked.query.list.is_some() {
        return Ok(answer::go(&ListQuery { columns, ..asked.query }.href(kind)));
    }
    let view = people_views::find(&mut app.read().await?, visitor.user.id, kind).await?;
    app.engine.store_people_view(&visitor.actor, kind, &View { columns, ..view }).await?;
    Ok(answer::go(&ListQuery { columns: Vec::new(), ..asked.query }.href(kind)))
}

/// Index or table.
pub async fn look(State(app): State<App>, visitor: Visitor, Form(asked): Form<Asked>) -> Result<Response> {
    let kind = asked.kind();
    if let Some(shape) = Shape::parse(&asked.shape) {
        let view = people_views::find(&mut app.read().await?, visitor.user.id, kind).await?;
        app.engine.store_people_view(&visitor.actor, kind, &View { shape, ..view }).await?;
    }
    Ok(answer::go(&asked.query.href(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(does: &str) -> Asked {
        let columns = ["title", "email", "phone"].map(str::to_owned).to_vec();
        Asked { does: does.into(), add: "status".into(), columns, ..Asked::default() }
    }

    #[test]
    fn every_button_does_one_thing() {
        for (does, expected) in [
            ("up:email", "email title phone"),
            ("up:title", "title email phone"),
            ("down:title", "email title phone"),
            ("remove:phone", "title email"),
            ("add", "title email phone status"),
            ("usual", "a b"),
            ("nonsense", "title email phone"),
        ] {
            let mut asked = asked(does);
            asked.press(&["a".to_owned(), "b".to_owned()]);
            assert_eq!(asked.columns.join(" "), expected, "{does}");
        }
    }

    #[test]
    fn the_button_just_pressed_keeps_the_focus_and_at_the_end_its_neighbour_takes_it() {
        let column = |key: &str, is_first, is_last| Column {
            key: key.into(),
            label: key.into(),
            is_first,
            is_last,
            pressed: pressed_button("up:email", key, is_first, is_last),
        };
        let html = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            back: "/leads".into(),
            hidden: vec![("kind".into(), "lead".into())],
            columns: vec![column("email", true, false), column("title", false, true)],
            groups: vec![("Reach", vec![Choice::new("phone", "Phone")])],
            is_of_list: false,
        }
        .render()
        .expect("a page");
        let focused = html.split("<button").find(|part| part.contains("autofocus")).expect("a focused button");
        assert!(focused.contains("down:email"), "{focused}");
    }
}
