//! Who asks: the session cookie, the user behind it, and the frame of their pages.
//!
//! A handler that takes a [`Visitor`] is only for people who are signed in; others are sent to sign in, or to the first
//! set-up. The visitor is read once per request in one transaction; the bar's counts come with it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use jiff::tz::TimeZone;
use relance_domain::mailbox::Mailbox;
use relance_domain::person::Person;
use relance_domain::start_check::SHOWN_MS;
use relance_domain::user::{Actor, Role, Sight, User};
use relance_domain::workspace::Workspace;
use relance_domain::{Timestamp, UserId, quota, time};
use relance_storage::tasks::TaskFilter;
use relance_storage::visibility::SeenBy;
use relance_storage::{Tx, enrollment_views, inbound, mailbox_days, mailboxes, start_checks, tasks, users, workspace};
use secrecy::SecretString;

use crate::app::App;
use crate::csp::Nonce;
use crate::errors::{PageError, Result};
use crate::frame::{Counts, Frame, FrameUser, Notice, SendingStopped, SentToday};
use crate::pages::{demo, lists};
use crate::{answer, urls, words};

/// The cookie of a session.
pub const COOKIE: &str = "relance_session";
/// Answers older than this are not announced any more; Home shows them as long.
const REPLIES_SHOWN_MS: i64 = 3 * time::DAY;
/// Answers looked at for the announcement, and people named in it.
const MOST_REPLIES: u32 = 20;
const NAMED: usize = 2;
/// How long a browser keeps it, in seconds.
const COOKIE_SECONDS: u32 = 30 * 24 * 3600;

/// A person who is signed in, with what every page shows about their day.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The user.
    pub user: User,
    /// As whom commands are given.
    pub actor: Actor,
    /// The workspace.
    pub workspace: Workspace,
    /// The user's own zone.
    pub zone: TimeZone,
    /// The business time of the request.
    pub now: Timestamp,
    /// The user's mailboxes.
    pub mailboxes: Vec<Mailbox>,
    /// Whose people the user may see.
    pub sight: Sight,
    /// The cookie of their session.
    pub token: SecretString,
    frame: Frame,
}

impl Visitor {
    /// The frame of a page that belongs to `section` of the bar.
    pub fn frame(&self, section: &'static str) -> Frame {
        Frame { section, ..self.frame.clone() }
    }

    /// The address of a form that is done once from the page that is drawn now.
    pub fn once(&self, action: impl AsRef<str>) -> String {
        self.frame.once(action)
    }

    /// Refuses everyone but admins.
    pub fn must_be_admin(&self, what: &str) -> Result<()> {
        if self.actor.is_admin() {
            Ok(())
        } else {
            Err(PageError::Forbidden(format!("Only an admin can {what}. Ask one of them.")))
        }
    }

    /// Whether the user may see a person.
    pub fn sees(&self, person: &Person) -> bool {
        self.sight.sees(person.fields.owner_id)
    }

    /// Who asks, for lists of what is about people; `None` = they see everyone.
    pub fn seen_by(&self) -> Option<SeenBy<'_>> {
        match &self.sight {
            Sight::Everyone => None,
            Sight::Owners(owners) => Some(SeenBy { user: self.user.id, owners }),
        }
    }

    /// A person the user may not see is not there for them.
    pub fn must_see(&self, person: &Person) -> Result<()> {
        if self.sees(person) { Ok(()) } else { Err(PageError::NotFound("person")) }
    }

    /// The end of today in the user's zone.
    pub fn end_of_today(&self) -> Timestamp {
        end_of_today(self.now, &self.zone)
    }
}

/// The first instant of tomorrow in `zone`.
fn end_of_today(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let tomorrow = now.zoned(zone).date().tomorrow();
    tomorrow.ok().and_then(|day| time::start_of_day(day, zone)).unwrap_or(now)
}

impl FromRequestParts<App> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let nonce = parts.extensions.get::<Nonce>().cloned();
        match visitor(app, &parts.headers, nonce).await {
            Err(PageError::SignIn(_)) if parts.method == Method::GET => {
                let to = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                Err(PageError::SignIn(to.to_owned()))
            }
            Ok(mut visitor) => {
                visitor.frame.is_record = is_record(parts);
                // Whatever the address names must be theirs to see, on every page there is and will be.
                let asked = parts.uri.path_and_query().map_or("", |path| path.as_str());
                app.engine.check_sight(&visitor.actor, asked).await?;
                Ok(visitor)
            }
            other => other,
        }
    }
}

/// Whether a list asks for the page of a person, to show it beside itself.
fn is_record(parts: &Parts) -> bool {
    let is_asked = parts.headers.get("turbo-frame").is_some_and(|frame| frame == "record");
    is_asked && parts.uri.path().strip_prefix("/people/per_").is_some_and(|rest| !rest.contains('/'))
}

