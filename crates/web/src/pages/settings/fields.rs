//! Custom fields: created, renamed, put in order, given choices and deleted by admins; read by everyone.
//!
//! Key and kind never change: merge tags, filters and files name them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::CustomFieldId;
use relance_domain::custom_field::{CustomField, FieldKind};
use relance_engine::commands::custom_fields::{CustomFieldChange, NewCustomField};
use relance_storage::custom_fields::{self, FieldUses};

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::{Choice, Typed};
use crate::session::Visitor;
use crate::{answer, urls, words};

const NAMES: [&str; 4] = ["label", "kind", "choices", "key"];

/// A field in the list.
#[derive(Clone, Debug, Default)]
struct Row {
    label: String,
    kind: &'static str,
    choices: String,
    tag: String,
    edit: String,
    shift: String,
    delete: String,
    is_first: bool,
    is_last: bool,
}

#[derive(Template)]
#[template(path = "settings/fields.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    may_write: bool,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "settings/field.html")]
struct FormPage {
    frame: Frame,
    title: String,
    action: String,
    is_new: bool,
    tag: String,
    kind_words: &'static str,
    has_choices: bool,
    kinds: Vec<Choice>,
    typed: Typed,
    errors: FormErrors,
}

impl FormPage {
    fn above(&self) -> String {
        self.errors.above(&NAMES)
    }
}

fn row(field: &CustomField, at: usize, of: usize) -> Row {
    Row {
        label: field.label.clone(),
        kind: field.kind.label(),
        choices: words::shortened(&field.choices.join(", "), 120),
        tag: format!("{{{{ {} }}}}", field.merge_tag()),
        edit: urls::custom_field(field.id),
        shift: urls::custom_field_action(field.id, "move"),
        delete: urls::custom_field_action(field.id, "delete"),
        is_first: at == 0,
        is_last: at + 1 == of,
    }
}

/// The list.
pub async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let fields = custom_fields::list(&mut app.read().await?).await?;
    answer::page(&Page {
        frame: visitor.frame("settings"),
        tab: "fields",
        may_write: visitor.actor.is_admin(),
        rows: fields.iter().enumerate().map(|(at, field)| row(field, at, fields.len())).collect(),
    })
}

fn kinds() -> Vec<Choice> {
    FieldKind::ALL.into_iter().map(|kind| Choice::new(kind.as_str(), kind.label())).collect()
}

fn draw(visitor: &Visitor, field: Option<&CustomField>, typed: Typed, errors: FormErrors) -> FormPage {
    FormPage {
        frame: visitor.frame("settings"),
        title: field.map_or_else(|| "New field".to_owned(), |field| format!("Edit {}", field.label)),
        action: field.map_or_else(|| visitor.once(urls::NEW_FIELD), |field| urls::custom_field(field.id)),
        is_new: field.is_none(),
        tag: field.map(|field| format!("{{{{ {} }}}}", field.merge_tag())).unwrap_or_default(),
        kind_words: field.map(|field| field.kind.label()).unwrap_or_default(),
        has_choices: field.is_none_or(|field| field.kind.has_choices()),
        kinds: kinds(),
        typed,
        errors,
    }
}

/// One choice per line.
fn choices(typed: &Typed) -> Vec<String> {
    typed.get("choices").lines().map(str::to_owned).filter(|line| !line.trim().is_empty()).collect()
}

/// The form of a new field.
pub async fn new(visitor: Visitor) -> Result<Response> {
    visitor.must_be_admin("define custom fields")?;
    let typed = Typed::of([("kind", FieldKind::Text.as_str().to_owned())]);
    answer::page(&draw(&visitor, None, typed, FormErrors::default()))
}

/// Creates a field.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let kind = FieldKind::parse(typed.get("kind")).unwrap_or(FieldKind::Text);
    let choices = if kind.has_choices() { choices(&typed) } else { Vec::new() };
    let new = NewCustomField { label: typed.trimmed("label"), kind, choices, key: None };
    match app.engine.create_custom_field(&visitor.actor, new).await.map_err(PageError::from) {
        Ok(field) => {
            let words = format!("{} is on every person's page, in filters and in merge tags.", field.label);
            Ok(answer::said(urls::FIELDS, &answer::toast("done", words)))
        }
        Err(error) => answer::refused(&draw(&visitor, None, typed, error.refused()?)),
    }
}

async fn find(app: &App, id: CustomFieldId) -> Result<CustomField> {
    custom_fields::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("custom field"))
}

/// The form of a field.
pub async fn edit(State(app): State<App>, visitor: Visitor, Path(id): Path<CustomFieldId>) -> Result<Response> {
    visitor.must_be_admin("change custom fields")?;
    let field = find(&app, id).await?;
    let typed = Typed::of([("label", field.label.clone()), ("choices", field.choices.join("\n"))]);
    answer::page(&draw(&visitor, Some(&field), typed, FormErrors::default()))
}

