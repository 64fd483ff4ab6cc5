//! The form of a template: its words with the editor, tags and files, the preview as any person, and what uses it.

use axum::extract::State;
use axum::response::Response;
use relance_domain::sequence::Unsubscribe;
use relance_domain::template::Template;
use relance_domain::{PersonId, Refused, TemplateId};
use relance_engine::EngineError;
use relance_engine::commands::templates::TemplateFields;
use relance_storage::{templates, users};

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::Frame;
use crate::pages::attachments::{self, EmailForm};
use crate::pages::form::Typed;
use crate::pages::preview::{self, Draft, Preview};
use crate::pages::sequences::{body_of, put_body};
use crate::session::Visitor;
use crate::{answer, urls};

const FIELDS: [&str; 5] = ["name", "folder", "email.subject", "email.body", "email.attachments"];

/// Where a template is kept and used.
#[derive(Clone, Debug, Default)]
struct Standing {
    delete: String,
    copy: String,
    test: String,
    /// Whose it is, where the visitor may not change it.
    owner: String,
    used: Vec<(String, String)>,
    confirm: String,
}

#[derive(askama::Template)]
#[template(path = "templates/form.html")]
struct Page {
    frame: Frame,
    title: String,
    action: String,
    standing: Standing,
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

fn typed_of(template: &Template) -> Typed {
    let mut typed = Typed::of([
        ("name", template.name.clone()),
        ("folder", template.folder.clone()),
        ("email.subject", template.subject.clone()),
        ("shared", if template.shared { "1" } else { "" }.to_owned()),
        ("id", template.id.to_string()),
    ]);
    put_body(&mut typed, &template.body_html, &template.body_text);
    attachments::put(&mut typed, &template.attachments, &attachments::at_template(template.id));
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
        attachments: attachments::of(typed),
        shared: typed.is_set("shared"),
    }
}

/// The fields of the engine as the form names them.
fn errors(FormErrors(refused): FormErrors) -> FormErrors {
    let place = |refused: Refused| match refused.field.as_deref() {
        Some("subject") => Refused { field: Some("email.subject".to_owned()), ..refused },
        Some("body_html" | "body_text") => Refused { field: Some("email.body".to_owned()), ..refused },
        Some("attachments") => Refused { field: Some("email.attachments".to_owned()), ..refused },
        _ => refused,
    };
    FormErrors(refused.into_iter().map(place).collect())
}

async fn standing(app: &App, visitor: &Visitor, id: Option<TemplateId>) -> Result<Standing> {
    let Some(id) = id else { return Ok(Standing::default()) };
    let mut tx = app.read().await?;
    let found = templates::find(&mut tx, id).await?.filter(|found| found.is_visible_to(&visitor.actor));
    let Some(template) = found else { return Ok(Standing::default()) };
    let users_of = templates::uses(&mut tx).await?.remove(&id).unwrap_or_default();
    let may_edit = template.is_changed_by(&visitor.actor, &visitor.sight);
    let owner = match template.owner_id.filter(|_| !may_edit) {
        Some(owner) => users::find(&mut tx, owner).await?.map(|user| user.name),
        None => None,
    };
    let confirm = match users_of.as_slice() {
        [] => "Delete this template? What was published keeps its words.".to_owned(),
        [(_, name)] => format!("Delete this template? {name} uses it and keeps the words it has."),
        all => format!("Delete this template? {} sequences use it and keep the words they have.", all.len()),
    };
    Ok(Standing {
        delete: if may_edit { urls::delete_template(id) } else { String::new() },
        copy: urls::clone_template(id),
        test: urls::test_template(id),
        owner: if may_edit { String::new() } else { owner.unwrap_or_else(|| "someone else".to_owned()) },
        used: users_of.into_iter().map(|(id, name)| (urls::sequence(id), name)).collect(),
        confirm,
    })
}

