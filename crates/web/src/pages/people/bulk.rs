//! One action for everyone chosen in a list: a dialog says what it will do, then it is done at once or by a job.
//!
//! Every row gets its outcome: those a rule refused are listed with the reason.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::PersonId;
use relance_domain::person::Kind;
use relance_engine::commands::RowOutcome;
use relance_engine::commands::bulk::{BulkAction, BulkDone};
use relance_storage::{Tx, enrollment_views, people, users};

use super::list::Choice;
use super::selection::Chosen;
use crate::answer;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::pages::enroll::local_time;
use crate::session::Visitor;
use crate::{urls, words};

/// What an action is called, asks for and does.
#[derive(Clone, Debug, Default)]
struct Face {
    title: String,
    text: String,
    button: String,
    is_danger: bool,
}

#[derive(Template)]
#[template(path = "people/bulk.html")]
struct Page {
    frame: Frame,
    action: String,
    face: Face,
    hidden: Vec<(String, String)>,
    back: String,
    owners: Vec<Choice>,
    owner: String,
    add: String,
    remove: String,
    at: String,
    errors: FormErrors,
}

/// A row that was refused.
#[derive(Clone, Debug, Default)]
pub struct RefusedRow {
    /// Who.
    pub name: String,
    /// Their page.
    pub href: String,
    /// Why.
    pub reason: String,
}

#[derive(Template)]
#[template(path = "people/bulk_done.html")]
struct DonePage {
    frame: Frame,
    title: String,
    back: String,
    done: usize,
    refused: usize,
    rows: Vec<RefusedRow>,
}

/// What the enrollments of the chosen are counted as.
#[derive(Clone, Copy, Debug, Default)]
struct Ongoing {
    active: usize,
    paused: usize,
    blocked: usize,
    is_part: bool,
}

impl Ongoing {
    fn all(self) -> usize {
        self.active + self.paused + self.blocked
    }
}

async fn ongoing(tx: &mut Tx, ids: &[PersonId], total: usize) -> Result<Ongoing> {
    let mut found = Ongoing { is_part: total > ids.len(), ..Ongoing::default() };
    for views in enrollment_views::of_people(tx, ids).await?.into_values() {
        for view in views {
            match view.stored.enrollment.state.word() {
                "active" => found.active += 1,
                "paused" => found.paused += 1,
                "blocked" => found.blocked += 1,
                _ => {}
            }
        }
    }
    Ok(found)
}

fn face(action: &str, number: usize, kind: Kind, found: Ongoing) -> Option<Face> {
    let who = match (kind, number) {
        (Kind::Lead, 1) => "1 lead".to_owned(),
        (Kind::Lead, n) => format!("{} leads", words::number(n)),
        (Kind::Contact, 1) => "1 contact".to_owned(),
        (Kind::Contact, n) => format!("{} contacts", words::number(n)),
    };
    let sequences = |n: usize| {
        let words = words::count(n as u64, "sequence", "sequences");
        if found.is_part { "all sequences".to_owned() } else { words }
    };
    let new =
        |title: String, text: &str, button: String| Face { title, text: text.to_owned(), button, is_danger: false };
    Some(match action {
        "convert" => new(
            format!("Convert {who} to contacts"),
            "They keep their history. Their sequences end with the reason converted. Whoever shares an email address with a contact is left out and listed, so that nobody is merged by accident.",
            format!("Convert {who}"),
        ),
        "stop" => Face {
            is_danger: true,
            ..new(
                format!("Stop the sequences of {who}"),
                "At once: no scheduled or future email leaves, and open tasks of the sequences are cancelled.",
                format!("Stop {}", sequences(found.all())),
            )
        },
        "pause" => new(
            format!("Pause the sequences of {who}"),
            "Nothing leaves while they are paused. Without a date they wait until someone resumes them.",
            format!("Pause {}", sequences(found.active + found.blocked)),
        ),
        "resume" => new(
            format!("Resume the sequences of {who}"),
            "Each goes on with the step that comes next; what is late does not catch up.",
            format!("Resume {}", sequences(found.paused)),
        ),
        "retry" => new(
            format!("Retry what is blocked of {who}"),
            "Each blocked step is tried again. What still lacks its data or mailbox stays blocked with its reason.",
            format!("Retry {}", sequences(found.blocked)),
        ),
        "tag" => new(format!("Tag {who}"), "Tags to add and to remove, separated by commas.", format!("Tag {who}")),
        "assign" => new(
            format!("Assign an owner to {who}"),
            "The owner sees them as their own and can act for them.",
            format!("Assign {who}"),
        ),
        "delete" => Face {
            is_danger: true,
            ..new(
                format!("Delete {who}"),
                "Their sequences end, scheduled emails are cancelled and open tasks too. This can be undone right afterwards.",
                format!("Delete {who} and end {}", sequences(found.all())),
            )
        },
        _ => return None,
    })
}

