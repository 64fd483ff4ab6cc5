//! Addresses and domains that are never mailed: listed, searched, added by anyone, taken off by admins.

use std::collections::HashMap;

use askama::Template;
use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, State};
use axum::response::Response;
use relance_domain::suppression::{Suppression, SuppressionReason};
use relance_domain::{SuppressionId, Timestamp};
use relance_engine::commands::csv_text;
use relance_storage::{suppressions, users};
use serde::Deserialize;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::pages::people::show::ended_words;
use crate::session::Visitor;
use crate::words::When;
use crate::{answer, urls, words};

const ROWS: usize = 50;
const FIELDS: [&str; 2] = ["entry", "note"];

/// Which entries are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    q: String,
    /// Time and id of the last row, with a line between.
    after: String,
}

impl Shown {
    fn after(&self) -> Option<(Timestamp, SuppressionId)> {
        let (at, id) = self.after.split_once('|')?;
        Some((Timestamp::from_ms(at.parse().ok()?), id.parse().ok()?))
    }
}

#[derive(Clone, Debug, Default)]
struct Row {
    entry: String,
    is_domain: bool,
    reason: &'static str,
    note: String,
    by: String,
    when: When,
    lift: String,
}

#[derive(Template)]
#[template(path = "settings/suppressions.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    may_lift: bool,
    total: String,
    q: String,
    rows: Vec<Row>,
    next: String,
    newest: String,
    typed: Typed,
    errors: FormErrors,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }
}

#[derive(Template)]
#[template(path = "settings/suppress_many.html")]
struct ManyPage {
    frame: Frame,
    entries: String,
    errors: FormErrors,
    /// Lines that were left out after a list was added.
    refused: Vec<(usize, String)>,
    done: String,
}

const fn reason_words(reason: SuppressionReason) -> &'static str {
    match reason {
        SuppressionReason::Manual => "Added by hand",
        SuppressionReason::Unsubscribed => "Unsubscribed",
        SuppressionReason::Complained => "Called it spam",
        SuppressionReason::HardBounce => "Does not exist",
    }
}

fn row(entry: Suppression, names: &HashMap<relance_domain::UserId, String>, visitor: &Visitor) -> Row {
    Row {
        is_domain: !entry.entry.contains('@'),
        reason: reason_words(entry.reason),
        by: entry.added_by.and_then(|id| names.get(&id).cloned()).unwrap_or_default(),
        when: When::age(entry.created_at, visitor.now, &visitor.zone),
        lift: urls::lift_suppression(entry.id),
        entry: entry.entry,
        note: entry.note,
    }
}

async fn draw(app: &App, visitor: &Visitor, shown: Shown, typed: Typed, errors: FormErrors) -> Result<Page> {
    let mut tx = app.read().await?;
    let mut found = suppressions::list(&mut tx, &shown.q, shown.after(), ROWS + 1).await?;
    let more = found.len() > ROWS;
    found.truncate(ROWS);
    let last = found.last().filter(|_| more).map(|entry| format!("{}|{}", entry.created_at.ms(), entry.id));
    let names = users::list(&mut tx).await?.into_iter().map(|user| (user.id, user.name)).collect();
    let total = u64::try_from(suppressions::count(&mut tx).await?).unwrap_or_default();
    Ok(Page {
        frame: visitor.frame("settings"),
        tab: "suppressions",
        may_lift: visitor.actor.is_admin(),
        total: words::count(total, "address or domain", "addresses and domains"),
        next: last
            .map(|last| urls::with_query(urls::SUPPRESSIONS, &[("q", &shown.q), ("after", &last)]))
            .unwrap_or_default(),
        newest: if shown.after.is_empty() {
            String::new()
        } else {
            urls::with_query(urls::SUPPRESSIONS, &[("q", &shown.q)])
        },
        q: shown.q,
        rows: found.into_iter().map(|entry| row(entry, &names, visitor)).collect(),
        typed,
        errors,
    })
}

/// The list.
pub async fn index(State(app): State<App>, visitor: Visitor, Query(shown): Query<Shown>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, shown, Typed::default(), FormErrors::default()).await?)
}

/// Adds an address or domain; what runs there ends at once.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    match app.engine.suppress(&visitor.actor, typed.get("entry"), typed.get("note")).await.map_err(PageError::from) {
        Ok((entry, ended)) => {
            let words = format!("{} is never mailed again.{}", entry.entry, ended_words(&ended));
            Ok(answer::said(urls::SUPPRESSIONS, &answer::toast("done", words)))
        }
        Err(error) => answer::refused(&draw(&app, &visitor, Shown::default(), typed, error.refused()?).await?),
    }
}

/// Takes an entry off the list.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<SuppressionId>) -> Result<Response> {
    let lifted = app.engine.lift_suppression(&visitor.actor, id).await;
    answer::outcome(urls::SUPPRESSIONS, lifted, |()| {
        answer::toast("done", "Taken off the list. Sequences that ended stay ended.")
    })
}

