//! What is done with the steps of a draft: saved, added, moved, copied, deleted, waited for otherwise, and taken back.
//!
//! Every button sends the form of the opened step along, which is saved first: nothing typed is lost by moving a step. If
//! somebody else changed that step meanwhile, the form comes back with who changed what, and replaces it when sent again.

use axum::extract::State;
use axum::response::Response;
use relance_domain::sequence::Sequence;
use relance_domain::step::Step;
use relance_domain::template::Template;
use relance_domain::{Refused, SequenceId, StepId};
use relance_engine::commands::drafts::CHANGED_MEANWHILE;
use relance_engine::commands::sequences::SequenceFields;
use relance_storage::{sequence_drafts, templates, users};
use serde::Deserialize;

use super::head;
use super::step_form;
use super::steps::{Wanted, draw};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::Toast;
use crate::pages::attachments::EmailForm;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::version_changes::differences;
use crate::{answer, urls, words};

/// Where a new step goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Before this step; empty = at the end.
    before: String,
}

/// The step a form is about.
fn opened(typed: &Typed) -> Option<StepId> {
    typed.get("step").parse().ok()
}

/// The draft a form was filled in from.
fn based_on(typed: &Typed) -> Option<u32> {
    typed.get("draft").parse().ok()
}

/// The page with this step opened, as the same person.
fn page_of(id: SequenceId, step: Option<StepId>, typed: &Typed) -> String {
    let step = step.map(|step| step.to_string()).unwrap_or_default();
    urls::with_query(&urls::sequence(id), &[("step", &step), ("as", typed.get("as"))])
}

/// The step as it is in the draft (or was, if it was deleted meanwhile), and the template the form names.
async fn before(app: &App, id: SequenceId, step: StepId, typed: &Typed) -> Result<(Step, Option<Template>)> {
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    let draft = head::resolved(&mut tx, &sequence).await?;
    let known = match draft.step(step) {
        Some(known) => Some(known.clone()),
        None => {
            let drafts = sequence_drafts::after(&mut tx, id, 0).await?;
            drafts.iter().rev().find_map(|draft| draft.plan.step(step)).cloned()
        }
    };
    let template = match typed.get("email.template_id").parse() {
        Ok(template) => templates::find(&mut tx, template).await?,
        Err(_) => None,
    };
    Ok((known.ok_or(PageError::NotFound("step"))?, template))
}

/// Refusals of the form with the fields of the plan.
async fn at_step(app: &App, id: SequenceId, step: StepId, wrong: Vec<Refused>) -> Result<Vec<Refused>> {
    let mut tx = app.read().await?;
    let index = super::find(&mut tx, id).await?.draft.position(step).map_or(0, |position| position - 1);
    let place =
        |refused: Refused| Refused { field: refused.field.map(|field| format!("steps[{index}].{field}")), ..refused };
    Ok(wrong.into_iter().map(place).collect())
}