/// Asks, or does what was confirmed.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response> {
    if chosen.is_empty() {
        return Ok(answer::said(
            &chosen.list(),
            &answer::toast("info", "Nobody is selected. Tick the boxes of the people first."),
        ));
    }
    if chosen.get("confirmed") != "1" {
        return answer::page(&ask(&app, &visitor, &chosen, FormErrors::default()).await?);
    }
    match action(&chosen, &visitor) {
        Ok(action) => act(&app, &visitor, &chosen, action).await,
        Err(errors) => answer::refused(&ask(&app, &visitor, &chosen, errors).await?),
    }
}

async fn ask(app: &App, visitor: &Visitor, chosen: &Chosen, errors: FormErrors) -> Result<Page> {
    let mut tx = app.read().await?;
    let (number, ids) = (chosen.count(&mut tx).await?, chosen.first_ids(&mut tx).await?);
    let found = ongoing(&mut tx, &ids, number).await?;
    let face = face(chosen.get("action"), number, chosen.kind(), found).ok_or(PageError::NotFound("action"))?;
    let owners = users::list(&mut tx).await?.into_iter().filter(|user| user.deactivated_at.is_none());
    Ok(Page {
        frame: visitor.frame(if chosen.kind() == Kind::Lead { "leads" } else { "contacts" }),
        action: chosen.get("action").to_owned(),
        face,
        hidden: chosen.hidden(),
        back: chosen.list(),
        owners: owners.map(|user| Choice { value: user.id.to_string(), label: user.name }).collect(),
        owner: chosen.get("owner_id").to_owned(),
        add: chosen.get("add").to_owned(),
        remove: chosen.get("remove").to_owned(),
        at: chosen.get("at").to_owned(),
        errors,
    })
}