/// The form for many.
pub async fn ask_many(visitor: Visitor) -> Result<Response> {
    answer::page(&ManyPage {
        frame: visitor.frame("settings"),
        entries: String::new(),
        errors: FormErrors::default(),
        refused: Vec::new(),
        done: String::new(),
    })
}

/// What the form for many sent: the lines typed, and those of a file, whose first may be a heading.
async fn received(mut form: Multipart) -> Result<String> {
    let unreadable = |error: MultipartError| PageError::Malformed(format!("{}.", error.body_text()));
    let (mut typed, mut file) = (String::new(), String::new());
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("entries") => typed = field.text().await.map_err(unreadable)?,
            Some("file") => file = text_of(&field.bytes().await.map_err(unreadable)?),
            _ => {}
        }
    }
    Ok(if file.trim().is_empty() { format!("\n{typed}") } else { format!("{}\n{typed}", file.trim_end()) })
}

/// A file as text, in the encodings CSV files come in; empty if it is none.
fn text_of(bytes: &[u8]) -> String {
    csv_text::text_of(bytes).unwrap_or_default()
}

/// The list as CSV, safe to open in a spreadsheet.
pub async fn csv(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    app.engine.note_export(&visitor.actor, "The suppression list.").await?;
    let mut out = b"\xef\xbb\xbf".to_vec();
    csv_text::write_record(&mut out, ["entry", "reason", "note", "since"]);
    let mut tx = app.read().await?;
    let mut after = None;
    loop {
        let found = suppressions::list(&mut tx, "", after, 1_000).await?;
        let Some(last) = found.last() else { return answer::csv("never-mailed.csv", out) };
        after = Some((last.created_at, last.id));
        for entry in &found {
            let since = entry.created_at.to_string();
            let cells = [entry.entry.as_str(), entry.reason.as_str(), entry.note.as_str(), since.as_str()];
            csv_text::write_record(&mut out, cells);
        }
    }
}

/// Adds one entry per line; lines that are neither address nor domain are shown again.
pub async fn create_many(State(app): State<App>, visitor: Visitor, form: Multipart) -> Result<Response> {
    let lines = received(form).await?;
    let done = app.engine.import_suppressions(&visitor.actor, lines.as_bytes()).await?;
    let mut words = format!("{} added", words::count(done.added, "entry", "entries"));
    if done.known > 0 {
        words.push_str(&format!(", {} known before", words::number(done.known)));
    }
    words.push_str(&format!(".{}", ended_words(&done.ended)));
    let is_empty = done.added + done.known == 0 && done.refused.is_empty();
    if done.refused.is_empty() && !is_empty {
        return Ok(answer::said(urls::SUPPRESSIONS, &answer::toast("done", words)));
    }
    let entries: Vec<_> = done.refused.iter().map(|(_, line)| line.clone()).collect();
    let message = if is_empty {
        "Type at least one address or domain."
    } else {
        "These lines are neither an email address nor a domain."
    };
    answer::refused(&ManyPage {
        frame: visitor.frame("settings"),
        entries: entries.join("\n"),
        errors: FormErrors::one("entries", message),
        refused: done.refused.into_iter().map(|(line, text)| (line - 1, text)).collect(),
        done: if is_empty { String::new() } else { words },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(may_lift: bool, rows: Vec<Row>) -> String {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            tab: "suppressions",
            may_lift,
            total: "214 addresses and domains".into(),
            q: String::new(),
            rows,
            next: "/settings/suppressions?after=1".into(),
            newest: "/settings/suppressions".into(),
            typed: Typed::of([("entry", "not an address".into())]),
            errors: FormErrors::one("entry", "This is neither an email address nor a domain."),
        };
        page.render().expect("a page")
    }

    #[test]
    fn entries_are_listed_with_their_reason_and_only_admins_take_them_off() {
        let row = Row {
            entry: "rival.example".into(),
            is_domain: true,
            reason: reason_words(SuppressionReason::Complained),
            note: "Asked by phone".into(),
            lift: "/settings/suppressions/sup_1/delete".into(),
            ..Row::default()
        };
        let html = page(true, vec![row.clone()]);
        for words in [
            "rival.example",
            "Called it spam",
            "Asked by phone",
            "sup_1/delete",
            "neither an email address",
            "not an address",
            "214 addresses",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!page(false, vec![row]).contains("sup_1/delete"));
        assert!(page(true, Vec::new()).contains("Nobody is on the list"));
    }

    #[test]
    fn lines_that_were_left_out_stand_in_the_form_again() {
        let page = ManyPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            entries: "hello".into(),
            errors: FormErrors::one("entries", "These lines are neither an email address nor a domain."),
            refused: vec![(3, "hello".into())],
            done: "2 entries added.".into(),
        };
        let html = page.render().expect("a page");
        assert!(html.contains("2 entries added.") && html.contains("Line 3") && html.contains("hello</textarea>"));
    }
}
