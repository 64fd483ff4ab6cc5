//! One person in one sequence: what has happened, what comes, why it waits, and what can be done about it.

pub mod actions;
pub mod edit;
mod explain;
mod steps;

use askama::Template;
use axum::extract::State as AppState;
use axum::response::Response;
use relance_domain::decision::Decision;
use relance_domain::enrollment::{BlockReason, State};
use relance_domain::forecast::Foresight;
use relance_domain::person::{Kind, Person};
use relance_domain::{EnrollmentId, StepId};
use relance_engine::commands::preview::EnrollmentPreview;
use relance_storage::enrollment_views::{self, EnrollmentView};
use relance_storage::users;
use serde::Deserialize;

use super::people::widget::{self, Cure};
use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};
use explain::Explanation;
use steps::{Beside, Line};

/// Which step is shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    step: String,
}

/// What the head's buttons can do.
#[derive(Clone, Debug, Default)]
struct Buttons {
    pause: String,
    resume: String,
    stop: String,
    reschedule: String,
    skip: String,
    edit: String,
}

#[derive(Template)]
#[template(path = "enrollments/show.html")]
struct Page {
    frame: Frame,
    title: String,
    sub: String,
    section: &'static str,
    section_href: &'static str,
    person_name: String,
    person_href: String,
    state: &'static str,
    chip: String,
    lines: Vec<Line>,
    explanation: Option<Explanation>,
    cures: Vec<Cure>,
    ended: String,
    beside: Beside,
    buttons: Buttons,
    edited: String,
}

/// The page of an enrollment.
pub async fn show(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path(id): Path<EnrollmentId>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let view = enrollment_views::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("enrollment"))?;
    let preview = app.engine.preview_enrollment(&visitor.actor, id).await?;
    let chosen = steps::choose(&preview, wanted.step.parse::<StepId>().ok());
    let person = &preview.person;
    let (state, chip) = chip(&preview, &view, &visitor);
    answer::page(&Page {
        frame: visitor.frame(if person.kind == Kind::Lead { "leads" } else { "contacts" }),
        title: format!("{} for {}", view.sequence_name, person.name()),
        sub: sub(&view, person, &visitor),
        section: if person.kind == Kind::Lead { "Leads" } else { "Contacts" },
        section_href: urls::people(person.kind),
        person_name: person.name(),
        person_href: urls::person(person.id),
        state,
        chip,
        lines: steps::lines(&preview, chosen, &visitor),
        explanation: explain::read(&preview, chosen, &visitor),
        cures: cures(&view, &preview, chosen),
        ended: ended(&preview, &visitor),
        beside: steps::beside(&preview, chosen, &view, &visitor),
        buttons: buttons(&preview, chosen),
        edited: edited(&app, &preview, chosen, &visitor).await?,
    })
}

/// *Edited by Nora Lindqvist Today, 09:12*: the words of the step shown are not the sequence's.
async fn edited(app: &App, preview: &EnrollmentPreview, chosen: usize, visitor: &Visitor) -> Result<String> {
    let Some((by, at)) = preview.steps.get(chosen).and_then(|step| step.edited) else { return Ok(String::new()) };
    let name = users::find(&mut app.read().await?, by).await?.map(|user| user.name).unwrap_or_default();
    let when = crate::pages::in_sentence(&words::moment(at, visitor.now, &visitor.zone));
    Ok(format!("Edited by {name} {when}"))
}

