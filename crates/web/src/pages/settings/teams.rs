//! Teams with their members, and which people reps see: all, their team's, or their own. For admins alone.
//!
//! A team is saved with its members at once. The setting holds from the next request on, for pages, API and exports
//! alike; nothing of a person changes by it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::user::{Role, Team, User, Visibility};
use relance_domain::workspace::Workspace;
use relance_domain::{TeamId, UserId};
use relance_storage::{teams, users};

use super::team::role_word;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls, words};

const FIELDS: [&str; 1] = ["name"];

/// What reps may see, with what it means and what it leads to.
const CHOICES: [(Visibility, &str, &str, &str); 3] = [
    (
        Visibility::All,
        "All people",
        "Reps and managers see every lead and contact, whoever owns them.",
        "Reps now see all people.",
    ),
    (
        Visibility::Team,
        "The people of their team",
        "Reps and managers see people whose owner is in their team. Whoever is in no team sees their own.",
        "Reps now see the people of their team.",
    ),
    (
        Visibility::Own,
        "Their own people",
        "Reps see the people they own. Managers see those of their whole team.",
        "Reps now see their own people.",
    ),
];

/// A team in the list.
#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    members: String,
    number: String,
    edit: String,
    delete: String,
    confirm: String,
}

/// A user who can be put into a team.
#[derive(Clone, Debug, Default)]
struct Member {
    id: String,
    name: String,
    meta: String,
    is_in: bool,
}

#[derive(Template)]
#[template(path = "settings/teams.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    rows: Vec<Row>,
    visibility: &'static str,
    without_team: String,
}

impl Page {
    const fn choices() -> [(Visibility, &'static str, &'static str, &'static str); 3] {
        CHOICES
    }
}

#[derive(Template)]
#[template(path = "settings/team_form.html")]
struct FormPage {
    frame: Frame,
    title: String,
    button: &'static str,
    action: String,
    team_name: String,
    members: Vec<Member>,
    errors: FormErrors,
}

impl FormPage {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }
}

fn row(team: &Team, users: &[User]) -> Row {
    let members: Vec<String> =
        users.iter().filter(|user| user.team_id == Some(team.id)).map(|user| user.name.clone()).collect();
    let people = words::count(members.len() as u64, "member", "members");
    Row {
        confirm: format!(
            "Delete the team {}? Its {people} are then in no team; nothing else of them changes.",
            team.name
        ),
        number: words::number(members.len() as u64),
        members: words::list(&members),
        name: team.name.clone(),
        edit: urls::team(team.id),
        delete: urls::delete_team(team.id),
    }
}

/// *Emeka Obi and 2 others are in no team.*; empty if everyone for whom it matters is in one.
fn without_team(users: &[User]) -> String {
    let alone: Vec<&User> = users
        .iter()
        .filter(|user| user.team_id.is_none() && user.deactivated_at.is_none() && user.role != Role::Admin)
        .collect();
    match alone.as_slice() {
        [] => String::new(),
        [one] => format!("{} is in no team.", one.name),
        [first, rest @ ..] => {
            let others = words::count(rest.len() as u64, "other is", "others are");
            format!("{} and {others} in no team.", first.name)
        }
    }
}

/// The list and the setting.
pub async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    visitor.must_be_admin("see teams and who sees whom")?;
    let mut tx = app.read().await?;
    let (found, users) = (teams::list(&mut tx).await?, users::list(&mut tx).await?);
    answer::page(&Page {
        frame: visitor.frame("settings"),
        tab: "teams",
        rows: found.iter().map(|team| row(team, &users)).collect(),
        visibility: visitor.workspace.people_visibility.as_str(),
        without_team: without_team(&users),
    })
}

/// Saves which people reps see.
pub async fn set_visibility(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    visitor.must_be_admin("change who sees whom")?;
    let Some(visibility) = Visibility::parse(typed.get("people_visibility")) else {
        let toast = answer::toast("blocked", "Choose which people reps see. Nothing was changed.");
        return Ok(answer::said(urls::TEAMS, &toast));
    };
    let change = |workspace: &mut Workspace| workspace.people_visibility = visibility;
    let saved = app.engine.edit_workspace(&visitor.actor, change).await;
    answer::outcome(urls::TEAMS, saved, |_| {
        let said = CHOICES.iter().find(|(known, ..)| *known == visibility).map_or("", |(.., said)| said);
        answer::toast("done", said)
    })
}