/// Whose session a cookie is.
pub async fn user_of(app: &App, headers: &HeaderMap) -> Result<Option<UserId>> {
    let token = answer::cookie(headers, COOKIE).unwrap_or_default();
    Ok(if token.is_empty() { None } else { app.engine.session_user(token).await?.map(|user| user.id) })
}

/// The visitor behind a cookie.
pub async fn visitor(app: &App, headers: &HeaderMap, nonce: Option<Nonce>) -> Result<Visitor> {
    let token = answer::cookie(headers, COOKIE).unwrap_or_default().to_owned();
    let user = if token.is_empty() { None } else { app.engine.session_user(&token).await? };
    let Some(user) = user else {
        let is_new = app.engine.needs_set_up().await?;
        return Err(if is_new { PageError::SetUp } else { PageError::SignIn(urls::HOME.to_owned()) });
    };
    let mut tx = app.read().await?;
    let workspace = workspace::read(&mut tx).await?.ok_or(PageError::SetUp)?;
    let now = app.now();
    let zone = time::zone(&user.time_zone).unwrap_or_else(|| workspace.zone());
    let mailboxes = mailboxes::of_user(&mut tx, user.id).await?;
    let counts = counts(&mut tx, &user, now, &zone).await?;
    let sent_today = sent_today(&mut tx, &mailboxes, now).await?;
    let actor = Actor::User { id: user.id, role: user.role };
    let sight = app.engine.sight(&actor).await?;
    let smart_lists = lists::pinned(&mut tx, user.id, &sight).await?;
    let frame = Frame {
        workspace: workspace.name.clone(),
        smart_lists,
        theme: theme(headers),
        nonce: nonce.map(|nonce| nonce.0).unwrap_or_default(),
        user: Some(FrameUser { name: user.name.clone(), is_admin: user.role == Role::Admin }),
        counts,
        sent_today,
        sending_stopped: stopped(&workspace, &actor, now, &zone),
        demo: demo::bar(&app.engine, &mailboxes, now, &zone),
        notices: start_notice(&mut tx, now)
            .await?
            .into_iter()
            .chain(mailboxes.iter().filter_map(mailbox_notice))
            .chain(reply_notice(&mut tx, &user, now).await?)
            .collect(),
        toasts: answer::carried_toast(headers).into_iter().collect(),
        now,
        clock_rate: 1,
        ..Frame::default()
    };
    let token = SecretString::from(token);
    Ok(Visitor { user, actor, workspace, zone, now, mailboxes, sight, token, frame })
}

/// The frame of a page for strangers.
pub async fn plain_frame(app: &App, nonce: Option<Nonce>) -> Frame {
    let name = async {
        let mut tx = app.engine.store.read().await.ok()?;
        Some(workspace::read(&mut tx).await.ok()??.name)
    };
    Frame {
        workspace: name.await.unwrap_or_else(|| "Relance".to_owned()),
        nonce: nonce.map(|nonce| nonce.0).unwrap_or_default(),
        now: app.now(),
        clock_rate: 1,
        ..Frame::default()
    }
}

fn theme(headers: &HeaderMap) -> String {
    let chosen = answer::cookie(headers, "relance_theme").filter(|theme| ["light", "dark"].contains(theme));
    chosen.unwrap_or_default().to_owned()
}

async fn counts(tx: &mut Tx, user: &User, now: Timestamp, zone: &TimeZone) -> Result<Counts> {
    let owners = [user.id];
    let due_before = Some(end_of_today(now, zone));
    let today = TaskFilter { owners: &owners, open: Some(true), due_before, ..TaskFilter::default() };
    let blocked = enrollment_views::blocked_by_reason(tx, Some(user.id)).await?;
    Ok(Counts {
        tasks: tasks::count(tx, today).await?.into(),
        review: inbound::tray_count(tx).await?.into(),
        blocked: blocked.iter().map(|(_, number)| u64::from(*number)).sum(),
    })
}

async fn sent_today(tx: &mut Tx, mailboxes: &[Mailbox], now: Timestamp) -> Result<Option<SentToday>> {
    if mailboxes.is_empty() {
        return Ok(None);
    }
    let days: Vec<_> = mailboxes.iter().map(|mailbox| (mailbox.id, now.zoned(&mailbox.zone()).date())).collect();
    let used = mailbox_days::used_on(tx, &days).await?;
    Ok(Some(SentToday {
        done: used.iter().map(|(_, number)| u64::from(*number)).sum(),
        quota: mailboxes.iter().map(|mailbox| u64::from(mailbox.quota_on(quota::day_of(mailbox, now)))).sum(),
    }))
}

