//! The list of all merge tags with the values of one person: in the editor's menu, and as a page of its own.

use axum::extract::State;
use axum::response::Response;
use relance_engine::commands::merge_tags::OfferedTag;
use relance_storage::people_lists;
use serde::Deserialize;

use crate::answer;
use crate::app::App;
use crate::errors::Result;
use crate::extract::Query;
use crate::frame::Frame;
use crate::session::Visitor;

const GROUPS: [(&str, &str); 5] = [
    ("person", "The person"),
    ("company", "Where they work"),
    ("custom", "Custom fields"),
    ("sender", "You, the sender"),
    ("email", "The email"),
];

/// As whom.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    #[serde(rename = "as")]
    person: String,
}

struct Group {
    title: &'static str,
    tags: Vec<OfferedTag>,
}

#[derive(askama::Template)]
#[template(path = "templates/tag_list.html")]
struct Page {
    frame: Frame,
    person: String,
    groups: Vec<Group>,
}

/// One line of a value, as much as a list has room for.
fn shortened(mut tag: OfferedTag) -> OfferedTag {
    let line = tag.example.split_whitespace().collect::<Vec<_>>().join(" ");
    tag.example = if line.chars().count() > 60 { line.chars().take(59).chain(['…']).collect() } else { line };
    tag
}

/// The list.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response> {
    let mut tx = app.read().await?;
    let first = people_lists::suggest(&mut tx, "", None, visitor.sight.owners(), 1).await?.pop();
    drop(tx);
    let chosen = asked.person.parse().ok().or(first.as_ref().map(|person| person.id));
    let tags = app.engine.merge_tags(&visitor.actor, chosen).await?;
    let of = |name: &str| tags.iter().filter(|tag| tag.group == name).cloned().map(shortened).collect();
    let groups = GROUPS.map(|(name, title)| Group { title, tags: of(name) });
    let name = tags.iter().find(|tag| tag.path == "person.name").map(|tag| tag.example.clone());
    answer::page(&Page {
        frame: visitor.frame("templates"),
        person: name.unwrap_or_default(),
        groups: groups.into_iter().filter(|group| !group.tags.is_empty()).collect(),
    })
}
