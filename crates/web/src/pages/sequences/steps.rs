//! The steps of a sequence: the time line, the opened step beside it, and its live preview.
//!
//! Nothing here is live until it is published: every form changes the draft.

use axum::extract::State;
use axum::response::Response;
use relance_domain::step::Step;
use relance_domain::template::Template;
use relance_domain::{Refused, SequenceId, StepId};
use relance_engine::commands::sequences::SequenceFields;
use relance_storage::templates;
use serde::Deserialize;

use super::head::{self, Head};
use super::step_form;
use super::timeline::{Card, Editor, alarm_of, card, editor, shown_subject, template_name};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::pages::form::{Choice, Typed};
use crate::pages::preview::{self, Draft, Preview};
use crate::session::Visitor;
use crate::{answer, urls};

/// What is opened.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Opened {
    step: String,
    #[serde(rename = "as")]
    person: String,
}

#[derive(askama::Template)]
#[template(path = "sequences/steps.html")]
pub(super) struct Page {
    frame: Frame,
    head: Head,
    tab: &'static str,
    add: String,
    cards: Vec<Card>,
    editor: Option<Editor>,
    typed: Typed,
    errors: FormErrors,
    preview: Preview,
    preview_form: &'static str,
    preview_action: String,
    templates: Vec<Choice>,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&step_form::FIELDS)
    }
}

/// What a handler wants drawn.
#[derive(Default)]
pub(super) struct Wanted {
    /// The opened step; the first if it is not there.
    pub(super) step: Option<StepId>,
    /// What was typed, if the form was sent.
    pub(super) typed: Option<Typed>,
    /// Why it was refused, with the fields of the plan.
    pub(super) refused: Vec<Refused>,
    /// As whom the preview is shown.
    pub(super) person: String,
}

/// The page with one step opened.
pub(super) async fn draw(app: &App, visitor: &Visitor, id: SequenceId, wanted: Wanted) -> Result<Page> {
    let mut tx = app.read().await?;
    let mut sequence = super::find(&mut tx, id).await?;
    let head = head::read(&mut tx, visitor, &sequence).await?;
    sequence.draft = head::resolved(&mut tx, &sequence).await?;
    let found = templates::list(&mut tx, "", Some(visitor.user.id)).await?;
    drop(tx);
    let plan = &sequence.draft;
    let index = wanted.step.and_then(|step| plan.position(step)).map_or(0, |position| position - 1);
    let step = plan.steps.get(index);
    let typed = wanted.typed.unwrap_or_else(|| step.map(step_form::of).unwrap_or_default());
    let (html, text) = step_form::body(&typed);
    let subject = shown_subject(plan, index, &typed);
    let preview = match step.and_then(|step| step.action.email()) {
        Some(_) => {
            preview::read(app, visitor, &wanted.person, Draft { subject: &subject, html: &html, text: &text }).await?
        }
        None => Preview::default(),
    };
    let alarm = |position: usize| alarm_of(&wanted.refused, position);
    Ok(Page {
        frame: visitor.frame("sequences"),
        tab: "steps",
        add: urls::sequence_action(id, "steps"),
        cards: plan
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| card(&sequence, at, step, at == index, alarm(at + 1), visitor))
            .collect(),
        editor: step.map(|step| editor(&sequence, index, step, &typed, &found, visitor)),
        errors: step_form::errors(wanted.refused.clone(), index),
        typed,
        preview,
        preview_form: "step-form",
        preview_action: step.map(|step| urls::step_action(id, step.id, "preview")).unwrap_or_default(),
        templates: found.iter().map(|template| Choice::new(template.id, template_name(template))).collect(),
        head,
    })
}

/// The tab, with one step opened.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<SequenceId>,
    Query(opened): Query<Opened>,
) -> Result<Response> {
    let wanted = Wanted { step: opened.step.parse().ok(), person: opened.person, ..Wanted::default() };
    answer::page(&draw(&app, &visitor, id, wanted).await?)
}

/// Adds a step at the end and opens it.
pub async fn add(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<SequenceId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let kind = typed.get("kind").to_owned();
    let change =
        |fields: &mut SequenceFields| fields.plan.steps.extend(step_form::fresh(&kind, fields.plan.has_email()));
    match app.engine.edit_sequence(&visitor.actor, id, change).await {
        Ok(sequence) => Ok(answer::go(
            &sequence.draft.steps.last().map_or_else(|| urls::sequence(id), |step| urls::sequence_step(id, step.id)),
        )),
        refused => answer::outcome(&urls::sequence(id), refused, |_| answer::toast("done", "Added.")),
    }
}

/// What a form of a step is saved with: the draft, the step, and the template the form names.
async fn before(app: &App, id: SequenceId, step: StepId, typed: &Typed) -> Result<(Step, Option<Template>)> {
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    let draft = head::resolved(&mut tx, &sequence).await?;
    let before = draft.step(step).cloned().ok_or(PageError::NotFound("step"))?;
    let template = match typed.get("email.template_id").parse() {
        Ok(template) => templates::find(&mut tx, template).await?,
        Err(_) => None,
    };
    Ok((before, template))
}

async fn save(app: App, visitor: Visitor, id: SequenceId, step: StepId, typed: Typed, words: &str) -> Result<Response> {
    let (before, template) = before(&app, id, step, &typed).await?;
    let saved = match step_form::read(&typed, &before, template.as_ref()) {
        Ok(after) => {
            app.engine.edit_sequence(&visitor.actor, id, |fields| replace(fields, after)).await.map_err(PageError::from)
        }
        Err(wrong) => Err(PageError::Refused(at_step(&app, id, step, wrong).await?)),
    };
    let person = typed.get("as").to_owned();
    let back = urls::with_query(&urls::sequence(id), &[("step", &step.to_string()), ("as", &person)]);
    match saved {
        Ok(_) => Ok(answer::said(&back, &answer::toast("done", words))),
        Err(error) => {
            let FormErrors(refused) = error.refused()?;
            let wanted = Wanted { step: Some(step), typed: Some(typed), refused, person };
            answer::refused(&draw(&app, &visitor, id, wanted).await?)
        }
    }
}

