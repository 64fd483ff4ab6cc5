//! Users with their roles; admins add and change them and set passwords. Deactivating is in [`super::hand_over`].

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{Redirect, Response};
use relance_domain::user::{Role, Team, User};
use relance_domain::{TeamId, UserId};
use relance_engine::commands::users::{NewUser, UserChange};
use relance_storage::{Tx, teams, users};
use secrecy::SecretString;

use super::user_links;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::{Choice, Typed};
use crate::session::Visitor;
use crate::{answer, urls};

const FIELDS: [&str; 5] = ["name", "email", "role", "team_id", "password"];

/// Roles with their words and what they may do.
const ROLES: [(&str, &str, &str); 3] = [
    ("rep", "Rep", "Works with people, and with their own mailbox, tasks and sequences."),
    ("manager", "Manager", "The same for the whole team, and enrolls on behalf of others."),
    ("admin", "Admin", "Everything. Only admins write sequences, users and settings."),
];

/// The word of a role.
pub fn role_word(role: Role) -> &'static str {
    ROLES.iter().find(|(name, ..)| *name == role.as_str()).map_or("", |(_, word, _)| word)
}

#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    email: String,
    role: &'static str,
    team: String,
    is_active: bool,
    is_oneself: bool,
    href: String,
    password: String,
    link: String,
    /// Turns the second step off; empty where there is none.
    two_step_off: String,
    deactivate: String,
    reactivate: String,
    hand_over: String,
}

#[derive(Template)]
#[template(path = "settings/team.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    may_write: bool,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "settings/user.html")]
struct FormPage {
    frame: Frame,
    title: String,
    button: &'static str,
    is_new: bool,
    teams: Vec<Choice>,
    typed: Typed,
    errors: FormErrors,
    action: String,
}

impl FormPage {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }

    const fn roles() -> [(&'static str, &'static str, &'static str); 3] {
        ROLES
    }
}

#[derive(Template)]
#[template(path = "settings/password.html")]
struct PasswordPage {
    frame: Frame,
    name: String,
    action: String,
    errors: FormErrors,
}

fn row(user: User, teams: &[Team], two_step: &[UserId], visitor: &Visitor) -> Row {
    let has_two_step = two_step.contains(&user.id);
    let team = teams.iter().find(|team| Some(team.id) == user.team_id);
    Row {
        role: role_word(user.role),
        team: team.map(|team| team.name.clone()).unwrap_or_default(),
        is_active: user.deactivated_at.is_none(),
        is_oneself: user.id == visitor.user.id,
        href: urls::user(user.id),
        password: urls::user_action(user.id, "password"),
        link: urls::user_action(user.id, "link"),
        two_step_off: if has_two_step { urls::user_action(user.id, "two-step-off") } else { String::new() },
        deactivate: urls::user_action(user.id, "deactivate"),
        reactivate: urls::user_action(user.id, "reactivate"),
        hand_over: urls::user_action(user.id, "hand-over"),
        name: user.name,
        email: user.email,
    }
}

/// Where the users were before.
pub async fn moved(uri: Uri) -> Redirect {
    let rest = uri.path().strip_prefix("/settings/team").unwrap_or_default();
    Redirect::permanent(&format!("{}{rest}", urls::USERS))
}

/// The list.
pub async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let mut tx = app.read().await?;
    let teams = teams::list(&mut tx).await?;
    let two_step = users::with_two_step(&mut tx).await?;
    let users = users::list(&mut tx).await?;
    let mut rows: Vec<_> = users.into_iter().map(|user| row(user, &teams, &two_step, &visitor)).collect();
    rows.sort_by_key(|row| !row.is_active);
    answer::page(&Page { frame: visitor.frame("settings"), tab: "users", may_write: visitor.actor.is_admin(), rows })
}

pub(super) async fn find(tx: &mut Tx, id: UserId) -> Result<User> {
    users::find(tx, id).await?.ok_or(PageError::NotFound("user"))
}

async fn form(app: &App, visitor: &Visitor, of: Option<&User>, typed: Typed, errors: FormErrors) -> Result<FormPage> {
    let teams = teams::list(&mut app.read().await?).await?;
    Ok(FormPage {
        teams: teams.into_iter().map(|team| Choice::new(team.id, team.name)).collect(),
        frame: visitor.frame("settings"),
        title: of.map_or_else(|| "Add a user".to_owned(), |user| format!("Edit {}", user.name)),
        button: if of.is_some() { "Save user" } else { "Add user" },
        is_new: of.is_none(),
        typed,
        errors,
        action: of.map_or_else(|| visitor.once(urls::NEW_USER), |user| urls::user(user.id)),
    })
}

/// The form of a new user.
pub async fn new(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    visitor.must_be_admin("add users")?;
    let typed = Typed::of([("role", "rep".to_owned())]);
    answer::page(&form(&app, &visitor, None, typed, FormErrors::default()).await?)
}

fn role(typed: &Typed) -> Role {
    Role::parse(typed.get("role")).unwrap_or(Role::Rep)
}

/// The team that was chosen; none for *no team*.
fn team(typed: &Typed) -> std::result::Result<Option<TeamId>, PageError> {
    match typed.get("team_id") {
        "" => Ok(None),
        _ => typed
            .parse("team_id", "Choose a team from the list.")
            .map(Some)
            .map_err(|refused| PageError::Refused(vec![refused])),
    }
}

