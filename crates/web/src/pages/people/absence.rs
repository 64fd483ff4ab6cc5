//! *Not the right date?* at an automatic answer in the history: the day the person is back, corrected.

use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use relance_domain::{InboundId, PersonId};

use crate::app::App;
use crate::errors::Result;
use crate::extract::{Form, Path};
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// The form at a message that still holds something.
#[derive(Clone, Debug, Default)]
pub struct Correction {
    /// Where it goes.
    pub action: String,
    /// The day of return as it is taken; empty if the message gave none.
    pub date: String,
    /// The first day that may be chosen.
    pub min: String,
}

/// Corrects the day.
pub async fn correct(
    State(app): State<App>,
    visitor: Visitor,
    Path((person, message)): Path<(PersonId, InboundId)>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let to = urls::person(person);
    let date: Date = match typed.parse("date", "Choose the day the person is back.") {
        Ok(date) => date,
        Err(refused) => return Ok(answer::said(&to, &answer::toast("blocked", refused.message))),
    };
    let done = app.engine.correct_return(&visitor.actor, message, date).await;
    answer::outcome(&to, done, |done| {
        let said = if done.is_back {
            format!("{} now.", words::count(done.enrollments, "sequence goes on", "sequences go on"))
        } else {
            let held = words::count(done.enrollments, "sequence waits", "sequences wait");
            format!("{held} until {}.", date.strftime("%A %-d %B"))
        };
        answer::toast("done", said)
    })
}
