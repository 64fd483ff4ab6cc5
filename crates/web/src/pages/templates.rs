//! Templates: the list by folder with what uses them, and what is done with several at once.

pub mod form;
pub mod tags;

use axum::extract::State;
use axum::response::Response;
use relance_domain::TemplateId;
use relance_storage::{templates, users};
use serde::Deserialize;

use super::form::{Choice, Typed};
use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// The folder of those that are in none, in the address of the list.
const NO_FOLDER: &str = "-";

/// What is searched.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    q: String,
    folder: String,
    whose: String,
}

impl Search {
    fn is_narrow(&self) -> bool {
        !(self.q.is_empty() && self.folder.is_empty() && self.whose.is_empty())
    }

    fn has_folder(&self, folder: &str) -> bool {
        match self.folder.as_str() {
            "" => true,
            NO_FOLDER => folder.is_empty(),
            wanted => wanted == folder,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Row {
    id: String,
    name: String,
    href: String,
    subject: String,
    owner: String,
    is_shared: bool,
    may_move: bool,
    files: usize,
    used: String,
    edited: words::When,
}

#[derive(Clone, Debug, Default)]
struct Folder {
    name: String,
    may_rename: bool,
    rows: Vec<Row>,
}

#[derive(askama::Template)]
#[template(path = "templates/index.html")]
struct Index {
    frame: Frame,
    search: Search,
    choices: Vec<Choice>,
    names: Vec<String>,
    folders: Vec<Folder>,
}

/// *Cold chain*, *Cold chain and 2 more*.
fn used_words(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// The list.
pub async fn index(State(app): State<App>, visitor: Visitor, Query(search): Query<Search>) -> Result<Response> {
    let mut tx = app.read().await?;
    let users = users::list(&mut tx).await?;
    let uses = templates::uses(&mut tx).await?;
    let all = templates::list(&mut tx, "", Some(visitor.user.id)).await?;
    let found = templates::list(&mut tx, &search.q, Some(visitor.user.id)).await?;
    let mut names: Vec<String> = all.into_iter().map(|template| template.folder).collect();
    names.dedup();
    let is_mine = |owner| owner == Some(visitor.user.id);
    let wanted = |template: &relance_domain::template::Template| match search.whose.as_str() {
        "mine" => is_mine(template.owner_id),
        "shared" => template.shared,
        _ => true,
    };
    let mut folders: Vec<Folder> = Vec::new();
    for template in found.into_iter().filter(|found| search.has_folder(&found.folder) && wanted(found)) {
        let owner = users.iter().find(|user| Some(user.id) == template.owner_id);
        let used: Vec<String> = uses.get(&template.id).into_iter().flatten().map(|(_, name)| name.clone()).collect();
        let row = Row {
            id: template.id.to_string(),
            href: urls::template(template.id),
            owner: owner.map(|user| user.name.clone()).unwrap_or_default(),
            is_shared: template.shared,
            may_move: template.is_changed_by(&visitor.actor, &visitor.sight),
            files: template.attachments.len(),
            used: used_words(&used),
            edited: words::When::age(template.updated_at, visitor.now, &visitor.zone),
            name: template.name,
            subject: template.subject,
        };
        if folders.last().is_none_or(|last| last.name != template.folder) {
            folders.push(Folder { name: template.folder, ..Folder::default() });
        }
        if let Some(folder) = folders.last_mut() {
            folder.may_rename |= row.may_move && !folder.name.is_empty();
            folder.rows.push(row);
        }
    }
    let choice =
        |name: &String| if name.is_empty() { Choice::new(NO_FOLDER, "In no folder") } else { Choice::new(name, name) };
    answer::page(&Index {
        frame: visitor.frame("templates"),
        choices: names.iter().map(choice).collect(),
        names: names.into_iter().filter(|name| !name.is_empty()).collect(),
        search,
        folders,
    })
}

/// Puts the chosen templates into a folder.
pub async fn shift(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let ids: Vec<TemplateId> = typed.all("id").into_iter().filter_map(|id| id.parse().ok()).collect();
    if ids.is_empty() {
        return Ok(answer::said(urls::TEMPLATES, &answer::toast("info", "Choose templates first, then a folder.")));
    }
    let folder = typed.trimmed("folder");
    let moved = app.engine.move_templates(&visitor.actor, &ids, &folder).await;
    answer::outcome(urls::TEMPLATES, moved, |moved| {
        let what = if moved == 1 { "One template is".to_owned() } else { format!("{moved} templates are") };
        let place = if folder.is_empty() { "in no folder now.".to_owned() } else { format!("in {folder} now.") };
        answer::toast("done", format!("{what} {place}"))
    })
}

#[derive(askama::Template)]
#[template(path = "templates/folder.html")]
struct RenamePage {
    frame: Frame,
    from: String,
    new_name: String,
    errors: crate::errors::FormErrors,
}

impl RenamePage {
    fn above(&self) -> String {
        self.errors.above(&["folder"])
    }
}

/// Which folder.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    name: String,
}

/// Asks for the new name of a folder.
pub async fn ask_rename(State(_app): State<App>, visitor: Visitor, Query(asked): Query<Named>) -> Result<Response> {
    let errors = crate::errors::FormErrors::default();
    answer::page(&RenamePage {
        frame: visitor.frame("templates"),
        new_name: asked.name.clone(),
        from: asked.name,
        errors,
    })
}

/// Renames a folder; one that has this name takes its templates.
pub async fn rename(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let (from, to) = (typed.get("from").to_owned(), typed.trimmed("folder"));
    match app.engine.rename_folder(&visitor.actor, &from, &to).await.map_err(PageError::from) {
        Ok((_, others)) => {
            let rest = match others {
                0 => String::new(),
                1 => " One template of someone else stays where it was.".to_owned(),
                n => format!(" {n} templates of others stay where they were."),
            };
            Ok(answer::said(urls::TEMPLATES, &answer::toast("done", format!("The folder is called {to} now.{rest}"))))
        }
        Err(error) => {
            let errors = error.refused()?;
            answer::refused(&RenamePage { frame: visitor.frame("templates"), from, new_name: to, errors })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use askama::Template as _;

    #[test]
    fn templates_stand_in_their_folders_and_an_empty_page_offers_the_first() {
        let row = Row {
            name: "Intro".into(),
            href: "/templates/tpl_1".into(),
            subject: "Hello {{ person.first_name }}".into(),
            used: used_words(&["Cold rooms".into(), "Pilots".into()]),
            may_move: true,
            files: 2,
            ..Row::default()
        };
        let mut page = Index {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            search: Search::default(),
            choices: vec![Choice::new("Cold chain", "Cold chain")],
            names: vec!["Cold chain".into()],
            folders: vec![Folder { name: "Cold chain".into(), may_rename: true, rows: vec![row] }],
        };
        let html = page.render().expect("a page");
        for words in
            ["Cold chain", "Intro", "Hello {{ person.first_name }}", "Only you", "Cold rooms and 1 more", "2 files"]
        {
            assert!(html.contains(words), "{words}");
        }
        page.folders.clear();
        assert!(page.render().expect("a page").contains("No templates yet"));
        page.search.whose = "mine".into();
        assert!(page.render().expect("a page").contains("Nothing found"));
    }
}
