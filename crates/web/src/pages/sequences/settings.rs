//! The settings of a sequence: name, when emails may leave, what ends it, the unsubscribe line.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::calendar::LocalSchedule;
use relance_domain::drafting::Part;
use relance_domain::sequence::{ExitRules, OnBounce, OnColleagueReply, Plan, Sequence, Unsubscribe, UsableBy};
use relance_domain::{Refused, SequenceId};
use relance_engine::commands::drafts::CHANGED_MEANWHILE;
use relance_engine::commands::sequences::SequenceFields;
use relance_storage::{sequences, teams, users};

use super::head::{self, Head};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::{Choice, Typed, all_right, or_default};
use crate::pages::schedule;
use crate::session::Visitor;
use crate::{answer, urls};

const FIELDS: [&str; 11] = [
    "usable_by",
    "unsubscribe.enabled",
    "name",
    "description",
    "exit.auto_reply_days",
    "exit.on_bounce",
    "exit.on_colleague_reply",
    schedule::FIELDS[0],
    schedule::FIELDS[1],
    schedule::FIELDS[2],
    schedule::FIELDS[3],
];
/// Languages of the unsubscribe line.
const LOCALES: [(&str, &str); 7] = [
    ("en", "English"),
    ("de", "German"),
    ("fr", "French"),
    ("es", "Spanish"),
    ("it", "Italian"),
    ("nl", "Dutch"),
    ("pt", "Portuguese"),
];

#[derive(Template)]
#[template(path = "sequences/settings.html")]
struct Page {
    frame: Frame,
    head: Head,
    tab: &'static str,
    typed: Typed,
    errors: FormErrors,
    offers_any_time: bool,
    zones: Vec<Choice>,
    sentence: String,
    /// When an email that is due now would leave.
    examples: Vec<String>,
    has_address: bool,
    folders: Vec<String>,
    teams: Vec<Choice>,
    users: Vec<Choice>,
    action: String,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }

    fn windows(&self) -> Vec<schedule::Row> {
        schedule::rows(&self.typed)
    }

    const fn locales() -> [(&'static str, &'static str); 7] {
        LOCALES
    }
}

fn typed_of(sequence: &Sequence) -> Typed {
    let exit = sequence.draft.exit;
    let unsubscribe = &sequence.draft.unsubscribe;
    let mut typed = Typed::of([
        ("name", sequence.name.clone()),
        ("description", sequence.description.clone()),
        ("exit.on_bounce", if exit.on_bounce == OnBounce::Block { "block" } else { "finish" }.to_owned()),
        ("exit.on_colleague_reply", colleague_name(exit.on_colleague_reply).to_owned()),
        ("exit.auto_reply_days", exit.auto_reply_days.to_string()),
        ("unsubscribe.enabled", if unsubscribe.enabled { "1" } else { "" }.to_owned()),
        ("unsubscribe.locale", unsubscribe.locale.clone()),
    ]);
    schedule::put(&mut typed, sequence.draft.schedule.as_ref());
    typed.set("folder", &sequence.folder);
    typed.set("usable_by.who", if sequence.usable_by == UsableBy::Everyone { "everyone" } else { "some" });
    if let UsableBy::Some { teams, users } = &sequence.usable_by {
        teams.iter().for_each(|id| typed.push("usable_by.teams", id.to_string()));
        users.iter().for_each(|id| typed.push("usable_by.users", id.to_string()));
    }
    typed
}

/// Who may use it, as the form says.
fn usable_by(typed: &Typed) -> UsableBy {
    if typed.get("usable_by.who") != "some" {
        return UsableBy::Everyone;
    }
    UsableBy::Some {
        teams: typed.all("usable_by.teams").into_iter().filter_map(|id| id.parse().ok()).collect(),
        users: typed.all("usable_by.users").into_iter().filter_map(|id| id.parse().ok()).collect(),
    }
}

const fn colleague_name(rule: OnColleagueReply) -> &'static str {
    match rule {
        OnColleagueReply::Continue => "continue",
        OnColleagueReply::Hold => "hold",
        OnColleagueReply::Stop => "stop",
    }
}

/// The plan the form stands for, with the steps of the draft.
fn read(typed: &Typed) -> std::result::Result<Plan, Vec<Refused>> {
    let (schedule, mut wrong) = match schedule::read(typed) {
        Ok(schedule) => (schedule, Vec::new()),
        Err(wrong) => (None, wrong),
    };
    let days = typed.number("exit.auto_reply_days", "Enter a whole number of business days.");
    let exit = ExitRules {
        on_bounce: if typed.get("exit.on_bounce") == "finish" { OnBounce::Finish } else { OnBounce::Block },
        on_colleague_reply: match typed.get("exit.on_colleague_reply") {
            "continue" => OnColleagueReply::Continue,
            "stop" => OnColleagueReply::Stop,
            _ => OnColleagueReply::Hold,
        },
        auto_reply_days: or_default(days, &mut wrong),
    };
    let unsubscribe =
        Unsubscribe { enabled: typed.is_set("unsubscribe.enabled"), locale: typed.trimmed("unsubscribe.locale") };
    all_right(Plan { steps: Vec::new(), schedule, exit, unsubscribe }, wrong)
}

