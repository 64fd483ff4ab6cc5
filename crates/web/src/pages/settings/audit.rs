//! The audit log: who did what, when and why; admins read it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use relance_domain::audit::{Act, Area, AuditEntry};
use relance_domain::{AuditEntryId, Timestamp, UserId, time};
use relance_engine::commands::csv_text;
use relance_storage::audit::{self, AuditFilter};
use relance_storage::users;
use serde::Deserialize;

use crate::app::App;
use crate::errors::Result;
use crate::extract::Query;
use crate::frame::Frame;
use crate::pages::form::Choice;
use crate::session::Visitor;
use crate::words::When;
use crate::{answer, urls, words};

const ROWS: usize = 100;

/// Which lines are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    q: String,
    who: String,
    /// An area, or one act of it.
    area: String,
    /// The id of what it was done to.
    object: String,
    from: String,
    until: String,
    after: String,
}

impl Shown {
    fn filter(&self, zone: &TimeZone) -> AuditFilter {
        let day = |text: &str| text.parse::<Date>().ok();
        let start = |date: Date| time::start_of_day(date, zone);
        AuditFilter {
            actor: self.who.parse().ok(),
            area: Area::parse(&self.area),
            act: Act::parse(&self.area),
            object_id: self.object.clone(),
            words: self.q.clone(),
            from: day(&self.from).and_then(start),
            before: day(&self.until).and_then(|date| date.tomorrow().ok()).and_then(start),
        }
    }

    fn address(&self, path: &str, after: &str) -> String {
        let asked = [
            ("q", self.q.as_str()),
            ("who", &self.who),
            ("area", &self.area),
            ("from", &self.from),
            ("until", &self.until),
            ("object", &self.object),
            ("after", after),
        ];
        let asked: Vec<_> = asked.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        urls::with_query(path, &asked)
    }

    const fn is_filtered(&self) -> bool {
        !(self.q.is_empty()
            && self.who.is_empty()
            && self.area.is_empty()
            && self.from.is_empty()
            && self.until.is_empty()
            && self.object.is_empty())
    }
}

#[derive(Clone, Debug, Default)]
struct Row {
    when: When,
    who: String,
    act: &'static str,
    object: String,
    /// Everything that was done to it.
    object_href: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "settings/audit.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    shown: Shown,
    users: Vec<Choice>,
    rows: Vec<Row>,
    next: String,
    newest: String,
    csv: String,
}

impl Page {
    const fn areas() -> [(Area, &'static str); 7] {
        Area::ALL
    }

    /// The acts of an area with their words.
    fn acts(area: &Area) -> impl Iterator<Item = (&'static str, &'static str)> {
        Act::ALL.iter().filter(move |act| act.area() == *area).map(|act| (act.as_str(), act.words()))
    }
}

fn row(entry: AuditEntry, names: &HashMap<UserId, String>, now: Timestamp, zone: &TimeZone) -> Row {
    Row {
        when: When::age(entry.at, now, zone),
        who: entry.actor_id.and_then(|id| names.get(&id).cloned()).unwrap_or_else(|| "Relance".to_owned()),
        act: entry.act.words(),
        object_href: match entry.object_id.as_str() {
            "" => String::new(),
            id => urls::with_query(urls::AUDIT, &[("object", id)]),
        },
        object: entry.object,
        // What a browser calls itself is for the file; people read which one it is.
        detail: match entry.act {
            Act::SignedIn if entry.detail.starts_with("Mozilla/") => words::browser(&entry.detail),
            _ => entry.detail,
        },
    }
}

/// The log.
pub async fn index(State(app): State<App>, visitor: Visitor, Query(shown): Query<Shown>) -> Result<Response> {
    visitor.must_be_admin("read the audit log")?;
    let mut tx = app.read().await?;
    let after: Option<AuditEntryId> = shown.after.parse().ok();
    let mut found = audit::page(&mut tx, &shown.filter(&visitor.zone), after, ROWS + 1).await?;
    let more = found.len() > ROWS;
    found.truncate(ROWS);
    let last = found.last().filter(|_| more).map(|entry| entry.id.to_string());
    let users = users::list(&mut tx).await?;
    let names = users.iter().map(|user| (user.id, user.name.clone())).collect();
    answer::page(&Page {
        frame: visitor.frame("settings"),
        tab: "audit",
        users: users.into_iter().map(|user| Choice::new(user.id, user.name)).collect(),
        rows: found.into_iter().map(|entry| row(entry, &names, visitor.now, &visitor.zone)).collect(),
        next: last.map(|last| shown.address(urls::AUDIT, &last)).unwrap_or_default(),
        newest: if shown.after.is_empty() { String::new() } else { shown.address(urls::AUDIT, "") },
        csv: shown.address(urls::AUDIT_CSV, ""),
        shown,
    })
}

/// Lines of one read while a file is made.
const CHUNK: usize = 1_000;
/// Most lines of a file.
const MOST: usize = 1_000_000;

/// The lines of the filter as CSV, the newest first, safe against formulas.
pub async fn csv(State(app): State<App>, visitor: Visitor, Query(shown): Query<Shown>) -> Result<Response> {
    visitor.must_be_admin("read the audit log")?;
    let filter = shown.filter(&visitor.zone);
    let users = users::list(&mut app.read().await?).await?;
    let names: HashMap<UserId, String> = users.into_iter().map(|user| (user.id, user.name)).collect();
    let mut out = b"\xef\xbb\xbf".to_vec();
    csv_text::write_record(&mut out, ["at", "who", "act", "what", "object", "object_id", "detail"]);
    let (mut after, mut lines) = (None, 0);
    loop {
        let found = audit::page(&mut app.read().await?, &filter, after, CHUNK).await?;
        let Some(last) = found.last() else { break };
        after = Some(last.id);
        lines += found.len();
        for entry in &found {
            let who = entry.actor_id.and_then(|id| names.get(&id)).map_or("Relance", String::as_str);
            let at = entry.at.to_string();
            let (act, words) = (entry.act.as_str(), entry.act.words());
            csv_text::write_record(
                &mut out,
                [at.as_str(), who, act, words, &entry.object, &entry.object_id, &entry.detail],
            );
        }
        if lines >= MOST {
            break;
        }
    }
    let part = if shown.is_filtered() { " A part of it." } else { "" };
    app.engine.note_audit_export(&visitor.actor, &format!("{lines} lines.{part}")).await?;
    answer::csv("audit.csv", out)
}
