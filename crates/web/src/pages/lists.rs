//! Smart lists: each at its own address with a live count; all of them on one page; saved, shared, pinned, deleted.
//!
//! What a list shows is the page of people; here is what makes and keeps it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::list::List;
use relance_domain::person::Kind;
use relance_domain::user::Sight;
use relance_domain::{ListId, UserId};
use relance_engine::commands::lists::{ListChange, NewList};
use relance_storage::people_lists::{self, PeopleQuery};
use relance_storage::people_part::LOOKED_THROUGH;
use relance_storage::{Tx, users};
use serde::{Deserialize, Deserializer};

use super::form::from_pairs;
use super::people::list::{self, MOST_COUNTED};
use super::people::query::ListQuery;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::{Frame, SmartList};
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Pinned lists that show their count in the bar.
const MOST_COUNTS: usize = 10;
/// Fields of the form.
const FIELDS: [&str; 1] = ["name"];

/// What a form about a list says.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    query: ListQuery,
    kind: Option<Kind>,
    name: String,
    is_shared: bool,
    is_pinned: bool,
    back: String,
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        from_pairs(deserializer, |asked: &mut Self, name, value| match name {
            "kind" => asked.kind = Kind::parse(&value),
            "name" => asked.name = value,
            "shared" => asked.is_shared = value == "1",
            "pinned" => asked.is_pinned = value == "1",
            "back" => asked.back = value,
            _ => drop(asked.query.set(name, &value)),
        })
    }
}

#[derive(Template)]
#[template(path = "lists/form.html")]
struct FormPage {
    frame: Frame,
    title: String,
    action: String,
    button: &'static str,
    back: String,
    hidden: Vec<(String, String)>,
    typed: String,
    is_shared: bool,
    /// Whether it can be pinned here: a new list.
    is_new: bool,
    is_pinned: bool,
    delete: String,
    errors: FormErrors,
}

impl FormPage {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }
}

/// A list among all.
#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    href: String,
    kind: &'static str,
    owner: String,
    is_shared: bool,
    is_pinned: bool,
    pin: String,
    edit: String,
    count: String,
}

#[derive(Template)]
#[template(path = "lists/index.html")]
struct IndexPage {
    frame: Frame,
    rows: Vec<Row>,
}

/// How many people a list finds, in words.
async fn counted(tx: &mut Tx, list: &List, owners: Option<Vec<UserId>>) -> Result<String> {
    let query = ListQuery::of_list(list).people(list.kind, owners)?;
    let (number, is_more) =
        people_lists::count_part(tx, &PeopleQuery { cursor: None, ..query }, MOST_COUNTED, LOOKED_THROUGH).await?;
    Ok(format!("{}{}", words::number(number), if is_more { "+" } else { "" }))
}

/// The pinned lists of the bar, the first of them with their counts. One whose rules cannot be asked any more has none.
pub async fn pinned(tx: &mut Tx, user: UserId, sight: &Sight) -> Result<Vec<SmartList>> {
    let mut shown = Vec::new();
    for (place, list) in relance_storage::lists::pinned(tx, user).await?.into_iter().enumerate() {
        let count = match place < MOST_COUNTS {
            true => counted(tx, &list, sight.owners()).await.unwrap_or_default(),
            false => String::new(),
        };
        shown.push(SmartList { label: list.name, href: urls::list(list.id), count, is_current: false });
    }
    Ok(shown)
}

/// All lists.
pub async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let lists = app.engine.lists(&visitor.actor).await?;
    let pins: Vec<ListId> = app.engine.pinned_lists(&visitor.actor).await?.into_iter().map(|list| list.id).collect();
    let mut tx = app.read().await?;
    let names: HashMap<UserId, String> = users::list(&mut tx).await?.into_iter().map(|u| (u.id, u.name)).collect();
    let mut rows = Vec::new();
    for list in lists {
        let is_pinned = pins.contains(&list.id);
        rows.push(Row {
            href: urls::list(list.id),
            kind: if list.kind == Kind::Lead { "Leads" } else { "Contacts" },
            owner: if list.owner_id == visitor.user.id {
                "You".to_owned()
            } else {
                names.get(&list.owner_id).cloned().unwrap_or_default()
            },
            is_shared: list.shared,
            is_pinned,
            pin: urls::list_action(list.id, if is_pinned { "unpin" } else { "pin" }),
            edit: if list.is_changed_by(&visitor.actor) { urls::list_action(list.id, "edit") } else { String::new() },
            count: counted(&mut tx, &list, visitor.sight.owners()).await.unwrap_or_else(|_| "–".to_owned()),
            name: list.name,
        });
    }
    answer::page(&IndexPage { frame: visitor.frame("lists"), rows })
}