fn stopped(workspace: &Workspace, actor: &Actor, now: Timestamp, zone: &TimeZone) -> Option<SendingStopped> {
    let since = crate::pages::in_sentence(&words::moment(workspace.paused_at?, now, zone));
    let resume_action = if actor.is_admin() { urls::RESUME_SENDING.to_owned() } else { String::new() };
    let cure = if actor.is_admin() { "" } else { " Ask an admin to resume." };
    Some(SendingStopped { words: format!("Since {since}. Nothing leaves until it is resumed.{cure}"), resume_action })
}

/// What a start found that holds emails, or how that ended within the last day.
async fn start_notice(tx: &mut Tx, now: Timestamp) -> Result<Option<Notice>> {
    let Some(check) = start_checks::current(tx).await? else { return Ok(None) };
    let Some(done_at) = check.done_at else {
        let waiting = start_checks::waiting(tx).await?;
        return Ok((!waiting.is_empty()).then(|| Notice {
            state: "paused".to_owned(),
            title: check.title(),
            text: check.waiting_words(&waiting),
            ..Notice::default()
        }));
    };
    if now.since(done_at) > SHOWN_MS {
        return Ok(None);
    }
    let blocked = enrollment_views::blocked_by_reason(tx, None).await?;
    let of = |code: &str| blocked.iter().find(|(reason, _)| reason == code).map_or(0, |(_, number)| *number);
    let (to_review, late) = (of("held_for_review"), of("late_start"));
    let (cure, href) = match (to_review, late) {
        (0, 0) => (String::new(), String::new()),
        (0, _) => ("See who is held".to_owned(), urls::HOME.to_owned()),
        _ => ("Review".to_owned(), urls::REVIEW.to_owned()),
    };
    let state = if href.is_empty() { "info" } else { "uncertain" };
    let text = check.done_words(to_review, late);
    Ok(Some(Notice { state: state.to_owned(), title: check.title(), text, cure, href }))
}

/// Answers that came and were not seen yet: from whom, and where to read them.
async fn reply_notice(tx: &mut Tx, user: &User, now: Timestamp) -> Result<Option<Notice>> {
    let seen = users::replies_seen_at(tx, user.id).await?.unwrap_or(user.created_at);
    let since = seen.max(now.plus_ms(-REPLIES_SHOWN_MS));
    let found = inbound::replies_for(tx, user.id, since, MOST_REPLIES).await?;
    let mut names: Vec<String> = Vec::new();
    for view in &found {
        let name = view.person_name.clone().unwrap_or_else(|| view.message.from_address.clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let only = found.first().filter(|_| names.len() == 1).and_then(|view| view.message.person_id);
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    Ok((!names.is_empty()).then(|| Notice {
        state: "info".to_owned(),
        title: format!("{} answered.", words::list(&names)),
        text: "What ran for them has ended by itself.".to_owned(),
        cure: if only.is_some() { "Read it".to_owned() } else { "Read them".to_owned() },
        href: only.map_or_else(|| urls::HOME.to_owned(), urls::person),
    }))
}

fn mailbox_notice(mailbox: &Mailbox) -> Option<Notice> {
    let text = mailbox.state.message()?;
    Some(Notice {
        state: "blocked".to_owned(),
        title: format!("{} needs you.", mailbox.address),
        text: format!("{text} Nothing was lost."),
        cure: "Open the mailbox".to_owned(),
        href: urls::mailbox(mailbox.id),
    })
}

/// Gives the browser the cookie of a session.
pub fn begin(app: &App, response: &mut Response, token: &str) {
    set_cookie(app, response, token, COOKIE_SECONDS);
}

/// Takes the cookie away.
pub fn end(app: &App, response: &mut Response) {
    set_cookie(app, response, "", 0);
}

fn set_cookie(app: &App, response: &mut Response, token: &str, seconds: u32) {
    put_cookie(app, response, COOKIE, token, seconds);
}

/// Sets a cookie that scripts do not see, for so many seconds; 0 takes it away.
pub fn put_cookie(app: &App, response: &mut Response, name: &str, value: &str, seconds: u32) {
    let secure = if app.is_https() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Middleware: takes the toast's cookie away once a page has shown it.
pub async fn drop_toast(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let is_carried = answer::cookie(request.headers(), answer::TOAST).is_some();
    let is_prefetch = request.headers().contains_key("x-sec-purpose") || request.headers().contains_key("sec-purpose");
    let mut response = next.run(request).await;
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_carried && !is_prefetch && is_page && !response.status().is_redirection() {
        let gone = format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", answer::TOAST);
        if let Ok(value) = HeaderValue::from_str(&gone) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}
