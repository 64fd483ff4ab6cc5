//! The layout of a person's page: which widgets stand beside the history, and in which order. Moved by buttons.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person_layout::{Layout, Widget};
use serde::Deserialize;

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls};

/// What is done with a widget: `up`, `down`, `show` or `hide`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    widget: String,
    what: String,
}

/// A widget in the list.
#[derive(Clone, Debug, Default)]
struct Row {
    name: &'static str,
    label: &'static str,
    text: &'static str,
    is_first: bool,
    is_last: bool,
}

#[derive(Template)]
#[template(path = "settings/layout.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    may_write: bool,
    shown: Vec<Row>,
    hidden: Vec<Row>,
}

const fn text(widget: Widget) -> &'static str {
    match widget {
        Widget::Sequences => "What runs, what is blocked and what has ended, and the button that starts one",
        Widget::Details => "The fields of the person, edited in place",
        Widget::Tasks => "Open tasks",
        Widget::Notes => "The newest notes",
        Widget::Related => "The company, its people, others with the same address",
    }
}

fn rows(widgets: &[Widget]) -> Vec<Row> {
    let row = |(at, widget): (usize, &Widget)| Row {
        name: widget.as_str(),
        label: widget.label(),
        text: text(*widget),
        is_first: at == 0,
        is_last: at + 1 == widgets.len(),
    };
    widgets.iter().enumerate().map(row).collect()
}

fn page(visitor: &Visitor, layout: &Layout) -> Page {
    Page {
        frame: visitor.frame("settings"),
        tab: "layout",
        may_write: visitor.actor.is_admin(),
        shown: rows(layout.shown()),
        hidden: rows(&layout.hidden()),
    }
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    answer::page(&page(&visitor, &app.engine.person_layout().await?))
}

/// Moves, shows or hides a widget.
pub async fn update(State(app): State<App>, visitor: Visitor, Form(asked): Form<Asked>) -> Result<Response> {
    let widget = Widget::parse(&asked.widget).ok_or(PageError::NotFound("widget"))?;
    let change = |layout: Layout| match asked.what.as_str() {
        "up" => layout.moved(widget, -1),
        "down" => layout.moved(widget, 1),
        "show" => layout.with(widget, true),
        "hide" => layout.with(widget, false),
        _ => layout,
    };
    let done = app.engine.change_person_layout(&visitor.actor, change).await;
    answer::outcome(urls::LAYOUT, done, |_| answer::toast("done", "The person page is changed for everyone."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widgets_are_moved_by_buttons_that_say_what_they_move() {
        let layout = Layout::of(["details", "sequences"]);
        let page = |may_write| Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            tab: "layout",
            may_write,
            shown: rows(layout.shown()),
            hidden: rows(&layout.hidden()),
        };
        let html = page(true).render().expect("a page");
        for words in ["Move Details down", "Move Sequences up", "Hide Details", "Show Notes"] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("Move Details up") && !html.contains("Move Sequences down"));
        assert!(!page(false).render().expect("a page").contains("Hide Details"));
    }
}