/// Who changed the draft since it was number `based_on`, and what.
async fn changed_words(app: &App, id: SequenceId, based_on: u32, visitor: &Visitor) -> Result<String> {
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    let then = sequence_drafts::find(&mut tx, id, based_on).await?;
    let since = sequence_drafts::after(&mut tx, id, based_on).await?;
    let all = users::list(&mut tx).await?;
    let mut names: Vec<String> = Vec::new();
    for draft in since {
        let name = match draft.saved_by {
            Some(by) if by == visitor.user.id => "You, elsewhere,".to_owned(),
            by => all.iter().find(|user| Some(user.id) == by).map_or("Somebody".to_owned(), |user| user.name.clone()),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let changes = then.map(|then| differences(&then.plan, &sequence.draft)).unwrap_or_default();
    let changes: Vec<String> = changes.into_iter().take(5).collect();
    let who = if names.is_empty() { "Somebody".to_owned() } else { words::list(&names) };
    Ok(format!(
        "{who} changed this meanwhile. {} What you typed is below: save again to put it in place of that.",
        changes.join(" ")
    ))
}

/// What a form says about its step, saved; `Err` holds the page that shows why it was not.
pub(super) async fn saved(
    app: &App,
    visitor: &Visitor,
    id: SequenceId,
    typed: &Typed,
) -> Result<std::result::Result<Option<Sequence>, Box<Response>>> {
    let Some(step) = opened(typed).filter(|_| typed.all("wait.amount").len() == 1) else { return Ok(Ok(None)) };
    let (known, template) = before(app, id, step, typed).await?;
    let done = match step_form::read(typed, &known, template.as_ref()) {
        Ok(after) => app.engine.save_step(&visitor.actor, id, based_on(typed), after).await.map_err(PageError::from),
        Err(wrong) => Err(PageError::Refused(at_step(app, id, step, wrong).await?)),
    };
    let error = match done {
        Ok(sequence) => return Ok(Ok(Some(sequence))),
        Err(error) => error,
    };
    let FormErrors(mut refused) = error.refused()?;
    let mut typed = typed.clone();
    if let (Some(stale), Some(number)) =
        (refused.iter_mut().find(|refused| refused.code == CHANGED_MEANWHILE), based_on(&typed))
    {
        stale.message = changed_words(app, id, number, visitor).await?;
        typed.set("draft", "");
    }
    let person = typed.get("as").to_owned();
    let wanted = Wanted { step: Some(step), typed: Some(typed), refused, person, known: Some(known) };
    Ok(Err(Box::new(answer::refused(&draw(app, visitor, id, wanted).await?)?)))
}

/// Saves the form, then does something with the draft, which can be undone.
async fn then(
    (app, visitor, id, typed): (&App, &Visitor, SequenceId, &Typed),
    change: impl FnOnce(&mut SequenceFields) + Send,
    to: impl FnOnce(&Sequence) -> Option<StepId>,
    words: &str,
) -> Result<Response> {
    if let Err(refused) = saved(app, visitor, id, typed).await? {
        return Ok(*refused);
    }
    match app.engine.edit_sequence(&visitor.actor, id, change).await {
        Ok(sequence) => {
            let toast = Toast { undo: urls::undo_draft(id, sequence.draft_number), ..answer::toast("done", words) };
            Ok(answer::said(&page_of(id, to(&sequence), typed), &toast))
        }
        refused => answer::outcome(&page_of(id, opened(typed), typed), refused, |_| answer::toast("done", words)),
    }
}

/// Adds a step before another one or at the end, and opens it.
pub async fn add(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<SequenceId>,
    Query(place): Query<Place>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    let kind = typed.get("kind").to_owned();
    let before: Option<StepId> = place.before.parse().ok();
    let change = |fields: &mut SequenceFields| {
        let index = before.and_then(|id| fields.plan.position(id)).map_or(fields.plan.steps.len(), |at| at - 1);
        let has_email = fields.plan.steps[..index].iter().any(|step| step.action.email().is_some());
        if let Some(step) = step_form::fresh(&kind, has_email, !fields.plan.steps.is_empty()) {
            fields.plan.insert(step, before);
        }
    };
    let to = |sequence: &Sequence| match before.and_then(|id| sequence.draft.position(id)) {
        Some(position) => position.checked_sub(2).and_then(|index| sequence.draft.steps.get(index)).map(|step| step.id),
        None => sequence.draft.steps.last().map(|step| step.id),
    };
    then((&app, &visitor, id, &typed), change, to, "The step is in the draft.").await
}

/// Saves the form of a step, and opens it or another one.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    EmailForm(mut typed): EmailForm,
) -> Result<Response> {
    typed.set("step", step.to_string());
    if let Err(refused) = saved(&app, &visitor, id, &typed).await? {
        return Ok(*refused);
    }
    let to = typed.get("open").parse().unwrap_or(step);
    Ok(answer::said(&page_of(id, Some(to), &typed), &answer::toast("done", "Saved in the draft.")))
}

/// Saves the form with the words of a template.
pub async fn template(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    EmailForm(mut typed): EmailForm,
) -> Result<Response> {
    let chosen = typed
        .parse("use_template", "Choose a template from the list.")
        .map_err(|refused| PageError::Refused(vec![refused]))?;
    let template = crate::pages::templates::form::seen(&app, &visitor, chosen).await?;
    step_form::use_template(&mut typed, &template);
    typed.set("step", step.to_string());
    if let Err(refused) = saved(&app, &visitor, id, &typed).await? {
        return Ok(*refused);
    }
    let toast = answer::toast("done", "The words of the template are in the draft.");
    Ok(answer::said(&page_of(id, Some(step), &typed), &toast))
}

/// The page with the preview of what is typed; nothing is saved.
pub async fn preview(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    let person = typed.get("as").to_owned();
    answer::page(
        &draw(&app, &visitor, id, Wanted { step: Some(step), typed: Some(typed), person, ..Wanted::default() }).await?,
    )
}

/// Moves a step up, down, or before another one (`direction=place`; `before` empty = to the end).
pub async fn shift(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    let direction = typed.get("direction").to_owned();
    let before: Option<StepId> = typed.get("before").parse().ok();
    let change = |fields: &mut SequenceFields| {
        match direction.as_str() {
            "place" => fields.plan.place(step, before),
            direction => fields.plan.shift(step, direction == "up"),
        };
    };
    let to = opened(&typed).unwrap_or(step);
    then((&app, &visitor, id, &typed), change, |_| Some(to), "The step was moved.").await
}

/// A copy of a step behind it.
pub async fn duplicate(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    let change = |fields: &mut SequenceFields| {
        let next = fields.plan.next(step).map(|next| next.id);
        if let Some(copy) = fields.plan.step(step).cloned() {
            let nil = StepId::from_uuid(uuid::Uuid::nil());
            fields.plan.insert(Step { id: nil, ..copy }, next);
        }
    };
    then(
        (&app, &visitor, id, &typed),
        change,
        |sequence| sequence.draft.next(step).map(|copy| copy.id),
        "A copy is in the draft.",
    )
    .await
}

/// Another wait before a step, from its chip on the time line.
pub async fn wait(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    visitor.must_be_admin("change sequences")?;
    let wait = match step_form::wait_of_chip(&typed, step) {
        Ok(wait) => wait,
        Err(refused) => {
            let to = page_of(id, opened(&typed), &typed);
            return Ok(answer::said(&to, &answer::toast("blocked", refused.message)));
        }
    };
    let change = |fields: &mut SequenceFields| {
        if let Some(known) = fields.plan.steps.iter_mut().find(|known| known.id == step) {
            known.wait = wait;
        }
    };
    then(
        (&app, &visitor, id, &typed),
        change,
        |_| opened(&typed),
        &format!("The wait is {}.", wait.words().to_lowercase()),
    )
    .await
}

/// Takes a step out of the draft; who is enrolled goes on with their version.
pub async fn delete(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    EmailForm(typed): EmailForm,
) -> Result<Response> {
    // What was typed comes back with an undo; if it is not sound, the last sound words do.
    let _ = saved(&app, &visitor, id, &typed).await?;
    let change = |fields: &mut SequenceFields| fields.plan.steps.retain(|known| known.id != step);
    let bare = Typed::of([("as", typed.get("as").to_owned())]);
    then(
        (&app, &visitor, id, &bare),
        change,
        |_| opened(&typed).filter(|open| *open != step),
        "The step is out of the draft.",
    )
    .await
}

/// Takes back what one change did to the steps.
pub async fn undo(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, number)): Path<(SequenceId, u32)>,
) -> Result<Response> {
    let undone = app.engine.undo_draft(&visitor.actor, id, number).await;
    answer::outcome(&urls::sequence(id), undone, |_| answer::toast("done", "Undone."))
}
