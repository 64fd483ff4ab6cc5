//! One action for everyone chosen in a list: a dialog says what it will do, then it is done at once or by a job.
//!
//! Every row gets its outcome: those a rule refused are listed with the reason.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::JobId;
use relance_domain::person::Kind;
use relance_engine::commands::bulk::{BulkAction, BulkDone};
use relance_engine::commands::bulk_effect::BulkEffect;
use relance_engine::commands::bulk_merges::BulkMerges;
use relance_storage::{people_choices, users};

use super::list::section;
use super::selection::Chosen;
use crate::answer;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::pages::enroll::local_time;
use crate::pages::form::Choice;
use crate::session::Visitor;
use crate::{urls, words};

/// What an action is called, asks for and does.
#[derive(Clone, Debug, Default)]
struct Face {
    title: String,
    text: String,
    button: String,
    is_danger: bool,
    /// None of them has a sequence for it: there is nothing to press.
    is_idle: bool,
}

#[derive(Template)]
#[template(path = "people/bulk.html")]
struct Page {
    frame: Frame,
    action: String,
    face: Face,
    once: String,
    hidden: Vec<(String, String)>,
    back: String,
    owners: Vec<Choice>,
    owner: String,
    tags: Vec<String>,
    add: String,
    remove: String,
    at: String,
    merge: Option<MergeAsk>,
    chosen_merge: String,
    errors: FormErrors,
}

impl Page {
    fn leave_words(&self) -> &'static str {
        if self.face.is_idle { "Close" } else { "Cancel" }
    }

    /// Merging was chosen before.
    fn merges(&self) -> bool {
        self.chosen_merge == "merge"
    }
}

/// What may become of leads that share their address with a contact.
#[derive(Clone, Debug, Default)]
struct MergeAsk {
    /// *3 leads share an email address with a contact.*
    words: String,
    /// *Leave these 3 out*.
    leave_out: String,
    /// What becomes of those.
    left_out: &'static str,
    /// What is said of those that more than one contact would fit; empty if there are none.
    several: String,
}

/// *1 lead*, *4,312 contacts*.
fn who(kind: Kind, number: usize) -> String {
    let (one, many) = if kind == Kind::Lead { ("lead", "leads") } else { ("contact", "contacts") };
    words::count(number as u64, one, many)
}

/// What is known of the people before something is done with them.
struct Known {
    kind: Kind,
    number: usize,
    /// What their sequences hold; `None` if there are too many people to look at each.
    effect: Option<BulkEffect>,
}

impl Known {
    fn who(&self) -> String {
        who(self.kind, self.number)
    }

    /// *Stop 3 sequences*, or *Stop all sequences* where they were not counted.
    fn sequences(&self, verb: &str, number: fn(BulkEffect) -> usize) -> String {
        match self.effect {
            Some(effect) => format!("{verb} {}", words::count(number(effect) as u64, "sequence", "sequences")),
            None => format!("{verb} all sequences"),
        }
    }

    /// What is said where none of them has a sequence for this action; `None` if one has, or nobody counted.
    fn idle_words(&self, action: &str) -> Option<String> {
        let effect = self.effect?;
        let (number, words) = match action {
            "stop" => (effect.all(), "None of them is in a sequence now, so there is nothing to stop."),
            "pause" => {
                (effect.active + effect.blocked, "No sequence of theirs is on its way, so there is nothing to pause.")
            }
            "resume" => (effect.paused, "No sequence of theirs is paused, so there is nothing to resume."),
            "retry" => (effect.blocked, "No sequence of theirs is blocked, so there is nothing to retry."),
            _ => return None,
        };
        (number == 0).then(|| words.to_owned())
    }

    /// *and cancel 5 scheduled emails and 1 open task*; empty if nothing is.
    fn cancels(&self) -> String {
        let Some(effect) = self.effect else { return " and cancel their scheduled emails".to_owned() };
        let mut parts = Vec::new();
        if effect.emails > 0 {
            parts.push(words::count(effect.emails as u64, "scheduled email", "scheduled emails"));
        }
        if effect.tasks > 0 {
            parts.push(words::count(effect.tasks as u64, "open task", "open tasks"));
        }
        if parts.is_empty() { String::new() } else { format!(" and cancel {}", parts.join(" and ")) }
    }
}

fn face(action: &str, known: &Known) -> Option<Face> {
    let face = busy_face(action, known)?;
    Some(match known.idle_words(action) {
        Some(text) => Face { text, is_idle: true, ..face },
        None => face,
    })
}