/// Saves a field.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CustomFieldId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let field = find(&app, id).await?;
    let change = CustomFieldChange {
        label: Some(typed.trimmed("label")),
        choices: field.kind.has_choices().then(|| choices(&typed)),
        position: None,
    };
    match app.engine.edit_custom_field(&visitor.actor, id, change).await.map_err(PageError::from) {
        Ok(field) => Ok(answer::said(urls::FIELDS, &answer::toast("done", format!("{} is saved.", field.label)))),
        Err(error) => answer::refused(&draw(&visitor, Some(&field), typed, error.refused()?)),
    }
}

/// Moves a field up or down.
pub async fn shift(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CustomFieldId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let fields = custom_fields::list(&mut app.read().await?).await?;
    let at = fields.iter().position(|field| field.id == id).ok_or(PageError::NotFound("custom field"))?;
    let to = if typed.get("what") == "up" { at.saturating_sub(1) } else { at + 1 };
    let change = CustomFieldChange { position: u32::try_from(to).ok(), ..CustomFieldChange::default() };
    let done = app.engine.edit_custom_field(&visitor.actor, id, change).await;
    answer::outcome(urls::FIELDS, done, |field| answer::toast("done", format!("{} has moved.", field.label)))
}

#[derive(Template)]
#[template(path = "settings/field_delete.html")]
struct DeletePage {
    frame: Frame,
    label: String,
    /// What is lost from sight, and what will lack it: one sentence each.
    losses: Vec<String>,
    action: String,
}

/// What deleting a field means, in sentences.
fn losses(values: u64, uses: FieldUses) -> Vec<String> {
    let mut told = Vec::new();
    if values > 0 {
        told.push(format!(
            "The values of {} go out of sight. They come back with a field of the same key.",
            words::people(values)
        ));
    }
    let emails: Vec<String> = [(uses.sequences, "sequence", "sequences"), (uses.templates, "template", "templates")]
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| words::count(number.into(), one, many))
        .collect();
    if !emails.is_empty() {
        told.push(format!(
            "{} use its merge tag: their emails wait for a value nobody can give any more.",
            words::list(&emails)
        ));
    }
    if uses.lists > 0 {
        let lists = words::count(uses.lists.into(), "smart list asks", "smart lists ask");
        told.push(format!("{lists} for it and will have to be changed."));
    }
    told
}

/// Says what deleting a field means.
pub async fn ask_delete(State(app): State<App>, visitor: Visitor, Path(id): Path<CustomFieldId>) -> Result<Response> {
    visitor.must_be_admin("delete custom fields")?;
    let field = find(&app, id).await?;
    let mut tx = app.read().await?;
    let values = custom_fields::count_values(&mut tx, &field.key).await?;
    let uses = custom_fields::count_uses(&mut tx, &field.key).await?;
    answer::page(&DeletePage {
        frame: visitor.frame("settings"),
        label: field.label,
        losses: losses(values, uses),
        action: urls::custom_field_action(id, "delete"),
    })
}

/// Deletes a field.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<CustomFieldId>) -> Result<Response> {
    let field = find(&app, id).await?;
    let done = app.engine.delete_custom_field(&visitor.actor, id).await;
    answer::outcome(urls::FIELDS, done, |values| {
        let kept = if values == 0 { "" } else { " What people have of it is kept, out of sight." };
        answer::toast("done", format!("{} is deleted.{kept}", field.label))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_listed_with_their_tag_and_only_admins_change_them() {
        let row = Row {
            label: "Renewal".into(),
            kind: FieldKind::Date.label(),
            tag: "{{ person.custom.renewal }}".into(),
            edit: "/settings/fields/fld_1".into(),
            delete: "/settings/fields/fld_1/delete".into(),
            is_first: true,
            ..Row::default()
        };
        let page = |may_write| Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            tab: "fields",
            may_write,
            rows: vec![row.clone()],
        };
        let html = page(true).render().expect("a page");
        for words in ["Renewal", "Date", "person.custom.renewal", "fld_1/delete", "Move Renewal down"] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("Move Renewal up"));
        assert!(!page(false).render().expect("a page").contains("fld_1/delete"));
    }

    #[test]
    fn before_a_field_is_deleted_one_reads_what_is_lost() {
        let uses = FieldUses { templates: 1, sequences: 2, lists: 1 };
        let page = DeletePage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            label: "Renewal".into(),
            losses: losses(40, uses),
            action: "/settings/fields/fld_1/delete".into(),
        };
        let html = page.render().expect("a page");
        for words in ["40 people", "2 sequences and 1 template use", "1 smart list asks", "fld_1/delete"] {
            assert!(html.contains(words), "{words}");
        }
        assert!(losses(0, FieldUses::default()).is_empty());
    }

    #[test]
    fn a_refused_field_keeps_what_was_typed() {
        let page = FormPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "New field".into(),
            action: urls::NEW_FIELD.into(),
            is_new: true,
            tag: String::new(),
            kind_words: "",
            has_choices: true,
            kinds: kinds(),
            typed: Typed::of([("label", "Plan".into()), ("kind", "list".into()), ("choices", "Gold\nSilver".into())]),
            errors: FormErrors::one("label", "Another custom field has this name."),
        };
        let html = page.render().expect("a page");
        assert!(html.contains("Another custom field") && html.contains("Gold\nSilver"));
        assert!(html.contains("value=\"list\" selected"));
    }
}