fn replace(fields: &mut SequenceFields, after: Step) {
    if let Some(step) = fields.plan.steps.iter_mut().find(|step| step.id == after.id) {
        *step = after;
    }
}

/// Refusals of the form with the fields of the plan.
async fn at_step(app: &App, id: SequenceId, step: StepId, wrong: Vec<Refused>) -> Result<Vec<Refused>> {
    let mut tx = app.read().await?;
    let index = super::find(&mut tx, id).await?.draft.position(step).map_or(0, |position| position - 1);
    let place =
        |refused: Refused| Refused { field: refused.field.map(|field| format!("steps[{index}].{field}")), ..refused };
    Ok(wrong.into_iter().map(place).collect())
}

/// Saves the form of a step.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    save(app, visitor, id, step, typed, "Saved in the draft.").await
}

/// Saves the form with the words of a template.
pub async fn template(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    Form(mut typed): Form<Typed>,
) -> Result<Response> {
    let chosen = typed
        .parse("use_template", "Choose a template from the list.")
        .map_err(|refused| PageError::Refused(vec![refused]))?;
    let mut tx = app.read().await?;
    let template = templates::find(&mut tx, chosen).await?.ok_or(PageError::NotFound("template"))?;
    drop(tx);
    step_form::use_template(&mut typed, &template);
    save(app, visitor, id, step, typed, "The words of the template are in the draft.").await
}

/// The page with the preview of what is typed; nothing is saved.
pub async fn preview(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let person = typed.get("as").to_owned();
    answer::page(
        &draw(&app, &visitor, id, Wanted { step: Some(step), typed: Some(typed), person, refused: Vec::new() }).await?,
    )
}

/// Moves a step up or down by one.
pub async fn shift(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let is_up = typed.get("direction") == "up";
    let change = |fields: &mut SequenceFields| {
        let steps = &mut fields.plan.steps;
        let Some(index) = steps.iter().position(|known| known.id == step) else { return };
        let other = if is_up { index.checked_sub(1) } else { Some(index + 1).filter(|other| *other < steps.len()) };
        if let Some(other) = other {
            steps.swap(index, other);
        }
    };
    let moved = app.engine.edit_sequence(&visitor.actor, id, change).await;
    answer::outcome(&urls::sequence_step(id, step), moved, |_| {
        answer::toast("done", if is_up { "Moved up." } else { "Moved down." })
    })
}

/// Takes a step out of the draft; who is enrolled goes on with their version.
pub async fn delete(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
) -> Result<Response> {
    let gone =
        app.engine.edit_sequence(&visitor.actor, id, |fields| fields.plan.steps.retain(|known| known.id != step)).await;
    answer::outcome(&urls::sequence(id), gone, |_| answer::toast("done", "The step is out of the draft."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use askama::Template as _;

    fn page() -> Page {
        let card = Card {
            href: "/sequences/seq_1?step=stp_1".into(),
            icon: "mail",
            title: "3. Email in the same thread".into(),
            meta: "Re: Cold-chain gaps".into(),
            wait: "1 business day, e.g. Mon to Tue 24 Nov".into(),
            is_chosen: true,
            alarm: "This email has no text yet.".into(),
        };
        let mut step = step_form::fresh("manual_email", true).expect("a kind");
        step.wait.amount = 4;
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            head: Head {
                name: "Winter depots".into(),
                state: "active",
                word: "Active",
                may_write: true,
                may_pause: true,
                publish: "Review and publish".into(),
                ..Head::default()
            },
            tab: "steps",
            add: "/sequences/seq_1/steps".into(),
            cards: vec![card],
            editor: Some(Editor {
                number: 3,
                kind: "Manual email",
                has_email: true,
                has_task: true,
                action: "/x".into(),
                example: "For example Mon to Tue.".into(),
                ..Editor::default()
            }),
            typed: step_form::of(&step),
            errors: FormErrors::one("email.body", "There is no tag person.nam."),
            preview: Preview {
                person: "per_1".into(),
                to: "Maya".into(),
                missing: vec![("industry".into(), "/people/per_1/edit#f-industry".into())],
                html: "<p>Hi</p>".into(),
                ..Preview::default()
            },
            preview_form: "step-form",
            preview_action: "/x/preview".into(),
            templates: vec![Choice::new("tpl_1", "Intro")],
        }
    }

    #[test]
    fn the_editor_shows_the_time_line_the_form_with_its_errors_and_the_preview() {
        let html = page().render().expect("a page");
        for words in [
            "3. Email in the same thread",
            "e.g. Mon to Tue 24 Nov",
            "There is no tag person.nam.",
            "<p>Hi</p>",
            "/people/per_1/edit#f-industry",
            "Review and publish",
            "{{ person.first_name }}",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }

    #[test]
    fn who_may_not_write_reads_without_buttons_and_an_empty_draft_offers_the_first_step() {
        let mut read_only = page();
        read_only.head = Head { name: "Winter depots".into(), ..Head::default() };
        let html = read_only.render().expect("a page");
        assert!(
            html.contains("Only admins change sequences") && !html.contains("Save step") && !html.contains("Add step")
        );
        let mut empty = page();
        (empty.cards, empty.editor) = (Vec::new(), None);
        assert!(empty.render().expect("a page").contains("No steps yet"));
    }
}