async fn draw(app: &App, visitor: &Visitor, id: Option<TemplateId>, typed: Typed, errors: FormErrors) -> Result<Page> {
    let said = fields(&typed);
    let draft = Draft { subject: &said.subject, html: &said.body_html, text: &said.body_text };
    let mut preview = preview::read(app, visitor, preview::Wanted::of(&typed), draft).await?;
    preview.files = attachments::rows(&said.attachments, "");
    let standing = standing(app, visitor, id).await?;
    let mut tx = app.read().await?;
    let mut folders: Vec<_> =
        templates::list(&mut tx, "", Some(visitor.user.id)).await?.into_iter().map(|known| known.folder).collect();
    folders.dedup();
    folders.retain(|folder| !folder.is_empty());
    Ok(Page {
        frame: visitor.frame("templates"),
        title: if id.is_some() { said.name } else { "New template".to_owned() },
        action: id.map_or_else(|| visitor.once(urls::NEW_TEMPLATE), urls::template),
        standing,
        folders,
        typed,
        errors,
        preview,
        preview_form: "template-form",
        preview_action: urls::TEMPLATE_PREVIEW.to_owned(),
    })
}

/// The form of a new template, in the folder that was looked at.
pub async fn new(State(app): State<App>, visitor: Visitor, Query(asked): Query<super::Search>) -> Result<Response> {
    let folder = if asked.folder == super::NO_FOLDER { String::new() } else { asked.folder };
    let typed = Typed::of([
        ("email.format", "html".to_owned()),
        ("folder", folder),
        ("shared", if asked.whose == "mine" { "" } else { "1" }.to_owned()),
    ]);
    answer::page(&draw(&app, &visitor, None, typed, FormErrors::default()).await?)
}

/// Writes it.
pub async fn create(State(app): State<App>, visitor: Visitor, EmailForm(typed): EmailForm) -> Result<Response> {
    let wrong = attachments::refused(&typed);
    if !wrong.is_empty() {
        return answer::refused(&draw(&app, &visitor, None, typed, FormErrors(wrong)).await?);
    }
    match app.engine.create_template(&visitor.actor, fields(&typed)).await.map_err(PageError::from) {
        Ok(template) => {
            Ok(answer::said(&urls::template(template.id), &answer::toast("done", "The template is there.")))
        }
        Err(error) => answer::refused(&draw(&app, &visitor, None, typed, errors(error.refused()?)).await?),
    }
}

/// The template, if the visitor may use it; to everyone else it is not there.
pub(in crate::pages) async fn seen(app: &App, visitor: &Visitor, id: TemplateId) -> Result<Template> {
    match app.engine.seen_template(&visitor.actor, id).await {
        Err(EngineError::Forbidden(_)) => Err(PageError::NotFound("template")),
        found => Ok(found?),
    }
}

/// The form of a template.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<TemplateId>) -> Result<Response> {
    let template = seen(&app, &visitor, id).await?;
    answer::page(&draw(&app, &visitor, Some(id), typed_of(&template), FormErrors::default()).await?)
}

/// Whose a shared template is, for whoever may not change it.
pub fn not_yours(owner: &str) -> String {
    format!(
        "{owner} wrote this template; they, their manager and admins change it. Make a copy to have one of your own."
    )
}

/// Words of a text version that the form does not show stay while the HTML does.
fn with_own_text(mut after: TemplateFields, before: &TemplateFields) -> TemplateFields {
    if !after.body_html.is_empty() && after.body_html == before.body_html.replace("\r\n", "\n") {
        after.body_text.clone_from(&before.body_text);
    }
    after
}

/// Saves it.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TemplateId>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    if !seen(&app, &visitor, id).await?.is_changed_by(&visitor.actor, &visitor.sight) {
        let words = "This template belongs to someone else. Make a copy to have one of your own.";
        return Ok(answer::said(&urls::template(id), &answer::toast("blocked", words)));
    }
    if let Err(refused) = saved(&app, &visitor, id, &typed).await? {
        return answer::refused(&draw(&app, &visitor, Some(id), typed, refused).await?);
    }
    let words = "Saved. Sequences take it over when they are published again.";
    let to = urls::with_query(&urls::template(id), &[("as", typed.get("as"))]);
    Ok(answer::said(&to, &answer::toast("done", words)))
}

