//! A list or a selection as CSV: a dialog asks which columns, then the file streams.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use relance_domain::person::Kind;
use relance_storage::people_lists::PeopleQuery;

use super::list;
use super::selection::Chosen;
use crate::answer;
use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::people_csv::{self, Sheet, Source};
use crate::session::Visitor;
use crate::words;

#[derive(Template)]
#[template(path = "people/export.html")]
struct Page {
    frame: Frame,
    title: String,
    back: String,
    hidden: Vec<(String, String)>,
}

/// Asks how everyone in a list is written.
pub async fn show(state: State<App>, visitor: Visitor, Query(chosen): Query<Chosen>) -> Result<Response> {
    ask(state, visitor, Form(chosen.everyone_unless_ticked())).await
}

/// Asks how those who were chosen are written.
pub async fn ask(State(app): State<App>, visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response> {
    let chosen = chosen.seen_by(visitor.sight.owners());
    if chosen.is_empty() {
        let toast = answer::toast("info", "Nobody is selected. Tick the boxes of the people first.");
        return Ok(answer::said(&chosen.list(), &toast));
    }
    let (number, is_more) = chosen.counted(&mut app.read().await?, list::MOST_COUNTED).await?;
    let (one, many) = if chosen.kind() == Kind::Lead { ("lead", "leads") } else { ("contact", "contacts") };
    let number =
        if is_more { format!("{}+ {many}", words::number(number)) } else { words::count(number as u64, one, many) };
    answer::page(&Page {
        frame: visitor.frame(list::section(chosen.kind())),
        title: format!("Export {number}"),
        back: chosen.list(),
        hidden: chosen.hidden(),
    })
}

/// The file.
pub async fn file(State(app): State<App>, visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response> {
    let chosen = chosen.seen_by(visitor.sight.owners());
    if chosen.is_empty() {
        return Err(PageError::NotFound("selection"));
    }
    let mut tx = app.read().await?;
    let keys = if chosen.get("fields") == "all" { Vec::new() } else { shown(&mut tx, &visitor, &chosen).await? };
    let sheet = Sheet::new(&mut tx, &keys, chosen.get("mark") == "1").await?;
    drop(tx);
    let source = match chosen.ids() {
        Some(ids) => Source::Ids(ids.to_vec(), visitor.sight.owners()),
        None => {
            let query = chosen.query().people(chosen.kind(), visitor.sight.owners())?;
            Source::Query(Box::new(PeopleQuery { cursor: None, ..query }))
        }
    };
    app.engine.note_export(&visitor.actor, &asked_for(&chosen)).await?;
    let name = if chosen.kind() == Kind::Lead { "leads" } else { "contacts" };
    let name = format!("attachment; filename=\"{name}-{}.csv\"", visitor.now.zoned(&visitor.zone).date());
    let mut response = Response::new(people_csv::body(app, source, sheet));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Who was asked for, for the audit log.
fn asked_for(chosen: &Chosen) -> String {
    let (one, many) = if chosen.kind() == Kind::Lead { ("lead", "leads") } else { ("contact", "contacts") };
    match chosen.ids() {
        Some(ids) => format!("{} chosen one by one.", words::count(ids.len() as u64, one, many)),
        None => format!("Everyone in the list {}.", chosen.list()),
    }
}

/// The columns the list shows.
async fn shown(tx: &mut relance_storage::Tx, visitor: &Visitor, chosen: &Chosen) -> Result<Vec<String>> {
    if !chosen.query().columns.is_empty() {
        return Ok(chosen.query().columns.clone());
    }
    let view = relance_storage::people_views::find(tx, visitor.user.id, chosen.kind()).await?;
    Ok(if view.columns.is_empty() { super::fields::usual_columns(chosen.kind()) } else { view.columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialog_carries_the_selection_and_asks_for_columns() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Export 4,312 leads".into(),
            back: "/leads".into(),
            hidden: vec![("all".into(), "1".into())],
        };
        let html = page.render().expect("a page");
        for words in ["Export 4,312 leads", "name=\"all\"", "value=\"all\"", "name=\"mark\"", "export.csv"] {
            assert!(html.contains(words), "{words}");
        }
    }
}
