//! The tags of the workspace with who has them; admins rename, merge and delete them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::JobId;
use relance_domain::person::Kind;
use relance_engine::EngineError;
use relance_engine::commands::bulk::BulkDone;
use relance_storage::tags::{self, TagCount};
use serde::Deserialize;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// A tag in the list.
#[derive(Clone, Debug, Default)]
struct Row {
    tag: String,
    leads: String,
    leads_href: String,
    contacts: String,
    contacts_href: String,
    edit: String,
    confirm: String,
}

#[derive(Template)]
#[template(path = "settings/tags.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    may_write: bool,
    rows: Vec<Row>,
    shown: Shown,
}

#[derive(Template)]
#[template(path = "settings/tag.html")]
struct FormPage {
    frame: Frame,
    tag: String,
    people: String,
    others: Vec<String>,
    typed: Typed,
    errors: FormErrors,
}

impl FormPage {
    fn above(&self) -> String {
        self.errors.above(&["to"])
    }
}

/// Which tags are shown, or which one is changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    q: String,
    tag: String,
}

fn of_tag(kind: Kind, tag: &str) -> String {
    urls::with_query(urls::people(kind), &[("rule", &format!("tags:has:{tag}"))])
}

fn row(count: TagCount) -> Row {
    let TagCount { tag, leads, contacts } = count;
    let number = |count: u32| if count == 0 { String::new() } else { words::number(count) };
    Row {
        leads: number(leads),
        leads_href: of_tag(Kind::Lead, &tag),
        contacts: number(contacts),
        contacts_href: of_tag(Kind::Contact, &tag),
        edit: urls::with_query(urls::EDIT_TAG, &[("tag", &tag)]),
        confirm: format!("Take the tag {tag} away from {}?", words::people(u64::from(leads + contacts))),
        tag,
    }
}

async fn counts(app: &App, visitor: &Visitor) -> Result<Vec<TagCount>> {
    let owners = visitor.sight.owners();
    Ok(tags::counts(&mut app.read().await?, owners.as_deref()).await?)
}

/// The list.
pub async fn index(State(app): State<App>, visitor: Visitor, Query(shown): Query<Shown>) -> Result<Response> {
    let wanted = shown.q.trim().to_lowercase();
    let found = counts(&app, &visitor).await?.into_iter().filter(|count| count.tag.to_lowercase().contains(&wanted));
    answer::page(&Page {
        frame: visitor.frame("settings"),
        tab: "tags",
        may_write: visitor.actor.is_admin(),
        rows: found.map(row).collect(),
        shown,
    })
}

async fn draw(app: &App, visitor: &Visitor, tag: &str, typed: Typed, errors: FormErrors) -> Result<FormPage> {
    let found = counts(app, visitor).await?;
    let one = found.iter().find(|count| count.tag == tag).ok_or(PageError::NotFound("tag"))?;
    Ok(FormPage {
        frame: visitor.frame("settings"),
        people: words::people(u64::from(one.leads + one.contacts)),
        others: found.iter().map(|count| count.tag.clone()).filter(|other| other != tag).collect(),
        tag: tag.to_owned(),
        typed,
        errors,
    })
}

/// The form of a tag.
pub async fn edit(State(app): State<App>, visitor: Visitor, Query(shown): Query<Shown>) -> Result<Response> {
    visitor.must_be_admin("rename tags")?;
    let typed = Typed::of([("to", shown.tag.clone())]);
    answer::page(&draw(&app, &visitor, &shown.tag, typed, FormErrors::default()).await?)
}

/// On to the list, or to the page of the job if they are many.
fn outcome(done: std::result::Result<(JobId, BulkDone), EngineError>, words: &str) -> Result<Response> {
    match done {
        Ok((job, BulkDone::Job(_))) => Ok(answer::go(&urls::with_query(&urls::job(job), &[("back", urls::TAGS)]))),
        done => answer::outcome(urls::TAGS, done, |(job, _)| {
            let undo = urls::with_query(&urls::undo_job(job), &[("back", urls::TAGS)]);
            crate::frame::Toast { undo, ..answer::toast("done", words) }
        }),
    }
}

/// Renames a tag, or merges it into another.
pub async fn update(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    visitor.must_be_admin("rename tags")?;
    let (tag, to) = (typed.get("tag").to_owned(), typed.trimmed("to"));
    match app.engine.rename_tag(&visitor.actor, &tag, &to).await {
        Err(error @ EngineError::Refused(_)) => {
            let errors = PageError::from(error).refused()?;
            answer::refused(&draw(&app, &visitor, &tag, typed, errors).await?)
        }
        done => outcome(done, &format!("{tag} is {to} now.")),
    }
}

/// Takes a tag away from everyone.
pub async fn delete(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let done = app.engine.delete_tag(&visitor.actor, typed.get("tag")).await;
    outcome(done, &format!("The tag {} is deleted.", typed.get("tag")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_listed_with_who_has_them_and_only_admins_change_them() {
        let count = TagCount { tag: "UK & IE".into(), leads: 1_200, contacts: 0 };
        let page = |may_write| Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            tab: "tags",
            may_write,
            rows: vec![row(count.clone())],
            shown: Shown::default(),
        };
        let html = page(true).render().expect("a page");
        for words in ["UK &#38; IE", "1,200", "rule=tags:has:UK%20%26%20IE", "Take the tag", "/settings/tags/edit"] {
            assert!(html.contains(words), "{words}: {html}");
        }
        assert!(!page(false).render().expect("a page").contains("Take the tag"));
        let none = Page { rows: Vec::new(), ..page(true) };
        assert!(none.render().expect("a page").contains("No tags yet"));
    }
}