async fn add(app: &App, visitor: &Visitor, typed: &Typed) -> Result<User> {
    visitor.must_be_admin("add users")?;
    let new = NewUser {
        email: typed.trimmed("email"),
        name: typed.trimmed("name"),
        role: role(typed),
        time_zone: String::new(),
        team_id: team(typed)?,
        password: Some(typed.get("password")).filter(|typed| !typed.is_empty()).map(SecretString::from),
    };
    Ok(app.engine.add_user(&visitor.actor, new).await?)
}

/// Adds a user.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    match add(&app, &visitor, &typed).await {
        Ok(user) if typed.get("password").is_empty() => {
            let link = app.engine.make_password_link(&visitor.actor, user.id).await?;
            user_links::shown(&app, &visitor, link)
        }
        Ok(user) => {
            let words = format!("{} can sign in with {} and the password you chose.", user.name, user.email);
            Ok(answer::said(urls::USERS, &answer::toast("done", words)))
        }
        Err(error) => answer::refused(&form(&app, &visitor, None, typed, error.refused()?).await?),
    }
}

/// The form of a user.
pub async fn edit(State(app): State<App>, visitor: Visitor, Path(id): Path<UserId>) -> Result<Response> {
    visitor.must_be_admin("change users")?;
    let user = find(&mut app.read().await?, id).await?;
    let typed = Typed::of([
        ("name", user.name.clone()),
        ("email", user.email.clone()),
        ("role", user.role.as_str().to_owned()),
        ("team_id", user.team_id.map(|id| id.to_string()).unwrap_or_default()),
    ]);
    answer::page(&form(&app, &visitor, Some(&user), typed, FormErrors::default()).await?)
}

async fn save(app: &App, visitor: &Visitor, id: UserId, typed: &Typed) -> Result<User> {
    visitor.must_be_admin("change users")?;
    let change = UserChange {
        name: Some(typed.trimmed("name")),
        email: Some(typed.trimmed("email")),
        role: Some(role(typed)),
        team_id: Some(team(typed)?),
        ..UserChange::default()
    };
    Ok(app.engine.edit_user(&visitor.actor, id, change).await?)
}

/// Saves a user.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<UserId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    match save(&app, &visitor, id, &typed).await {
        Ok(user) => Ok(answer::said(urls::USERS, &answer::toast("done", format!("{} is saved.", user.name)))),
        Err(error) => {
            let errors = error.refused()?;
            let user = find(&mut app.read().await?, id).await?;
            answer::refused(&form(&app, &visitor, Some(&user), typed, errors).await?)
        }
    }
}

fn password_page(visitor: &Visitor, user: User, errors: FormErrors) -> PasswordPage {
    PasswordPage {
        frame: visitor.frame("settings"),
        action: urls::user_action(user.id, "password"),
        name: user.name,
        errors,
    }
}

/// The form of a user's new password.
pub async fn ask_password(State(app): State<App>, visitor: Visitor, Path(id): Path<UserId>) -> Result<Response> {
    visitor.must_be_admin("set passwords of others")?;
    let user = find(&mut app.read().await?, id).await?;
    answer::page(&password_page(&visitor, user, FormErrors::default()))
}

/// Sets it; the user is signed out everywhere.
pub async fn set_password(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<UserId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let password = SecretString::from(typed.get("password").to_owned());
    let set = app.engine.set_password(&visitor.actor, id, &password).await.map_err(PageError::from);
    let user = find(&mut app.read().await?, id).await?;
    match set {
        Ok(()) => {
            let words = format!("{} has a new password and was signed out everywhere.", user.name);
            Ok(answer::said(urls::USERS, &answer::toast("done", words)))
        }
        Err(error) => answer::refused(&password_page(&visitor, user, error.refused()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame { clock_rate: 1, ..Frame::default() }
    }

    fn rows() -> Vec<Row> {
        let row = |name: &str, is_active| Row {
            name: name.into(),
            email: format!("{name}@halden.example"),
            role: role_word(Role::Manager),
            is_active,
            href: "/settings/users/usr_2".into(),
            deactivate: "/settings/users/usr_2/deactivate".into(),
            reactivate: "/settings/users/usr_2/reactivate".into(),
            ..Row::default()
        };
        vec![row("Jonas", true), row("Ida", false)]
    }

    #[test]
    fn admins_change_users_and_others_read_the_list() {
        let html = Page { frame: frame(), tab: "users", may_write: true, rows: rows() }.render().expect("a page");
        for words in ["Jonas", "Manager", "Deactivated", "usr_2/deactivate", "usr_2/reactivate", "Add a user"] {
            assert!(html.contains(words), "{words}");
        }
        let html = Page { frame: frame(), tab: "users", may_write: false, rows: rows() }.render().expect("a page");
        assert!(html.contains("Jonas") && !html.contains("usr_2/deactivate") && !html.contains("Add a user"));
    }

    #[test]
    fn the_forms_keep_what_was_typed_and_say_what_will_happen() {
        let page = FormPage {
            frame: frame(),
            title: "Add a user".into(),
            button: "Add user",
            is_new: true,
            teams: vec![Choice::new("tea_1", "South")],
            typed: Typed::of([
                ("email", "ida@halden.example".into()),
                ("role", "manager".into()),
                ("password", "secret".into()),
            ]),
            errors: FormErrors::one("password", "Choose a password of at least 10 characters."),
            action: urls::NEW_USER.into(),
        };
        let html = page.render().expect("a page");
        assert!(
            html.contains("ida@halden.example")
                && html.contains("at least 10 characters")
                && !html.contains("\"secret\"")
        );
        let page =
            PasswordPage { frame: frame(), name: "Ida".into(), action: "/x".into(), errors: FormErrors::default() };
        assert!(page.render().expect("a page").contains("signed out everywhere"));
    }
}
