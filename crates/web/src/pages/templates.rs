//! Templates: the list by folder, and the form with tag picker and live preview.

use axum::extract::State;
use axum::response::Response;
use relance_domain::template::Template;
use relance_domain::{Refused, TemplateId, merge};
use relance_engine::commands::templates::TemplateFields;
use relance_storage::{templates, users};
use serde::Deserialize;

use super::form::Typed;
use super::preview::{self, Draft, Preview};
use super::sequences::{body_of, put_body};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

const FIELDS: [&str; 4] = ["name", "folder", "email.subject", "email.body"];

/// What is searched.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    q: String,
}

/// A tag as the picker offers it.
#[derive(Clone, Debug)]
pub struct PickedTag {
    /// As people read it.
    pub label: &'static str,
    /// Its name.
    pub tag: &'static str,
    /// What is inserted.
    pub text: String,
}

/// The tags of the picker.
pub fn picker() -> Vec<PickedTag> {
    let tag = |known: &merge::KnownTag| PickedTag {
        label: known.label,
        tag: known.tag,
        text: format!("{{{{ {} }}}}", known.tag),
    };
    merge::tags().iter().map(tag).collect()
}

#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    href: String,
    subject: String,
    owner: String,
    is_shared: bool,
    edited: words::When,
}

#[derive(askama::Template)]
#[template(path = "templates/index.html")]
struct Index {
    frame: Frame,
    search: String,
    folders: Vec<(String, Vec<Row>)>,
}

#[derive(askama::Template)]
#[template(path = "templates/form.html")]
struct Page {
    frame: Frame,
    title: String,
    action: String,
    delete: String,
    folders: Vec<String>,
    typed: Typed,
    errors: FormErrors,
    preview: Preview,
    preview_form: &'static str,
    preview_action: String,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }
}

/// The list.
pub async fn index(State(app): State<App>, visitor: Visitor, Query(search): Query<Search>) -> Result<Response> {
    let mut tx = app.read().await?;
    let users = users::list(&mut tx).await?;
    let mut folders: Vec<(String, Vec<Row>)> = Vec::new();
    for template in templates::list(&mut tx, &search.q, Some(visitor.user.id)).await? {
        let owner = users.iter().find(|user| Some(user.id) == template.owner_id);
        let row = Row {
            href: urls::template(template.id),
            owner: owner.map(|user| user.name.clone()).unwrap_or_default(),
            is_shared: template.shared,
            edited: words::When::age(template.updated_at, visitor.now, &visitor.zone),
            name: template.name,
            subject: template.subject,
        };
        match folders.last_mut() {
            Some((folder, rows)) if *folder == template.folder => rows.push(row),
            _ => folders.push((template.folder, vec![row])),
        }
    }
    answer::page(&Index { frame: visitor.frame("templates"), search: search.q, folders })
}

fn typed_of(template: &Template) -> Typed {
    let mut typed = Typed::of([
        ("name", template.name.clone()),
        ("folder", template.folder.clone()),
        ("email.subject", template.subject.clone()),
        ("shared", if template.shared { "1" } else { "" }.to_owned()),
    ]);
    put_body(&mut typed, &template.body_html, &template.body_text);
    typed
}

fn fields(typed: &Typed) -> TemplateFields {
    let (body_html, body_text) = body_of(typed);
    TemplateFields {
        name: typed.trimmed("name"),
        folder: typed.trimmed("folder"),
        subject: typed.trimmed("email.subject"),
        body_html,
        body_text,
        shared: typed.is_set("shared"),
    }
}

/// The fields of the engine as the form names them.
fn errors(FormErrors(refused): FormErrors) -> FormErrors {
    let place = |refused: Refused| match refused.field.as_deref() {
        Some("subject") => Refused { field: Some("email.subject".to_owned()), ..refused },
        Some("body_html" | "body_text") => Refused { field: Some("email.body".to_owned()), ..refused },
        _ => refused,
    };
    FormErrors(refused.into_iter().map(place).collect())
}