/// The page with the preview of what is typed; nothing is saved.
pub async fn preview(State(app): State<App>, visitor: Visitor, EmailForm(typed): EmailForm) -> Result<Response> {
    let id = typed.get("id").parse().ok();
    answer::page(&draw(&app, &visitor, id, typed, FormErrors::default()).await?)
}

/// Saves what is typed, if the visitor may, and sends the template to oneself as the person of the preview would get it.
pub async fn test(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TemplateId>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    if let Err(refused) = saved(&app, &visitor, id, &typed).await? {
        return answer::refused(&draw(&app, &visitor, Some(id), typed, refused).await?);
    }
    let to = urls::with_query(&urls::template(id), &[("as", typed.get("as"))]);
    let Ok(person) = typed.get("as").parse::<PersonId>() else {
        let words = "Add a lead or a contact first: the test is written as one of them.";
        return Ok(answer::said(&to, &answer::toast("blocked", words)));
    };
    let template = seen(&app, &visitor, id).await?;
    let sent = app.engine.send_test(&visitor.actor, &template.email(), &Unsubscribe::default(), person).await;
    answer::outcome(&to, sent, |sent| answer::toast("done", format!("A test went to {}.", sent.address)))
}

/// What is typed, saved; `Err` says at its fields why it was not. Of someone else's template nothing is saved.
async fn saved(
    app: &App,
    visitor: &Visitor,
    id: TemplateId,
    typed: &Typed,
) -> Result<std::result::Result<(), FormErrors>> {
    if !seen(app, visitor, id).await?.is_changed_by(&visitor.actor, &visitor.sight) {
        return Ok(Ok(()));
    }
    let wrong = attachments::refused(typed);
    if !wrong.is_empty() {
        return Ok(Err(FormErrors(wrong)));
    }
    let after = fields(typed);
    let change = |before: &mut TemplateFields| *before = with_own_text(after, before);
    match app.engine.edit_template(&visitor.actor, id, change).await.map_err(PageError::from) {
        Ok(_) => Ok(Ok(())),
        Err(error) => Ok(Err(errors(error.refused()?))),
    }
}

/// A copy of one's own.
pub async fn clone(State(app): State<App>, visitor: Visitor, Path(id): Path<TemplateId>) -> Result<Response> {
    let copy = app.engine.clone_template(&visitor.actor, id).await?;
    let words = "This copy is yours. Only you see it until you share it.";
    Ok(answer::said(&urls::template(copy.id), &answer::toast("done", words)))
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
            standing: Standing {
                delete: "/templates/tpl_1/delete".into(),
                used: vec![("/sequences/seq_1".into(), "Cold rooms".into())],
                ..Standing::default()
            },
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
        for words in
            ["Hi {{ person.nam }}", "There is no tag person.nam.", "&#60;p&#62;x", "aria-invalid", "Cold rooms"]
        {
            assert!(html.contains(words), "{words}");
        }
        assert_eq!(fields(&page.typed).body_html, "<p>x</p>");
    }

    #[test]
    fn a_text_version_of_ones_own_stays_while_the_html_does() {
        let before =
            TemplateFields { body_html: "<p>a</p>".into(), body_text: "own".into(), ..TemplateFields::default() };
        let same = TemplateFields { body_html: "<p>a</p>".into(), ..TemplateFields::default() };
        assert_eq!(with_own_text(same, &before).body_text, "own");
        let other = TemplateFields { body_html: "<p>b</p>".into(), ..TemplateFields::default() };
        assert_eq!(with_own_text(other, &before).body_text, "");
    }
}