/// The people of a list: as it was saved, or as it is asked now.
pub async fn show(
    state: State<App>,
    visitor: Visitor,
    Path(id): Path<ListId>,
    Query(asked): Query<ListQuery>,
) -> Result<Response> {
    let list = state.engine.read_list(&visitor.actor, id).await?;
    let query = if asked.is_edited {
        ListQuery { list: Some(id), ..asked }
    } else {
        ListQuery { cursor: asked.cursor, is_exact: asked.is_exact, ..ListQuery::of_list(&list) }
    };
    let is_pinned = state.engine.pinned_lists(&visitor.actor).await?.iter().any(|pin| pin.id == id);
    let kind = list.kind;
    list::show(state, visitor, query, kind, Some((list, is_pinned))).await
}

/// The form of a new list.
pub async fn new(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response> {
    answer::page(&new_form(&visitor, Asked { is_pinned: true, ..asked }, FormErrors::default()))
}

fn new_form(visitor: &Visitor, asked: Asked, errors: FormErrors) -> FormPage {
    let kind = asked.kind.unwrap_or(Kind::Lead);
    let mut hidden = asked.query.hidden();
    hidden.push(("kind".to_owned(), kind.as_str().to_owned()));
    FormPage {
        frame: visitor.frame(list::section(kind)),
        title: "Save as smart list".to_owned(),
        action: visitor.once(urls::LISTS),
        button: "Save list",
        back: asked.query.href(kind),
        hidden,
        typed: asked.name,
        is_shared: asked.is_shared,
        is_new: true,
        is_pinned: asked.is_pinned,
        delete: String::new(),
        errors,
    }
}

/// Saves a new list.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(asked): Form<Asked>) -> Result<Response> {
    let new = NewList {
        name: asked.name.clone(),
        kind: asked.kind.unwrap_or(Kind::Lead),
        filter: asked.query.saved_filter(),
        columns: asked.query.columns.clone(),
        sort: asked.query.sort.clone(),
        shared: asked.is_shared,
    };
    // A second click finds the list the first one made.
    let known = app.engine.lists(&visitor.actor).await?.into_iter().find(|list| {
        list.owner_id == visitor.user.id
            && (&list.name, list.kind, &list.filter) == (&new.name.trim().to_owned(), new.kind, &new.filter)
            && (&list.columns, &list.sort, list.shared) == (&new.columns, &new.sort, new.shared)
    });
    let made = match known {
        Some(list) => Ok(list),
        None => app.engine.create_list(&visitor.actor, new).await.map_err(PageError::from),
    };
    match made {
        Ok(list) => {
            if asked.is_pinned {
                app.engine.pin_list(&visitor.actor, list.id, true).await?;
            }
            let toast = answer::toast("done", format!("Saved the list {}.", list.name));
            Ok(answer::said(&urls::list(list.id), &toast))
        }
        Err(error) => {
            let errors: FormErrors = error.refused()?;
            answer::refused(&new_form(&visitor, asked, errors))
        }
    }
}

fn edit_form(visitor: &Visitor, list: &List, (name, is_shared): (&str, bool), errors: FormErrors) -> FormPage {
    FormPage {
        frame: visitor.frame("lists"),
        title: format!("Change {}", list.name),
        action: urls::list_action(list.id, "edit"),
        button: "Save",
        back: urls::list(list.id),
        hidden: Vec::new(),
        typed: name.to_owned(),
        is_shared,
        is_new: false,
        is_pinned: false,
        delete: urls::list_action(list.id, "delete"),
        errors,
    }
}

/// The form of name and sharing.
pub async fn edit(State(app): State<App>, visitor: Visitor, Path(id): Path<ListId>) -> Result<Response> {
    let list = app.engine.read_list(&visitor.actor, id).await?;
    if !list.is_changed_by(&visitor.actor) {
        let words = "This list belongs to someone else. Save it under your own name to change it.";
        return Err(PageError::Forbidden(words.to_owned()));
    }
    answer::page(&edit_form(&visitor, &list, (&list.name, list.shared), FormErrors::default()))
}