async fn draw(
    app: &App,
    visitor: &Visitor,
    team: Option<&Team>,
    sent: Option<(Typed, FormErrors)>,
) -> Result<FormPage> {
    let mut tx = app.read().await?;
    let (found, users) = (teams::list(&mut tx).await?, users::list(&mut tx).await?);
    let in_form = |id: UserId| match &sent {
        Some((typed, _)) => typed.has("member", &id.to_string()),
        None => false,
    };
    let is_in = |user: &User| match (&sent, team) {
        (None, Some(team)) => user.team_id == Some(team.id),
        _ => in_form(user.id),
    };
    let meta = |user: &User| {
        let other = user.team_id.filter(|id| team.is_none_or(|team| team.id != *id));
        let other = other.and_then(|id| found.iter().find(|team| team.id == id));
        let now = other.map(|team| format!(", now in {}", team.name)).unwrap_or_default();
        let gone = if user.deactivated_at.is_some() { ", deactivated" } else { "" };
        format!("{}{now}{gone}", role_word(user.role))
    };
    let members = users.iter().filter(|user| user.deactivated_at.is_none() || is_in(user)).map(|user| Member {
        id: user.id.to_string(),
        name: user.name.clone(),
        meta: meta(user),
        is_in: is_in(user),
    });
    let members = members.collect();
    let (typed, errors) = sent.unwrap_or_default();
    Ok(FormPage {
        frame: visitor.frame("settings"),
        title: team.map_or_else(|| "New team".to_owned(), |team| format!("Edit {}", team.name)),
        button: if team.is_some() { "Save team" } else { "Create team" },
        action: team.map_or_else(|| visitor.once(urls::NEW_TEAM), |team| urls::team(team.id)),
        team_name: match team {
            Some(team) if errors.is_empty() => team.name.clone(),
            _ => typed.get("name").to_owned(),
        },
        members,
        errors,
    })
}

async fn find(app: &App, id: TeamId) -> Result<Team> {
    teams::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("team"))
}

/// The form of a new team.
pub async fn new(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    visitor.must_be_admin("make teams")?;
    answer::page(&draw(&app, &visitor, None, None).await?)
}

/// The form of a team.
pub async fn edit(State(app): State<App>, visitor: Visitor, Path(id): Path<TeamId>) -> Result<Response> {
    visitor.must_be_admin("change teams")?;
    let team = find(&app, id).await?;
    answer::page(&draw(&app, &visitor, Some(&team), None).await?)
}

/// Makes a team.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    save(&app, &visitor, None, typed).await
}

/// Saves a team.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<TeamId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    save(&app, &visitor, Some(id), typed).await
}

async fn save(app: &App, visitor: &Visitor, id: Option<TeamId>, typed: Typed) -> Result<Response> {
    let members: Vec<UserId> = typed.all("member").into_iter().filter_map(|id| id.parse().ok()).collect();
    match app.engine.save_team(&visitor.actor, id, typed.get("name"), &members).await.map_err(PageError::from) {
        Ok(team) => {
            let number = words::count(members.len() as u64, "member", "members");
            Ok(answer::said(urls::TEAMS, &answer::toast("done", format!("{} has {number}.", team.name))))
        }
        Err(error) => {
            let errors = error.refused()?;
            let team = match id {
                Some(id) => Some(find(app, id).await?),
                None => None,
            };
            answer::refused(&draw(app, visitor, team.as_ref(), Some((typed, errors))).await?)
        }
    }
}

/// Deletes a team.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<TeamId>) -> Result<Response> {
    visitor.must_be_admin("delete teams")?;
    let team = find(&app, id).await?;
    let done = app.engine.delete_team(&visitor.actor, id).await;
    answer::outcome(urls::TEAMS, done, |()| {
        answer::toast("done", format!("{} is deleted. Its members are in no team.", team.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame { clock_rate: 1, ..Frame::default() }
    }

    #[test]
    fn the_page_says_what_each_setting_means_and_who_is_in_no_team() {
        let page = Page {
            frame: frame(),
            tab: "teams",
            rows: vec![Row { name: "South".into(), members: "Rita and Otto".into(), ..Row::default() }],
            visibility: "team",
            without_team: "Ida is in no team.".into(),
        };
        let html = page.render().expect("a page");
        for (_, label, meta, _) in CHOICES {
            assert!(html.contains(label) && html.contains(meta), "{label}");
        }
        for words in ["South", "Rita and Otto", "Ida is in no team.", "value=\"team\" checked"] {
            assert!(html.contains(words), "{words}");
        }
        let empty = Page { rows: Vec::new(), ..page };
        assert!(empty.render().expect("a page").contains("No teams yet"));
    }

    #[test]
    fn the_form_keeps_what_was_typed() {
        let page = FormPage {
            frame: frame(),
            title: "New team".into(),
            button: "Create team",
            action: urls::NEW_TEAM.into(),
            team_name: "South".into(),
            members: vec![Member { id: "usr_1".into(), name: "Rita".into(), meta: "Rep".into(), is_in: true }],
            errors: FormErrors::one("name", "Another team has this name."),
        };
        let html = page.render().expect("a page");
        for words in ["value=\"South\"", "Another team has this name.", "value=\"usr_1\" checked"] {
            assert!(html.contains(words), "{words}");
        }
    }
}