async fn draw(app: &App, visitor: &Visitor, id: Option<TemplateId>, typed: Typed, errors: FormErrors) -> Result<Page> {
    let said = fields(&typed);
    let draft = Draft { subject: &said.subject, html: &said.body_html, text: &said.body_text };
    let preview = preview::read(app, visitor, typed.get("as"), draft).await?;
    let mut tx = app.read().await?;
    let mut folders: Vec<_> =
        templates::list(&mut tx, "", Some(visitor.user.id)).await?.into_iter().map(|known| known.folder).collect();
    folders.dedup();
    folders.retain(|folder| !folder.is_empty());
    Ok(Page {
        frame: visitor.frame("templates"),
        title: if id.is_some() { said.name } else { "New template".to_owned() },
        action: id.map_or_else(|| urls::NEW_TEMPLATE.to_owned(), urls::template),
        delete: id.map(urls::delete_template).unwrap_or_default(),
        folders,
        typed,
        errors,
        preview,
        preview_form: "template-form",
        preview_action: urls::TEMPLATE_PREVIEW.to_owned(),
    })
}

/// The form of a new template.
pub async fn new(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let typed = Typed::of([("email.format", "text".to_owned()), ("shared", "1".to_owned())]);
    answer::page(&draw(&app, &visitor, None, typed, FormErrors::default()).await?)
}

/// Writes it.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    match app.engine.create_template(&visitor.actor, fields(&typed)).await.map_err(PageError::from) {
        Ok(template) => {
            Ok(answer::said(&urls::template(template.id), &answer::toast("done", "The template is there.")))
        }
        Err(error) => answer::refused(&draw(&app, &visitor, None, typed, errors(error.refused()?)).await?),
    }
}

/// The form of a template.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<TemplateId>) -> Result<Response> {
    let mut tx = app.read().await?;
    let found = templates::find(&mut tx, id).await?;
    drop(tx);
    let is_seen = |template: &Template| template.shared || visitor.actor.may_touch(template.owner_id);
    let template = found.filter(is_seen).ok_or(PageError::NotFound("template"))?;
    answer::page(&draw(&app, &visitor, Some(id), typed_of(&template), FormErrors::default()).await?)
}

/// Saves it.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TemplateId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let after = fields(&typed);
    match app.engine.edit_template(&visitor.actor, id, |before| *before = after).await.map_err(PageError::from) {
        Ok(_) => {
            let words = "Saved. Sequences take it over when they are published again.";
            let to = urls::with_query(&urls::template(id), &[("as", typed.get("as"))]);
            Ok(answer::said(&to, &answer::toast("done", words)))
        }
        Err(error) => answer::refused(&draw(&app, &visitor, Some(id), typed, errors(error.refused()?)).await?),
    }
}

/// The page with the preview of what is typed; nothing is saved.
pub async fn preview(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, None, typed, FormErrors::default()).await?)
}

/// Deletes it; what was published keeps its words.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<TemplateId>) -> Result<Response> {
    let gone = app.engine.delete_template(&visitor.actor, id).await;
    answer::outcome(urls::TEMPLATES, gone, |()| {
        answer::toast("done", "The template is deleted. What was published keeps its words.")
    })
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
            is_shared: false,
            ..Row::default()
        };
        let mut page = Index {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            search: String::new(),
            folders: vec![("Cold chain".into(), vec![row])],
        };
        let html = page.render().expect("a page");
        for words in ["Cold chain", "Intro", "Hello {{ person.first_name }}", "Only you"] {
            assert!(html.contains(words), "{words}");
        }
        page.folders.clear();
        assert!(page.render().expect("a page").contains("No templates yet"));
    }

    #[test]
    fn an_unknown_tag_is_refused_at_the_field_and_the_words_stay() {
        let typed = Typed::of([
            ("name", "Intro".into()),
            ("email.subject", "Hi {{ person.nam }}".into()),
            ("email.format", "html".into()),
            ("email.body", "<p>x</p>".into()),
        ]);
        let refused = errors(FormErrors(vec![Refused::at("subject", "unknown_tag", "There is no tag person.nam.")]));
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Intro".into(),
            action: "/templates/tpl_1".into(),
            delete: "/templates/tpl_1/delete".into(),
            folders: vec!["Cold chain".into()],
            errors: refused,
            preview: Preview {
                person: "per_1".into(),
                to: "Maya".into(),
                text: "Hi Maya".into(),
                refused: "There is no tag person.nam.".into(),
                ..Preview::default()
            },
            preview_form: "template-form",
            preview_action: "/templates/preview".into(),
            typed,
        };
        let html = page.render().expect("a page");
        for words in ["Hi {{ person.nam }}", "There is no tag person.nam.", "&#60;p&#62;x", "aria-invalid"] {
            assert!(html.contains(words), "{words}");
        }
        assert_eq!(fields(&page.typed).body_html, "<p>x</p>");
        assert_eq!(picker()[0].text, "{{ person.first_name }}");
    }
}
