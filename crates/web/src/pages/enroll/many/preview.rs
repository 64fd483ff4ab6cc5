//! The second pane: the steps of one person after the other, as they would be.

use askama::Template;
use relance_domain::PersonId;
use relance_domain::person::Person;
use relance_engine::commands::preflight::{EnrollRequest, Preflight};
use relance_storage::people;

use super::super::steps::{self, Shown};
use super::{Ground, judged};
use crate::app::App;
use crate::errors::{PageError, Result};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{urls, words};

#[derive(Template)]
#[template(path = "enroll/many_preview.html")]
pub(super) struct PreviewPage {
    frame: Frame,
    title: String,
    hidden: Vec<(String, String)>,
    back: String,
    sequence: String,
    summary: String,
    person: Person,
    place: String,
    previous: String,
    next: String,
    shown: Shown,
    body: String,
}

/// Turns to the person that was asked for, those whose data is missing first.
pub(super) async fn draw(app: &App, visitor: &Visitor, ground: &Ground) -> Result<PreviewPage> {
    let judged = judged(app, visitor, ground).await?;
    let order: Vec<PersonId> = judged
        .rows
        .iter()
        .filter(|row| !matches!(row.outcome, Preflight::Refused { .. }))
        .map(|row| row.person_id)
        .collect();
    let wanted: Option<PersonId> = ground.chosen.get("person").parse().ok();
    let index = wanted.and_then(|id| order.iter().position(|other| *other == id)).unwrap_or(0);
    let first = || judged.rows.first().map(|row| row.person_id);
    let id = order.get(index).copied().or_else(first).ok_or(PageError::NotFound("person"))?;
    let person = people::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("person"))?;
    let request = ground.request(visitor).unwrap_or_else(|_| EnrollRequest::new(ground.sequence.id, Vec::new()));
    let previews = app.engine.preview_steps(&visitor.actor, &request, id).await?;
    let name = if person.fields.first_name.is_empty() { person.name() } else { person.fields.first_name.clone() };
    let shown =
        steps::shown(&previews, &person, visitor, ground.chosen.get("step").parse().ok(), |step| step.to_string());
    let at =
        |index: Option<usize>| index.and_then(|index| order.get(index)).map(ToString::to_string).unwrap_or_default();
    Ok(PreviewPage {
        frame: visitor.frame("leads"),
        title: format!("Start {} for {}", ground.sequence.name, words::people(ground.number as u64)),
        hidden: ground.hidden_with_start(),
        back: ground.chosen.list(),
        sequence: ground.sequence.name.clone(),
        summary: steps::summary(&previews, &name, visitor),
        place: format!("{} of {}", index + 1, order.len().max(1)),
        previous: at(index.checked_sub(1)),
        next: at(Some(index + 1)),
        body: urls::enroll_body(id, &ground.sequence.id.to_string(), shown.chosen.position),
        person,
        shown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::Timestamp;
    use relance_domain::person::{Fields, Kind};

    #[test]
    fn the_preview_carries_the_selection_on() {
        let at = Timestamp::from_ms(0);
        let person = Person {
            id: PersonId::from_uuid(Default::default()),
            kind: Kind::Lead,
            fields: Fields { first_name: "Maya".into(), ..Fields::default() },
            created_at: at,
            updated_at: at,
        };
        let page = PreviewPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Start".into(),
            hidden: vec![("id".into(), "per_1".into()), ("in".into(), "seq_1".into())],
            back: "/leads".into(),
            sequence: "Depot trial offer".into(),
            summary: "4 steps.".into(),
            person,
            place: "1 of 605".into(),
            previous: String::new(),
            next: "per_2".into(),
            shown: steps::sample(),
            body: "/people/per_1/enroll/seq_1/body?step=2".into(),
        };
        assert!(page.render().expect("a page").contains("name=\"id\" value=\"per_1\""));
    }
}
