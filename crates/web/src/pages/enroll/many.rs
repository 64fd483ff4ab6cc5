//! Starting a sequence for everyone chosen in a list: choose, turn through previews, check, start.
//!
//! Each pane is a file of its own; the selection and what was said so far travel in hidden fields. Nothing is stored
//! before *Start*. Starting is a job, done at once up to 1,000 people, so that its report outlives the page.

mod check;
pub mod check_csv;
mod preview;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::sequence::Sequence;
use relance_domain::{JobId, SequenceId};
use relance_engine::commands::bulk::{BulkAction, BulkDone};
use relance_engine::commands::enroll::OnMissing;
use relance_engine::commands::preflight::{EnrollRequest, PreflightSummary};
use relance_storage::sequences;

use super::{Asked, Offer, active};
use crate::answer;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::pages::people::selection::Chosen;
use crate::session::Visitor;
use crate::{urls, words};

#[derive(Template)]
#[template(path = "enroll/many_choose.html")]
struct ChoosePage {
    frame: Frame,
    title: String,
    hidden: Vec<(String, String)>,
    back: String,
    q: String,
    offers: Vec<Offer>,
    is_admin: bool,
}

/// What the dialog knows by now.
struct Ground {
    chosen: Chosen,
    number: usize,
    sequence: Sequence,
}

/// One pane after the other, by what the form says.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response> {
    let chosen = chosen.seen_by(visitor.sight.owners());
    if chosen.is_empty() {
        return Ok(answer::said(
            &chosen.list(),
            &answer::toast("info", "Nobody is selected. Tick the boxes of the people first."),
        ));
    }
    let mut tx = app.read().await?;
    let number = chosen.count(&mut tx).await?;
    let wanted: Option<SequenceId> = chosen.get("in").parse().ok();
    let Some(wanted) = wanted.filter(|_| chosen.get("pane") != "choose") else {
        let offers = active(&mut tx, &visitor, chosen.get("name")).await?;
        return answer::page(&choose(&visitor, &chosen, number, offers));
    };
    let sequence = sequences::find(&mut tx, wanted).await?.ok_or(PageError::NotFound("sequence"))?;
    drop(tx);
    let ground = Ground { chosen, number, sequence };
    match ground.chosen.get("pane") {
        "start" => start(&app, &visitor, ground).await,
        "preview" => answer::page(&preview::draw(&app, &visitor, &ground).await?),
        _ => answer::page(&check::draw(&app, &visitor, &ground, FormErrors::default()).await?),
    }
}

fn choose(visitor: &Visitor, chosen: &Chosen, number: usize, found: Vec<Sequence>) -> ChoosePage {
    let offer = |sequence: Sequence| Offer {
        id: sequence.id.to_string(),
        words: words::count(sequence.draft.steps.len() as u64, "step", "steps"),
        name: sequence.name,
        ..Offer::default()
    };
    ChoosePage {
        frame: visitor.frame("leads"),
        title: format!("Start a sequence for {}", words::people(number as u64)),
        hidden: chosen.hidden(),
        back: chosen.list(),
        q: chosen.get("name").to_owned(),
        offers: found.into_iter().map(offer).collect(),
        is_admin: visitor.actor.is_admin(),
    }
}

impl Ground {
    /// The selection and the sequence, for the next pane.
    fn hidden(&self) -> Vec<(String, String)> {
        let mut fields = self.chosen.hidden();
        fields.push(("in".to_owned(), self.sequence.id.to_string()));
        fields
    }

    /// As [`Ground::hidden`], with what the check was told: for the panes before it.
    fn hidden_with_start(&self) -> Vec<(String, String)> {
        let mut fields = self.hidden();
        for name in ["start", "at", "from", "leave_out"] {
            let value = self.chosen.get(name);
            if !value.is_empty() {
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
        fields
    }

    fn request(&self, visitor: &Visitor) -> std::result::Result<EnrollRequest, FormErrors> {
        let asked = Asked {
            start: self.chosen.get("start").to_owned(),
            at: self.chosen.get("at").to_owned(),
            from: self.chosen.get("from").parse().ok(),
            ..Asked::default()
        };
        asked.request(self.sequence.id, Vec::new(), &visitor.zone)
    }

    /// Whether those who lack data start and wait, or are left out.
    fn on_missing(&self) -> OnMissing {
        if self.chosen.get("leave_out") == "1" { OnMissing::Skip } else { OnMissing::Start }
    }
}

/// Judges everyone, problems first, with the forecast of the mailbox.
async fn judged(app: &App, visitor: &Visitor, ground: &Ground) -> Result<PreflightSummary> {
    let request = ground.request(visitor).unwrap_or_else(|_| EnrollRequest::new(ground.sequence.id, Vec::new()));
    let selection = ground.chosen.selection()?;
    Ok(app.engine.preflight_selection(&visitor.actor, &request, &selection, ground.on_missing()).await?)
}

async fn start(app: &App, visitor: &Visitor, ground: Ground) -> Result<Response> {
    let request = match ground.request(visitor) {
        Ok(request) => request,
        Err(errors) => return answer::refused(&check::draw(app, visitor, &ground, errors).await?),
    };
    // The id came with the question: the same question answered twice is done once.
    let id = ground.chosen.get("once").parse::<JobId>().unwrap_or_else(|_| app.engine.new_job_id());
    let action = BulkAction::Enroll { request, on_missing: ground.on_missing() };
    let back = ground.chosen.list();
    let with_back = |href: String| urls::with_query(&href, &[("back", &back)]);
    let rows = match app.engine.bulk_people_as(&visitor.actor, id, &ground.chosen.selection()?, action).await? {
        BulkDone::Job(job) => return Ok(answer::go(&with_back(urls::job(job)))),
        BulkDone::Rows(rows) => rows,
    };
    if rows.iter().any(|row| row.refused.is_some()) {
        return Ok(answer::go(&with_back(urls::job_report(id))));
    }
    let words = format!("{} started for {}.", ground.sequence.name, words::people(rows.len() as u64));
    Ok(answer::said(&back, &answer::toast("active", words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_carries_the_selection_on() {
        let offers = vec![Offer {
            id: "seq_1".into(),
            name: "Depot trial offer".into(),
            words: "4 steps".into(),
            ..Offer::default()
        }];
        let choose = ChoosePage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Start a sequence for 640 people".into(),
            hidden: vec![("id".into(), "per_1".into()), ("in".into(), "seq_1".into())],
            back: "/leads".into(),
            q: String::new(),
            offers,
            is_admin: true,
        };
        assert!(choose.render().expect("a page").contains("name=\"id\" value=\"per_1\""));
    }
}
