//! The steps of a sequence: the time line, the opened step beside it, and its live preview.
//!
//! Nothing here is live until it is published: every form changes the draft.

use axum::extract::State;
use axum::response::Response;
use relance_domain::lint::{self, Around, Finding};
use relance_domain::sequence::Sequence;
use relance_domain::step::{Action, Step};
use relance_domain::{Refused, SequenceId, StepId};
use relance_storage::templates;
use serde::Deserialize;

use super::head::{self, Head};
use super::step_form;
use super::timeline::{Card, Editor, alarm_of, card, editor, shown_subject, template_name};
use crate::app::App;
use crate::errors::{FormErrors, Result};
use crate::extract::{Path, Query};
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
    findings: Vec<Finding>,
    measure: String,
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
    /// The opened step as it was, if somebody deleted it meanwhile.
    pub(super) known: Option<Step>,
}

/// What a writer should know of the opened email as it is typed.
fn lint_of(sequence: &Sequence, index: usize, step: &Step, typed: &Typed, visitor: &Visitor) -> (Vec<Finding>, String) {
    let Some(before) = step.action.email() else { return (Vec::new(), String::new()) };
    let email = step_form::read_email(typed, before, None);
    let plan = &sequence.draft;
    let around = Around {
        has_unsubscribe: plan.unsubscribe.enabled,
        has_address: !visitor.workspace.postal_address.trim().is_empty(),
        is_automated: matches!(step.action, Action::AutomatedEmail { .. }),
        is_follow_up: plan.steps.iter().take(index).any(|step| step.action.email().is_some()),
    };
    (lint::email(&email, around), lint::measure(&email))
}

/// The page with one step opened.
pub(super) async fn draw(app: &App, visitor: &Visitor, id: SequenceId, wanted: Wanted) -> Result<Page> {
    let mut tx = app.read().await?;
    let mut sequence = super::find(&mut tx, id).await?;
    let head = head::read(&mut tx, visitor, &sequence).await?;
    sequence.draft = head::resolved(&mut tx, &sequence).await?;
    let found = templates::list(&mut tx, "", Some(visitor.user.id)).await?;
    drop(tx);
    // What somebody deleted while it was written stands at the end until it is saved again.
    if let Some(known) = wanted.known.filter(|known| sequence.draft.step(known.id).is_none()) {
        sequence.draft.steps.push(known);
    }
    let plan = &sequence.draft;
    let index = wanted.step.and_then(|step| plan.position(step)).map_or(0, |position| position - 1);
    let step = plan.steps.get(index);
    let mut typed = wanted.typed.unwrap_or_else(|| step.map(step_form::of).unwrap_or_default());
    if !typed.is_set("draft") {
        typed.set("draft", sequence.draft_number.to_string());
    }
    let (html, text) = step_form::body(&typed);
    let subject = shown_subject(plan, index, &typed);
    let preview = match step.and_then(|step| step.action.email()) {
        Some(_) => {
            let as_whom = preview::Wanted { person: &wanted.person, ..preview::Wanted::of(&typed) };
            preview::read(app, visitor, as_whom, Draft { subject: &subject, html: &html, text: &text }).await?
        }
        None => Preview::default(),
    };
    let alarm = |position: usize| alarm_of(&wanted.refused, position);
    let (findings, measure) = step.map(|step| lint_of(&sequence, index, step, &typed, visitor)).unwrap_or_default();
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
        findings,
        measure,
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
            wait_words: "1 business day, e.g. Mon to Tue 24 Nov".into(),
            id: "stp_1".into(),
            number: 3,
            shift: "/sequences/seq_1/steps/stp_1/move".into(),
            is_chosen: true,
            alarm: "This email has no text yet.".into(),
            ..Card::default()
        };
        let mut step = step_form::fresh("manual_email", true, true).expect("a kind");
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
            findings: vec![Finding {
                code: "insecure_link".into(),
                severity: lint::Severity::Warning,
                field: "body".into(),
                message: "One link without https.".into(),
                cure: "Write https://.".into(),
            }],
            measure: "54 words, one question, no link.".into(),
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
            "One link without https.",
            "54 words, one question",
            "Move step 3 up",
            "Send me a test",
            "/templates/tags",
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
