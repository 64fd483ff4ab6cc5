//! What admins do with a whole sequence: make, publish, pause, archive, clone, delete.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::SequenceId;
use relance_domain::sequence::Plan;
use relance_engine::commands::Ended;
use relance_engine::commands::sequences::SequenceFields;
use relance_storage::{sequences, workspace};

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls, words};

#[derive(Template)]
#[template(path = "sequences/new.html")]
struct New {
    frame: Frame,
    typed: Typed,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "sequences/archive.html")]
struct Archive {
    frame: Frame,
    name: String,
    ongoing: String,
    action: String,
    back: String,
}

/// The form of a new sequence.
pub async fn new(visitor: Visitor) -> Result<Response> {
    visitor.must_be_admin("write sequences")?;
    answer::page(&New { frame: visitor.frame("sequences"), typed: Typed::default(), errors: FormErrors::default() })
}

/// A new draft with the workspace's schedule.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let schedule = {
        let mut tx = app.read().await?;
        workspace::read(&mut tx).await?.map(|workspace| workspace.schedule)
    };
    let plan = Plan { schedule, ..Plan::default() };
    let fields = SequenceFields {
        name: typed.get("name").to_owned(),
        description: typed.get("description").to_owned(),
        folder: typed.get("folder").to_owned(),
        plan,
        ..SequenceFields::default()
    };
    match app.engine.create_sequence(&visitor.actor, fields).await.map_err(PageError::from) {
        Ok(sequence) => Ok(answer::go(&urls::sequence(sequence.id))),
        Err(error) => answer::refused(&New { frame: visitor.frame("sequences"), typed, errors: error.refused()? }),
    }
}

/// Holds everyone in it.
pub async fn pause(State(app): State<App>, visitor: Visitor, Path(id): Path<SequenceId>) -> Result<Response> {
    let paused = app.engine.pause_sequence(&visitor.actor, id).await;
    answer::outcome(&urls::sequence(id), paused, |(_, ended)| {
        let mut toast = answer::toast("paused", format!("Paused for everyone in it.{}", on_their_way(&ended)));
        toast.undo = urls::sequence_action(id, "resume");
        toast
    })
}

/// What was already past the point of no return, in a sentence; empty for nothing.
pub fn on_their_way(ended: &Ended) -> String {
    match ended.leaving.as_slice() {
        [] => String::new(),
        [one] => format!(" One email was already on its way: to {}.", one.recipient),
        many => format!(" {} emails were already on their way.", many.len()),
    }
}

/// Goes on.
pub async fn resume(State(app): State<App>, visitor: Visitor, Path(id): Path<SequenceId>) -> Result<Response> {
    let resumed = app.engine.resume_sequence(&visitor.actor, id).await;
    answer::outcome(&urls::sequence(id), resumed, |_| {
        answer::toast("active", "It goes on. What was due leaves within its times.")
    })
}

/// The question before archiving.
pub async fn ask_archive(State(app): State<App>, visitor: Visitor, Path(id): Path<SequenceId>) -> Result<Response> {
    visitor.must_be_admin("archive sequences")?;
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    let counts = sequences::counts(&mut tx, &[id]).await?.remove(&id).unwrap_or_default();
    answer::page(&Archive {
        frame: visitor.frame("sequences"),
        name: sequence.name,
        ongoing: match u64::from(counts.active + counts.paused + counts.blocked) {
            0 => String::new(),
            ongoing => words::people(ongoing),
        },
        action: urls::sequence_action(id, "archive"),
        back: urls::sequence(id),
    })
}

/// No new enrollments; those that run finish or stop.
pub async fn archive(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<SequenceId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let stop = typed.get("ongoing") == "stop";
    let archived = app.engine.archive_sequence(&visitor.actor, id, stop).await;
    answer::outcome(&urls::sequence(id), archived, |(_, ended)| {
        let words = if stop {
            let people = words::people(ended.enrollments);
            format!(
                "Archived. Stopped for {people}; {} will not leave.{}",
                words::count(ended.cancelled_emails, "email", "emails"),
                on_their_way(&ended)
            )
        } else {
            "Archived. Those who are on it finish.".to_owned()
        };
        answer::toast("archived", words)
    })
}

/// A draft with the same steps.
pub async fn clone(State(app): State<App>, visitor: Visitor, Path(id): Path<SequenceId>) -> Result<Response> {
    let copy = app.engine.clone_sequence(&visitor.actor, id).await?;
    Ok(answer::said(&urls::sequence(copy.id), &answer::toast("done", format!("{} is a draft now.", copy.name))))
}

/// Deletes a sequence nobody was ever in.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<SequenceId>) -> Result<Response> {
    match app.engine.delete_sequence(&visitor.actor, id).await {
        Ok(()) => Ok(answer::said(urls::SEQUENCES, &answer::toast("done", "The sequence is deleted."))),
        refused => answer::outcome(&urls::sequence(id), refused, |()| answer::toast("done", "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_new_and_an_archived_sequence_are_dialogs() {
        let new = New {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            typed: Typed::of([("description", "For the fair".into())]),
            errors: FormErrors::one("name", "Give the sequence a name."),
        };
        let html = new.render().expect("a page");
        assert!(html.contains("Give the sequence a name.") && html.contains("For the fair"));
        let archive = Archive {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            name: "Winter depots".into(),
            ongoing: "214 people".into(),
            action: "/sequences/seq_1/archive".into(),
            back: "/sequences/seq_1".into(),
        };
        let html = archive.render().expect("a page");
        assert!(html.contains("214 people") && html.contains("value=\"stop\""));
    }
}