async fn draw(app: &App, visitor: &Visitor, id: SequenceId, sent: Option<(Typed, FormErrors)>) -> Result<Page> {
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    let head = head::read(&mut tx, visitor, &sequence).await?;
    let (mut typed, errors) = sent.unwrap_or_else(|| (typed_of(&sequence), FormErrors::default()));
    if !typed.is_set("draft") {
        typed.set("draft", sequence.draft_number.to_string());
    }
    Ok(Page {
        frame: visitor.frame("sequences"),
        head,
        tab: "settings",
        typed,
        errors,
        offers_any_time: true,
        zones: schedule::zones(),
        sentence: schedule::sentence(sequence.draft.schedule.as_ref()),
        examples: schedule::examples(
            &LocalSchedule::in_workspace(sequence.draft.schedule.as_ref(), visitor.zone.clone(), &visitor.workspace),
            visitor.now,
        ),
        folders: sequences::folders(&mut tx).await?,
        teams: teams::list(&mut tx).await?.into_iter().map(|team| Choice::new(team.id, team.name)).collect(),
        users: users::list(&mut tx)
            .await?
            .into_iter()
            .filter(|user| user.deactivated_at.is_none())
            .map(|user| Choice::new(user.id, user.name))
            .collect(),
        has_address: !visitor.workspace.postal_address.trim().is_empty(),
        action: urls::sequence_tab(id, "settings"),
    })
}

/// The tab.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<SequenceId>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, id, None).await?)
}

/// Saves it in the draft.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<SequenceId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let saved = match read(&typed) {
        Ok(plan) => {
            let (name, description) = (typed.get("name").to_owned(), typed.get("description").to_owned());
            let (folder, usable_by) = (typed.get("folder").to_owned(), usable_by(&typed));
            let change = |fields: &mut SequenceFields| {
                let steps = std::mem::take(&mut fields.plan.steps);
                *fields = SequenceFields { name, description, folder, usable_by, plan: Plan { steps, ..plan } };
            };
            let part = (Part::Settings, typed.get("draft").parse().ok());
            app.engine.edit_part(&visitor.actor, id, part, change).await.map_err(PageError::from)
        }
        Err(wrong) => Err(PageError::Refused(wrong)),
    };
    match saved {
        Ok(_) => Ok(answer::said(&urls::sequence_tab(id, "settings"), &answer::toast("done", "Saved in the draft."))),
        Err(error) => {
            let FormErrors(refused) = error.refused()?;
            let mut typed = typed;
            if refused.iter().any(|refused| refused.code == CHANGED_MEANWHILE) {
                typed.set("draft", "");
            }
            let errors = FormErrors(refused.into_iter().map(schedule::at_one_field).collect());
            answer::refused(&draw(&app, &visitor, id, Some((typed, errors))).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(may_write: bool) -> Page {
        let mut typed = Typed::of([("name", "Winter depots".into()), ("exit.auto_reply_days", "5".into())]);
        schedule::put(&mut typed, Some(&relance_domain::schedule::Schedule::default()));
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            head: Head { name: "Winter depots".into(), may_write, ..Head::default() },
            tab: "settings",
            typed,
            errors: FormErrors::one("schedule.windows", "A window must close after it opens."),
            offers_any_time: true,
            zones: vec![Choice::new("person", "The person's")],
            sentence: "Mon to Fri, 09:00 to 17:00".into(),
            examples: vec!["An email that is due now leaves Mon, 09:00 in your time zone.".into()],
            has_address: false,
            folders: vec!["Prospecting".into()],
            teams: vec![Choice::new("tea_1", "South")],
            users: vec![Choice::new("usr_1", "Rita Rep")],
            action: "/sequences/seq_1/settings".into(),
        }
    }

    #[test]
    fn the_settings_are_a_form_for_admins_and_words_for_others() {
        let html = page(true).render().expect("a page");
        for words in [
            "A window must close",
            "schedule.holidays",
            "exit.on_colleague_reply",
            "Add the postal address",
            "Rita Rep",
            "South",
            "leaves Mon, 09:00",
        ] {
            assert!(html.contains(words), "{words}");
        }
        let html = page(false).render().expect("a page");
        assert!(html.contains("Mon to Fri, 09:00 to 17:00") && !html.contains("<form class=\"form"));
    }

    #[test]
    fn every_language_that_is_offered_has_a_line_and_a_page_of_its_own() {
        let mut lines: Vec<_> =
            LOCALES.map(|(locale, _)| relance_engine::rendering::unsubscribe_words(locale)).to_vec();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), LOCALES.len());
        for (locale, _) in LOCALES {
            assert_eq!(crate::pages::unsubscribe::language_of(locale), locale);
        }
    }

    #[test]
    fn what_the_form_says_is_the_plan() {
        let mut typed = page(true).typed;
        typed.set("exit.on_bounce", "finish");
        typed.set("exit.on_colleague_reply", "stop");
        let plan = read(&typed).expect("a plan");
        assert_eq!(
            plan.exit,
            ExitRules { on_bounce: OnBounce::Finish, on_colleague_reply: OnColleagueReply::Stop, auto_reply_days: 5 }
        );
        typed.set("exit.auto_reply_days", "soon");
        assert_eq!(read(&typed).expect_err("a refusal")[0].field.as_deref(), Some("exit.auto_reply_days"));
    }
}