fn busy_face(action: &str, known: &Known) -> Option<Face> {
    let who = known.who();
    let new =
        |title: String, text: &str, button: String| Face { title, text: text.to_owned(), button, ..Face::default() };
    Some(match action {
        "convert" => new(
            format!("Convert {who} to contacts"),
            "They keep their history. Their sequences end with the reason converted, and nothing more of them is sent.",
            format!("Convert {who}"),
        ),
        "stop" => Face {
            is_danger: true,
            ..new(
                format!("Stop the sequences of {who}"),
                "At once: no scheduled or future email leaves, and open tasks of the sequences are cancelled. This cannot be undone; they can be enrolled again.",
                format!("{}{}", known.sequences("Stop", |effect| effect.all()), known.cancels()),
            )
        },
        "pause" => new(
            format!("Pause the sequences of {who}"),
            "Nothing leaves while they are paused. Without a date they wait until someone resumes them.",
            known.sequences("Pause", |effect| effect.active + effect.blocked),
        ),
        "resume" => new(
            format!("Resume the sequences of {who}"),
            "Each goes on with the step that comes next; what is late does not catch up.",
            known.sequences("Resume", |effect| effect.paused),
        ),
        "retry" => new(
            format!("Retry what is blocked of {who}"),
            "Each blocked step is tried again. What still lacks its data or mailbox stays blocked with its reason.",
            known.sequences("Retry", |effect| effect.blocked),
        ),
        "tag" => new(
            format!("Tag {who}"),
            "Add tags, remove tags, or both. Several are separated by commas.",
            format!("Tag {who}"),
        ),
        "assign" => new(
            format!("Assign an owner to {who}"),
            "The owner sees them as their own and can act for them.",
            format!("Assign {who}"),
        ),
        "delete" => Face { is_danger: true, ..delete(known, new) },
        _ => return None,
    })
}

fn delete(known: &Known, new: impl Fn(String, &str, String) -> Face) -> Face {
    let holds = known.effect.is_none_or(|effect| effect.all() > 0);
    let ends = if holds {
        format!(", {}{}", known.sequences("end", |effect| effect.all()), known.cancels())
    } else {
        String::new()
    };
    let text = if holds {
        "Their sequences end, and nothing more is sent. You can bring the people back right afterwards; sequences that ended stay ended."
    } else {
        "You can bring them back right afterwards."
    };
    new(format!("Delete {}", known.who()), text, format!("Delete {}{ends}", known.who()))
}

/// Asks, or does what was confirmed.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response> {
    let chosen = chosen.seen_by(visitor.sight.owners());
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
    let number = chosen.count(&mut tx).await?;
    let ids = chosen.first_ids(&mut tx).await?;
    let owners = users::list(&mut tx).await?.into_iter().filter(|user| user.deactivated_at.is_none());
    let owners: Vec<Choice> = owners.map(|user| Choice::new(user.id, user.name)).collect();
    let tags = if chosen.get("action") == "tag" { people_choices::tags(&mut tx).await? } else { Vec::new() };
    drop(tx);
    let effect = if number > ids.len() { None } else { Some(app.engine.bulk_effect(&ids).await?) };
    let known = Known { kind: chosen.kind(), number, effect };
    let face = face(chosen.get("action"), &known).ok_or(PageError::NotFound("action"))?;
    let once = chosen.get("once").parse::<JobId>().unwrap_or_else(|_| app.engine.new_job_id());
    Ok(Page {
        frame: visitor.frame(section(chosen.kind())),
        action: chosen.get("action").to_owned(),
        face,
        once: once.to_string(),
        hidden: chosen.hidden(),
        back: chosen.list(),
        owners,
        owner: chosen.get("owner_id").to_owned(),
        tags,
        add: chosen.get("add").to_owned(),
        remove: chosen.get("remove").to_owned(),
        at: chosen.get("at").to_owned(),
        merge: if chosen.get("action") == "convert" { merge_ask(app, visitor, chosen).await? } else { None },
        chosen_merge: chosen.get("merge").to_owned(),
        errors,
    })
}

async fn merge_ask(app: &App, visitor: &Visitor, chosen: &Chosen) -> Result<Option<MergeAsk>> {
    let found = app.engine.bulk_merges(&visitor.actor, &chosen.selection()?).await?;
    Ok(merge_words(&found))
}

/// What is asked about those who share their address with a contact; nothing if nobody does.
fn merge_words(found: &BulkMerges) -> Option<MergeAsk> {
    let at_least = if found.is_cut { "At least " } else { "" };
    let several = match found.several as u64 {
        0 => String::new(),
        1 => "1 more shares its address with several contacts and is left out: open it to choose one.".to_owned(),
        number => format!(
            "{} more share their address with several contacts and are left out: open them to choose one.",
            words::number(number)
        ),
    };
    let number = found.one as u64;
    let (leads, share) = if number == 1 { ("lead", "shares its") } else { ("leads", "share their") };
    let these = if number == 1 {
        "Leave this one out".to_owned()
    } else {
        format!("Leave these {} out", words::number(number))
    };
    (found.one + found.several > 0).then(|| MergeAsk {
        words: format!("{at_least}{} {leads} {share} email address with a contact.", words::number(number)),
        leave_out: these,
        left_out: if number == 1 {
            "It stays a lead and is listed with the contact."
        } else {
            "They stay leads and are listed, each with the contact."
        },
        several,
    })
}

