//! Starting a sequence for one person, in one dialog: choose, preview every step with the real text, start.
//!
//! Nothing is stored before *Start sequence*. The dates come from the rules that send.

mod chart;
pub(crate) mod choose;
pub mod many;
pub mod steps;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use relance_domain::person::Person;
use relance_domain::{PersonId, SequenceId, Timestamp};
use relance_engine::commands::preflight::{EnrollRequest, Preflight, PreflightRow};
use relance_storage::{people, sequences};
use serde::Deserialize;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};
pub use choose::{Offer, active};
use steps::Shown;

/// What the dialog has been told so far.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Search by name.
    pub q: String,
    /// The sequence that was chosen.
    pub sequence: String,
    /// The step shown beside the time line, from 1.
    pub step: Option<usize>,
    /// `at`: start at a date.
    pub start: String,
    /// The date, local time of the user.
    pub at: String,
    /// Start with this step, from 1.
    pub from: Option<usize>,
}

impl Asked {
    /// As the engine reads it; refused if the date cannot be read.
    pub fn request(
        &self,
        sequence: SequenceId,
        people: Vec<PersonId>,
        zone: &TimeZone,
    ) -> std::result::Result<EnrollRequest, FormErrors> {
        let start_at = if self.start == "at" {
            Some(local_time(&self.at, zone).ok_or_else(|| FormErrors::one("at", "Choose a date and time."))?)
        } else {
            None
        };
        Ok(EnrollRequest {
            start_at,
            start_step: self.from.filter(|step| *step > 1),
            ..EnrollRequest::new(sequence, people)
        })
    }
}

/// Reads what a field of type `datetime-local` sends.
pub fn local_time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let local: DateTime = text.trim().parse().ok()?;
    Some(Timestamp::from_zoned(&zone.to_zoned(local).ok()?))
}

#[derive(Template)]
#[template(path = "enroll/preview.html")]
struct PreviewPage {
    frame: Frame,
    title: String,
    person: Person,
    first_name: String,
    sequence: String,
    summary: String,
    asked: Asked,
    shown: Shown,
    errors: FormErrors,
    from: String,
    notice: Notice,
    /// Where the missing values are filled in; empty if none is.
    complete: String,
    min: String,
}

impl PreviewPage {
    fn above(&self) -> String {
        // The notice says it already, with its cure.
        if self.notice.is_refused { String::new() } else { self.errors.above(&["at"]) }
    }

    fn body(&self) -> String {
        urls::enroll_body(self.person.id, &self.asked.sequence, self.shown.chosen.position)
    }

    fn is_from(&self, line: &steps::Line) -> bool {
        self.asked.from.is_some_and(|from| line.title.starts_with(&format!("{from}.")))
    }
}

async fn find(app: &App, id: PersonId) -> Result<Person> {
    let mut tx = app.read().await?;
    people::find(&mut tx, id).await?.ok_or(PageError::NotFound("person"))
}

/// The dialog: choose, or preview what was chosen.
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let person = find(&app, id).await?;
    match asked.sequence.parse() {
        Ok(sequence) => answer::page(&preview(&app, &visitor, person, sequence, asked, FormErrors::default()).await?),
        Err(_) => answer::page(&choose::read(&app, &visitor, &person, asked).await?),
    }
}

async fn preview(
    app: &App,
    visitor: &Visitor,
    person: Person,
    sequence: SequenceId,
    asked: Asked,
    errors: FormErrors,
) -> Result<PreviewPage> {
    let found = sequences::find(&mut app.read().await?, sequence).await?.ok_or(PageError::NotFound("sequence"))?;
    let (request, errors) = match asked.request(sequence, vec![person.id], &visitor.zone) {
        Ok(request) => (request, errors),
        Err(wrong) => (EnrollRequest::new(sequence, vec![person.id]), wrong),
    };
    let previews = app.engine.preview_steps(&visitor.actor, &request, person.id).await?;
    let judged = app.engine.preflight(&visitor.actor, &request).await?.into_iter().next();
    let base = urls::with_query(
        &urls::enroll(person.id),
        &[("sequence", &asked.sequence), ("start", &asked.start), ("at", &asked.at)],
    );
    let base = asked.from.map_or_else(|| base.clone(), |from| format!("{base}&from={from}"));
    let shown = steps::shown(&previews, &person, &visitor.clone(), asked.step, |step| format!("{base}&step={step}"));
    let first_name = if person.fields.first_name.is_empty() { person.name() } else { person.fields.first_name.clone() };
    Ok(PreviewPage {
        frame: visitor.frame("leads"),
        title: format!("Start a sequence for {}", person.name()),
        summary: steps::summary(&previews, &first_name, visitor),
        from: visitor
            .mailboxes
            .first()
            .map(|mailbox| format!("{}, {}", mailbox.from_name, mailbox.address))
            .unwrap_or_default(),
        complete: match judged.as_ref().map(|row| &row.outcome) {
            Some(Preflight::WaitsForData { .. }) => urls::complete_data_of(sequence, person.kind, &[person.id]),
            _ => String::new(),
        },
        notice: notice(judged.as_ref(), person.id),
        min: visitor.now.zoned(&visitor.zone).strftime("%Y-%m-%dT%H:%M").to_string(),
        sequence: found.name,
        first_name,
        person,
        asked,
        shown,
        errors,
    })
}