fn sub(view: &EnrollmentView, person: &Person, visitor: &Visitor) -> String {
    let from = view.mailbox_address.as_ref().map(|address| format!("from {address}")).unwrap_or_default();
    let fields = &person.fields;
    let parts = [
        fields.organization_name.clone(),
        fields.email.clone(),
        from,
        super::people::show::local_time(person, visitor),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The chip of the whole enrollment.
fn chip(preview: &EnrollmentPreview, view: &EnrollmentView, visitor: &Visitor) -> (&'static str, String) {
    match &preview.enrollment.state {
        State::Active { due, .. } if view.sequence_paused => {
            ("paused", format!("Sequence paused, due {}", words::date(*due, visitor.now, &visitor.zone)))
        }
        State::Active { due, .. } if *due <= visitor.now => ("waiting", "Waiting".to_owned()),
        State::Active { .. } => ("active", "Active".to_owned()),
        State::Paused { until: Some(until), .. } => {
            ("paused", format!("Paused until {}", words::date(*until, visitor.now, &visitor.zone)))
        }
        State::Paused { .. } => ("paused", "Paused".to_owned()),
        State::Blocked { reason: BlockReason::DeliveryUncertain, .. } => ("uncertain", "Uncertain".to_owned()),
        State::Blocked { .. } => ("blocked", "Blocked".to_owned()),
        State::Finished { .. } => ("completed", "Completed".to_owned()),
    }
}

/// What helps at the step shown: the one that is blocked, or a later one that will be.
fn cures(view: &EnrollmentView, preview: &EnrollmentPreview, chosen: usize) -> Vec<Cure> {
    let Some(step) = preview.steps.get(chosen) else { return Vec::new() };
    if let Some(Foresight::Held(explained)) = &step.foresight {
        let Decision::Block { reason, .. } = &explained.decision else { return Vec::new() };
        // Only what data cure can be done before it is due.
        let is_data = matches!(reason, BlockReason::MissingMergeData { .. } | BlockReason::NoRecipient);
        let cures = if is_data { widget::cures(view, reason, &preview.person) } else { Vec::new() };
        return cures.into_iter().filter(|cure| !cure.is_post).collect();
    }
    match &preview.enrollment.state {
        State::Blocked { reason, step: held, .. } if *held == step.step.id => {
            widget::cures(view, reason, &preview.person)
        }
        _ => Vec::new(),
    }
}

fn ended(preview: &EnrollmentPreview, visitor: &Visitor) -> String {
    let State::Finished { reason, at } = &preview.enrollment.state else { return String::new() };
    let name = steps::first_name(&preview.person);
    let because = reason.words().replace("the person", name);
    format!(
        "It ended {} because {because}.",
        crate::pages::in_sentence(&words::moment(*at, visitor.now, &visitor.zone))
    )
}

fn buttons(preview: &EnrollmentPreview, chosen: usize) -> Buttons {
    let id = preview.enrollment.id;
    let action =
        |name: &str, is_possible: bool| if is_possible { urls::enrollment_action(id, name) } else { String::new() };
    let state = &preview.enrollment.state;
    let editable = preview.steps.get(chosen).filter(|step| step.may_edit);
    let is_undecided = state.asks_for_decision();
    Buttons {
        pause: action("pause", matches!(state, State::Active { .. } | State::Blocked { .. }) && !is_undecided),
        resume: action("resume", matches!(state, State::Paused { .. })),
        stop: action("stop", state.is_ongoing()),
        reschedule: action("reschedule", matches!(state, State::Active { .. } | State::Paused { .. })),
        skip: if state.is_ongoing() && !is_undecided {
            urls::next_step_action(id, "skip", state.step())
        } else {
            String::new()
        },
        edit: editable.map(|step| urls::edit_step(id, step.step.id)).unwrap_or_default(),
    }
}

/// The body of a step that has not been sent, for the frame.
pub async fn body(
    AppState(app): AppState<App>,
    visitor: Visitor,
    Path((id, step)): Path<(EnrollmentId, StepId)>,
) -> Result<Response> {
    let words = app.engine.preview_step(&visitor.actor, id, step).await?;
    Ok(super::mail::body(&words.html, &words.text, &words.missing_tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Iberia cold stores for Rui Almeida".into(),
            sub: "Porto Cold Storage".into(),
            section: "Leads",
            section_href: "/leads",
            person_name: "Rui Almeida".into(),
            person_href: "/people/per_1".into(),
            state: "waiting",
            chip: "Waiting".into(),
            lines: steps::sample(),
            explanation: Some(explain::sample()),
            cures: vec![Cure {
                label: "Retry".into(),
                href: "/enrollments/enr_1/retry".into(),
                is_post: true,
                ..Cure::default()
            }],
            ended: String::new(),
            beside: Beside {
                is_email: true,
                subject: "Re: Doors".into(),
                body: "/deliveries/dlv_1/body".into(),
                ..Beside::default()
            },
            buttons: Buttons {
                pause: "/enrollments/enr_1/pause".into(),
                stop: "/enrollments/enr_1/stop".into(),
                edit: "/enrollments/enr_1/steps/stp_1/edit".into(),
                ..Buttons::default()
            },
            edited: "Edited by Nora".into(),
        }
    }

    #[test]
    fn the_page_answers_in_a_sentence_and_lists_every_rule() {
        let html = page().render().expect("a page");
        for words in [
            "It waits for the follow-up window",
            "Time window",
            "Holds until 13:00",
            "What releases it",
            "What would stop it",
            "Retry",
            "Re: Doors",
            "Edit this email",
            "Edited by Nora",
            "1 business day",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }

    #[test]
    fn an_ended_enrollment_says_why_and_offers_nothing() {
        let page = Page {
            explanation: None,
            ended: "It ended Today, 10:31 because Rui replied.".into(),
            buttons: Buttons::default(),
            cures: Vec::new(),
            ..page()
        };
        let html = page.render().expect("a page");
        assert!(html.contains("because Rui replied") && !html.contains("enr_1/stop"));
    }
}