fn action(chosen: &Chosen, visitor: &Visitor) -> std::result::Result<BulkAction, FormErrors> {
    let tags = |name: &str| {
        chosen.get(name).split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    Ok(match chosen.get("action") {
        "convert" => BulkAction::Convert,
        "stop" => BulkAction::Stop,
        "resume" => BulkAction::Resume,
        "retry" => BulkAction::Retry,
        "delete" => BulkAction::Delete,
        "pause" => {
            let until = local_time(chosen.get("at"), &visitor.zone);
            if until.is_none() && !chosen.get("at").is_empty() {
                return Err(FormErrors::one("at", "Choose a date and time."));
            }
            if until.is_some_and(|until| until <= visitor.now) {
                return Err(FormErrors::one("at", "Choose a time that is still to come."));
            }
            BulkAction::Pause { until }
        }
        "tag" if tags("add").is_empty() && tags("remove").is_empty() => {
            return Err(FormErrors::one("add", "Write at least one tag to add or to remove."));
        }
        "tag" => BulkAction::Tag { add: tags("add"), remove: tags("remove") },
        "assign" => match chosen.get("owner_id") {
            "" => BulkAction::AssignOwner { owner_id: None },
            id => BulkAction::AssignOwner {
                owner_id: Some(id.parse().map_err(|_| FormErrors::one("owner_id", "Choose an owner from the list."))?),
            },
        },
        _ => return Err(FormErrors::one("action", "There is no such action.")),
    })
}

async fn act(app: &App, visitor: &Visitor, chosen: &Chosen, action: BulkAction) -> Result<Response> {
    let (asked, selection) = (action.clone(), chosen.selection()?);
    let rows = match app.engine.bulk_people(&visitor.actor, &selection, action).await? {
        BulkDone::Job(job) => return Ok(answer::go(&urls::job(job))),
        BulkDone::Rows(rows) => rows,
    };
    let done: Vec<PersonId> = rows.iter().filter(|row| row.refused.is_none()).map(|row| row.person_id).collect();
    let title = done_words(&asked, done.len());
    if done.len() == rows.len() {
        let mut toast = answer::toast("done", format!("{title}."));
        if asked == BulkAction::Delete {
            toast.undo = urls::restore_people(&done);
        }
        return Ok(answer::said(&chosen.list(), &toast));
    }
    answer::page(&DonePage {
        frame: visitor.frame("leads"),
        title,
        back: chosen.list(),
        done: done.len(),
        refused: rows.len() - done.len(),
        rows: refused_rows(&mut app.read().await?, &rows).await?,
    })
}

/// *Stopped the sequences of 8 people*.
fn done_words(action: &BulkAction, number: usize) -> String {
    let who = words::people(number as u64);
    match action {
        BulkAction::Convert => format!("Converted {who}"),
        BulkAction::Delete => format!("Deleted {who}"),
        BulkAction::Stop => format!("Stopped the sequences of {who}"),
        BulkAction::Pause { .. } => format!("Paused the sequences of {who}"),
        BulkAction::Resume => format!("Resumed the sequences of {who}"),
        BulkAction::Retry => format!("Retried the sequences of {who}"),
        BulkAction::Tag { .. } => format!("Tagged {who}"),
        BulkAction::AssignOwner { .. } => format!("Assigned {who}"),
        BulkAction::Enroll { .. } => format!("Started for {who}"),
    }
}

/// The rows that were refused, with names and reasons.
pub async fn refused_rows(tx: &mut Tx, rows: &[RowOutcome]) -> Result<Vec<RefusedRow>> {
    let refused: Vec<_> = rows.iter().filter_map(|row| Some((row.person_id, row.refused.as_ref()?))).collect();
    let ids: Vec<_> = refused.iter().map(|(id, _)| *id).collect();
    let names: BTreeMap<_, _> = people::names(tx, &ids).await?.into_iter().collect();
    let row = |(id, why): (PersonId, &relance_domain::Refused)| RefusedRow {
        name: names.get(&id).cloned().unwrap_or_else(|| "Someone who was removed".to_owned()),
        href: urls::person(id),
        reason: why.message.clone(),
    };
    Ok(refused.into_iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_names_what_it_will_do() {
        let found = Ongoing { active: 2, paused: 1, blocked: 0, is_part: false };
        for action in ["convert", "stop", "pause", "resume", "retry", "tag", "assign", "delete"] {
            let face = face(action, 5, Kind::Lead, found).expect(action);
            let page = Page {
                frame: Frame { clock_rate: 1, ..Frame::default() },
                action: action.into(),
                hidden: vec![("id".into(), "per_1".into())],
                back: "/leads".into(),
                owners: vec![Choice { value: "usr_1".into(), label: "Nora".into() }],
                owner: String::new(),
                add: "reefer".into(),
                remove: String::new(),
                at: String::new(),
                errors: FormErrors::one("at", "Choose a date and time."),
                face: face.clone(),
            };
            let html = page.render().expect("a page");
            assert!(html.contains(&face.button) && html.contains("per_1"), "{action}");
        }
        assert_eq!(face("stop", 5, Kind::Lead, found).expect("stop").button, "Stop 3 sequences");
        assert_eq!(
            face("delete", 1, Kind::Contact, found).expect("delete").button,
            "Delete 1 contact and end 3 sequences"
        );
        assert!(face("explode", 1, Kind::Lead, found).is_none());
    }

    #[test]
    fn rows_that_were_refused_are_listed_with_their_reasons() {
        let rows = vec![RefusedRow {
            name: "Ben Hallam".into(),
            href: "/people/per_1".into(),
            reason: "No sequence can be changed this way.".into(),
        }];
        let page = DonePage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "4 people stopped".into(),
            back: "/leads".into(),
            done: 4,
            refused: 1,
            rows,
        };
        let html = page.render().expect("a page");
        assert!(html.contains("Ben Hallam") && html.contains("No sequence can be changed this way."));
    }
}