/// Stores name and sharing.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<ListId>,
    Form(asked): Form<Asked>,
) -> Result<Response> {
    let change = ListChange { name: Some(asked.name.clone()), shared: Some(asked.is_shared), ..ListChange::default() };
    match app.engine.edit_list(&visitor.actor, id, change).await.map_err(PageError::from) {
        Ok(list) => Ok(answer::said(&urls::list(id), &answer::toast("done", format!("Changed {}.", list.name)))),
        Err(error) => {
            let errors: FormErrors = error.refused()?;
            let list = app.engine.read_list(&visitor.actor, id).await?;
            answer::refused(&edit_form(&visitor, &list, (&asked.name, asked.is_shared), errors))
        }
    }
}

/// Stores what the list is asked now.
pub async fn save(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<ListId>,
    Form(asked): Form<Asked>,
) -> Result<Response> {
    let query = asked.query;
    let change = ListChange {
        filter: Some(query.saved_filter()),
        columns: Some(query.columns.clone()),
        sort: Some(query.sort.clone()),
        ..ListChange::default()
    };
    let done = app.engine.edit_list(&visitor.actor, id, change).await;
    answer::outcome(&urls::list(id), done, |list| answer::toast("done", format!("Saved the changes of {}.", list.name)))
}

/// Keeps a list in the bar.
pub async fn pin(state: State<App>, visitor: Visitor, id: Path<ListId>, form: Form<Asked>) -> Result<Response> {
    set_pin(state, visitor, id, form, true).await
}

/// Takes a list out of the bar.
pub async fn unpin(state: State<App>, visitor: Visitor, id: Path<ListId>, form: Form<Asked>) -> Result<Response> {
    set_pin(state, visitor, id, form, false).await
}

async fn set_pin(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<ListId>,
    Form(asked): Form<Asked>,
    is_pinned: bool,
) -> Result<Response> {
    let done = app.engine.pin_list(&visitor.actor, id, is_pinned).await;
    let back = if asked.back == urls::LISTS { urls::LISTS.to_owned() } else { urls::list(id) };
    let words = if is_pinned { "Pinned to the bar." } else { "Taken out of the bar. The list itself stays." };
    answer::outcome(&back, done, |()| answer::toast("done", words))
}

/// Deletes a list; the people in it stay.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<ListId>) -> Result<Response> {
    let list = app.engine.read_list(&visitor.actor, id).await;
    let done = app.engine.delete_list(&visitor.actor, id).await;
    let name = list.map(|list| list.name).unwrap_or_default();
    answer::outcome(urls::LISTS, done, |()| {
        answer::toast("done", format!("Deleted the list {name}. The people in it stay."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_are_shown_with_whose_they_are_and_their_counts() {
        let row = Row {
            name: "UK depots".into(),
            href: "/lists/lst_1".into(),
            kind: "Leads",
            owner: "Nora".into(),
            is_shared: true,
            is_pinned: true,
            pin: "/lists/lst_1/unpin".into(),
            edit: "/lists/lst_1/edit".into(),
            count: "10,000+".into(),
        };
        let frame = Frame { clock_rate: 1, ..Frame::default() };
        let html = IndexPage { frame: frame.clone(), rows: vec![row] }.render().expect("a page");
        for words in ["UK depots", "10,000+", "Nora", "Shared", "/lists/lst_1/unpin"] {
            assert!(html.contains(words), "{words}");
        }
        let html = IndexPage { frame, rows: Vec::new() }.render().expect("a page");
        assert!(html.contains("No smart lists yet"));
    }

    #[test]
    fn a_refused_form_keeps_what_was_typed() {
        let page = FormPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Save as smart list".into(),
            action: "/lists".into(),
            button: "Save list",
            back: "/leads".into(),
            hidden: vec![("rule".into(), "status:is:New".into())],
            typed: String::new(),
            is_shared: true,
            is_new: true,
            is_pinned: true,
            delete: String::new(),
            errors: FormErrors::one("name", "Give the list a name."),
        };
        let html = page.render().expect("a page");
        assert!(html.contains("Give the list a name.") && html.contains("status:is:New") && html.contains("checked"));
    }
}
