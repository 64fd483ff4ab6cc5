//! The check as a file: the rows of the tab that is shown, each with its outcome, its reason and what it lacks.
//!
//! Judged anew by the same judgement, so the file says what starting would do now. Formulas are disarmed.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use relance_domain::person::Person;
use relance_domain::{PersonId, SequenceId};
use relance_engine::commands::csv_text::write_record;
use relance_engine::commands::preflight::{Preflight, PreflightRow};
use relance_storage::{people, sequences};

use super::check::is_shown;
use super::{Ground, judged};
use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::Form;
use crate::pages::people::selection::Chosen;
use crate::pages::people::widget::tag_words;
use crate::session::Visitor;
use crate::{answer, words};

/// People whose names are read at a time.
const CHUNK: usize = 500;

/// The columns of the file.
const HEAD: [&str; 7] = ["Id", "Name", "Organisation", "Email", "Outcome", "Reason", "First step"];

/// The rows of the tab, for a spreadsheet.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response> {
    let chosen = chosen.seen_by(visitor.sight.owners());
    let wanted: SequenceId = chosen.get("in").parse().map_err(|_| PageError::NotFound("sequence"))?;
    if chosen.is_empty() {
        return Err(PageError::NotFound("selection"));
    }
    let mut tx = app.read().await?;
    let number = chosen.count(&mut tx).await?;
    let sequence = sequences::find(&mut tx, wanted).await?.ok_or(PageError::NotFound("sequence"))?;
    drop(tx);
    let ground = Ground { chosen, number, sequence };
    let summary = judged(&app, &visitor, &ground).await?;
    let tab = ground.chosen.get("rows");
    let rows: Vec<&PreflightRow> = summary.rows.iter().filter(|row| is_shown(tab, row)).collect();
    let mut out = b"\xef\xbb\xbf".to_vec();
    write_record(&mut out, HEAD);
    for chunk in rows.chunks(CHUNK) {
        let ids: Vec<PersonId> = chunk.iter().map(|row| row.person_id).collect();
        let found = people::find_many(&mut app.read().await?, &ids).await?;
        let found: HashMap<PersonId, Person> = found.into_iter().map(|person| (person.id, person)).collect();
        for row in chunk {
            if let Some(person) = found.get(&row.person_id) {
                record(row, person, &mut out);
            }
        }
    }
    let people = words::people(rows.len() as u64);
    let what = format!("The check before starting {} for {people}.", ground.sequence.name);
    app.engine.note_export(&visitor.actor, &what).await?;
    answer::csv(&format!("check-{}.csv", visitor.now.zoned(&visitor.zone).date()), out)
}

/// One person: what would happen, why, and when it begins.
fn record(row: &PreflightRow, person: &Person, out: &mut Vec<u8>) {
    let (outcome, reason) = match &row.outcome {
        Preflight::Starts if row.was_enrolled_before => ("Starts", "Was in this sequence before.".to_owned()),
        Preflight::Starts => ("Starts", String::new()),
        Preflight::WaitsForData { tags } => {
            let names: Vec<String> = tags.iter().map(|tag| tag_words(tag)).collect();
            ("Waits for data", format!("No value for {}.", words::list(&names)))
        }
        Preflight::Refused { message, .. } => ("Left out", message.clone()),
    };
    let first = row.first_at.map(|at| at.to_string()).unwrap_or_default();
    let fields = &person.fields;
    let id = person.id.to_string();
    let name = person.name();
    write_record(out, [&id, &name, &fields.organization_name, &fields.email, outcome, &reason, &first]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::Timestamp;
    use relance_domain::person::{Fields, Kind};

    fn written(outcome: Preflight, first_at: Option<Timestamp>) -> String {
        let at = Timestamp::from_ms(0);
        let fields = Fields {
            last_name: "=HYPERLINK(\"x\")".into(),
            organization_name: "Labe, Logistika".into(),
            ..Fields::default()
        };
        let id = PersonId::from_uuid(Default::default());
        let person = Person { id, kind: Kind::Lead, fields, created_at: at, updated_at: at };
        let mut out = Vec::new();
        let row = PreflightRow { person_id: id, outcome, first_at, was_enrolled_before: false };
        record(&row, &person, &mut out);
        let text = String::from_utf8(out).expect("text");
        text.trim_end().split_once(',').expect("an id first").1.to_owned()
    }

    #[test]
    fn a_row_says_what_happens_and_why_and_no_cell_is_a_formula() {
        let refused = Preflight::Refused {
            code: "already_active".into(),
            message: "Already in this sequence.".into(),
            enrollment_id: None,
        };
        assert_eq!(
            written(refused, None),
            "\"'=HYPERLINK(\"\"x\"\")\",\"Labe, Logistika\",,Left out,Already in this sequence.,"
        );
        let waits = Preflight::WaitsForData { tags: vec!["person.industry".into(), "person.first_name".into()] };
        assert!(written(waits, None).ends_with(",,Waits for data,No value for industry and first name.,"));
        let starts = written(Preflight::Starts, Some(Timestamp::from_ms(0)));
        assert!(starts.ends_with(",,Starts,,1970-01-01T00:00:00Z"), "{starts}");
    }
}