fn action(chosen: &Chosen, visitor: &Visitor) -> std::result::Result<BulkAction, FormErrors> {
    let tags = |name: &str| {
        chosen.get(name).split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    Ok(match chosen.get("action") {
        "convert" => BulkAction::Convert { merge: chosen.get("merge") == "merge" },
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
    // The id came with the question: the same question answered twice is done once.
    let id = chosen.get("once").parse::<JobId>().unwrap_or_else(|_| app.engine.new_job_id());
    let selection = chosen.selection()?;
    let can_be_undone = action.can_be_undone();
    let rows = match app.engine.bulk_people_as(&visitor.actor, id, &selection, action.clone()).await? {
        BulkDone::Job(job) => return Ok(answer::go(&with_back(&urls::job(job), chosen))),
        BulkDone::Rows(rows) => rows,
    };
    let done = rows.iter().filter(|row| row.refused.is_none()).count();
    if done < rows.len() || rows.iter().any(|row| row.merged_into.is_some()) {
        return Ok(answer::go(&with_back(&urls::job_report(id), chosen)));
    }
    let mut toast = answer::toast("done", format!("{}.", done_words(&action, done)));
    if can_be_undone {
        toast.undo = with_back(&urls::undo_job(id), chosen);
    }
    Ok(answer::said(&chosen.list(), &toast))
}

fn with_back(href: &str, chosen: &Chosen) -> String {
    urls::with_query(href, &[("back", &chosen.list())])
}

/// *Stopped the sequences of 8 people*.
pub fn done_words(action: &BulkAction, number: usize) -> String {
    let who = words::people(number as u64);
    match action {
        BulkAction::Convert { .. } => format!("Converted {who}"),
        BulkAction::Delete => format!("Deleted {who}"),
        BulkAction::Stop => format!("Stopped the sequences of {who}"),
        BulkAction::Pause { .. } => format!("Paused the sequences of {who}"),
        BulkAction::Resume => format!("Resumed the sequences of {who}"),
        BulkAction::Retry => format!("Retried the sequences of {who}"),
        BulkAction::Tag { .. } => format!("Tagged {who}"),
        BulkAction::AssignOwner { .. } => format!("Assigned {who}"),
        BulkAction::FollowVersion { .. } => format!("The new version is live for {who}"),
        BulkAction::Undo { .. } => format!("Undone for {who}"),
        BulkAction::OfTasks { act } => crate::pages::tasks::bulk::done_words(act, number as u64),
        BulkAction::OfUser { .. } => format!("Done for {who}"),
        BulkAction::Enroll { .. } => format!("Started for {who}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_names_what_it_will_do() {
        let effect = BulkEffect { active: 2, paused: 1, blocked: 1, emails: 5, tasks: 1 };
        let known = |number, effect| Known { kind: Kind::Lead, number, effect };
        for action in ["convert", "stop", "pause", "resume", "retry", "tag", "assign", "delete"] {
            let face = face(action, &known(5, Some(effect))).expect(action);
            let page = Page {
                frame: Frame { clock_rate: 1, ..Frame::default() },
                action: action.into(),
                once: "job_1".into(),
                hidden: vec![("id".into(), "per_1".into())],
                back: "/leads".into(),
                owners: vec![Choice::new("usr_1", "Nora")],
                owner: String::new(),
                tags: vec!["reefer".into()],
                add: "reefer".into(),
                remove: String::new(),
                at: String::new(),
                merge: None,
                chosen_merge: String::new(),
                errors: FormErrors::one("at", "Choose a date and time."),
                face: face.clone(),
            };
            let html = page.render().expect("a page");
            assert!(html.contains(&face.button) && html.contains("per_1") && html.contains("job_1"), "{action}");
        }
        let button = |action, number, effect| face(action, &known(number, effect)).expect(action).button;
        assert_eq!(button("stop", 5, Some(effect)), "Stop 4 sequences and cancel 5 scheduled emails and 1 open task");
        assert_eq!(button("stop", 5_000, None), "Stop all sequences and cancel their scheduled emails");
        assert_eq!(
            button("delete", 1, Some(effect)),
            "Delete 1 lead, end 4 sequences and cancel 5 scheduled emails and 1 open task"
        );
        assert_eq!(button("delete", 2, Some(BulkEffect::default())), "Delete 2 leads");
        assert!(face("explode", &known(1, None)).is_none());
        for action in ["stop", "pause", "resume", "retry"] {
            let face = |effect| face(action, &known(5, effect)).expect(action);
            assert!(face(Some(BulkEffect::default())).is_idle && !face(Some(effect)).is_idle && !face(None).is_idle);
        }
    }

    #[test]
    fn merging_is_asked_about_with_its_number() {
        assert!(merge_words(&BulkMerges::default()).is_none());
        let ask = |one, several, is_cut| merge_words(&BulkMerges { one, several, is_cut }).expect("a question");
        assert_eq!(ask(1, 0, false).words, "1 lead shares its email address with a contact.");
        assert_eq!(ask(1, 0, false).leave_out, "Leave this one out");
        let many = ask(1_240, 2, true);
        assert_eq!(many.words, "At least 1,240 leads share their email address with a contact.");
        assert_eq!(many.leave_out, "Leave these 1,240 out");
        assert!(many.several.starts_with("2 more share their address with several contacts"));
    }
}