/// What is to be known before it starts; empty for nothing.
#[derive(Clone, Debug, Default)]
struct Notice {
    words: String,
    /// It cannot start.
    is_refused: bool,
    /// What cures that, and where.
    cure: &'static str,
    href: String,
}

fn notice(row: Option<&PreflightRow>, person: PersonId) -> Notice {
    match row {
        Some(PreflightRow { outcome: Preflight::Refused { code, message, enrollment_id }, .. }) => {
            let (cure, href) = choose::cure(code, *enrollment_id, person);
            Notice { words: format!("{message} The sequence cannot start."), is_refused: true, cure, href }
        }
        Some(PreflightRow { was_enrolled_before: true, .. }) => Notice {
            words: "This person was in this sequence before. It begins again from the start.".to_owned(),
            ..Notice::default()
        },
        _ => Notice::default(),
    }
}

/// The body of one step, for the frame of the preview.
pub async fn body(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, sequence)): Path<(PersonId, SequenceId)>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let request =
        asked.request(sequence, vec![id], &visitor.zone).unwrap_or_else(|_| EnrollRequest::new(sequence, vec![id]));
    let previews = app.engine.preview_steps(&visitor.actor, &request, id).await?;
    let step =
        previews.iter().find(|preview| Some(preview.position) == asked.step).ok_or(PageError::NotFound("step"))?;
    Ok(super::mail::body(&step.words.html, &step.words.text, &step.words.missing_tags))
}

/// Starts the sequence.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<PersonId>,
    Form(asked): Form<Asked>,
) -> Result<Response> {
    let person = find(&app, id).await?;
    let sequence: SequenceId = asked.sequence.parse().map_err(|_| PageError::NotFound("sequence"))?;
    let started = match asked.request(sequence, vec![id], &visitor.zone) {
        Ok(request) => app.engine.enroll(&visitor.actor, &request).await.map_err(PageError::from),
        Err(wrong) => Err(PageError::Refused(wrong.0)),
    };
    match started {
        Ok(enrollment) => {
            let name =
                sequences::find(&mut app.read().await?, sequence).await?.map(|found| found.name).unwrap_or_default();
            let when = enrollment
                .state
                .due()
                .map(|due| crate::pages::in_sentence(&words::moment(due.max(visitor.now), visitor.now, &visitor.zone)));
            let when = when.map(|when| format!(" First step {when}.")).unwrap_or_default();
            Ok(answer::said(
                &urls::person(id),
                &answer::toast("active", format!("{name} started for {}.{when}", person.name())),
            ))
        }
        Err(error) => answer::refused(&preview(&app, &visitor, person, sequence, asked, error.refused()?).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::person::{Fields, Kind};

    fn person() -> Person {
        let at = Timestamp::from_ms(0);
        let fields = Fields { first_name: "Maya".into(), email: "maya@kestrel.example".into(), ..Fields::default() };
        Person { id: PersonId::from_uuid(Default::default()), kind: Kind::Lead, fields, created_at: at, updated_at: at }
    }

    #[test]
    fn the_preview_shows_missing_tags_and_where_to_fill_them_in() {
        let page = PreviewPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Start a sequence for Maya".into(),
            person: person(),
            first_name: "Maya".into(),
            sequence: "Depot trial offer".into(),
            summary: "4 steps, done about Tue 8 Dec.".into(),
            asked: Asked { sequence: "seq_1".into(), ..Asked::default() },
            shown: steps::sample(),
            errors: FormErrors::one("at", "Choose a date and time."),
            from: "Nora, nora@halden.example".into(),
            notice: Notice {
                words: "Already in this sequence. The sequence cannot start.".into(),
                is_refused: true,
                cure: "Open it",
                href: "/enrollments/enr_1".into(),
            },
            complete: "/complete-data?sequence=seq_1&id=per_1".into(),
            min: "2026-11-24T09:48".into(),
        };
        let html = page.render().expect("a page");
        for words in [
            "Depot trial offer",
            "Industry",
            "Add industry",
            "3 business days",
            "Complete data",
            "Start sequence",
            "Choose a date and time.",
            "The sequence cannot start.",
            "href=\"/enrollments/enr_1\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("The sequence can start"), "it cannot, whatever is missing");
    }

    #[test]
    fn a_local_date_is_read_in_the_users_zone() {
        let zone = relance_domain::time::zone("Europe/Paris").expect("a zone");
        let at = local_time("2026-12-01T09:30", &zone).expect("an instant");
        assert_eq!(at.rfc3339(), "2026-12-01T08:30:00Z");
        assert!(
            Asked { start: "at".into(), ..Asked::default() }
                .request(SequenceId::from_uuid(Default::default()), Vec::new(), &zone)
                .is_err()
        );
    }
}
