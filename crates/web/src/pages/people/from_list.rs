//! The list one came from: its name and address, the place of the person in it, and who is before and after.
//!
//! The list travels in the address of the person (`from=/leads?q=cold`), so two tabs never mix theirs up and a link can
//! be shared. A list that is not there any more, or that the visitor may not read, is left away.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use relance_domain::person::Kind;
use relance_domain::{ListId, PersonId};
use relance_storage::Tx;
use relance_storage::people_lists::{self, PeopleQuery};
use relance_storage::people_part::LOOKED_THROUGH;
use relance_storage::people_place::{self, Place};

use super::list::{MOST_COUNTED, title};
use super::query::ListQuery;
use crate::app::App;
use crate::errors::Result;
use crate::session::Visitor;
use crate::{urls, words};

/// The list one came from.
#[derive(Clone, Debug, Default)]
pub struct FromList {
    /// Its address as it was asked.
    pub href: String,
    /// Its name, of a smart list.
    pub name: String,
    /// *4 of 38*; empty for who no longer matches.
    pub place: String,
    /// The one before; empty at the first.
    pub previous: String,
    /// The one after; empty at the last.
    pub next: String,
}

/// The address of a person that leads on through the list at `from`.
pub fn person_href(id: PersonId, from: &str) -> String {
    urls::with_query(&urls::person(id), &[("from", from)])
}

/// The list at an address, as the visitor reads it; `None` if there is none.
async fn asked(app: &App, visitor: &Visitor, from: &str) -> Result<Option<(ListQuery, Kind, String)>> {
    let (path, pairs) = from.split_once('?').unwrap_or((from, ""));
    let Ok(query) = serde_urlencoded::from_str::<ListQuery>(pairs) else { return Ok(None) };
    for kind in [Kind::Lead, Kind::Contact] {
        if path == urls::people(kind) {
            return Ok(Some((query, kind, String::new())));
        }
    }
    let Some(id) = path.strip_prefix("/lists/").and_then(|id| id.parse::<ListId>().ok()) else { return Ok(None) };
    let Ok(list) = app.engine.read_list(&visitor.actor, id).await else { return Ok(None) };
    let query = if query.is_edited { ListQuery { list: Some(id), ..query } } else { ListQuery::of_list(&list) };
    Ok(Some((query, list.kind, list.name)))
}

/// The list at `from` and the place of `person` in it.
pub async fn read(app: &App, tx: &mut Tx, visitor: &Visitor, from: &str, person: PersonId) -> Result<Option<FromList>> {
    let Some((query, kind, name)) = asked(app, visitor, from).await? else { return Ok(None) };
    let query = PeopleQuery { cursor: None, ..query.people(kind, visitor.sight.owners())? };
    // A rule that can no longer be asked (a field was deleted) takes the place away, not the page.
    let Ok(Some(place)) = people_place::place(tx, &query, person, MOST_COUNTED).await else { return Ok(None) };
    let total = match place.number {
        Some(_) => people_lists::count_part(tx, &query, MOST_COUNTED, LOOKED_THROUGH).await?,
        None => (0, false),
    };
    let to = |id: Option<PersonId>| id.map(|id| person_href(id, from)).unwrap_or_default();
    Ok(Some(FromList {
        href: from.to_owned(),
        name,
        place: place_words(&place, total),
        previous: to(place.previous),
        next: to(place.next),
    }))
}

fn place_words(place: &Place, (total, is_more): (usize, bool)) -> String {
    let more = if is_more { "+" } else { "" };
    place
        .number
        .map(|number| format!("{} of {}{more}", words::number(number), words::number(total)))
        .unwrap_or_default()
}

/// Where the crumbs of a person lead who was reached from nowhere.
pub fn section(kind: Kind) -> (&'static str, &'static str) {
    (title(kind), urls::people(kind))
}

/// Middleware: whoever changes a person on their page comes back to it with the list they came from.
pub async fn keep(request: Request, next: Next) -> Response {
    let came_from = page_before(request.headers());
    let mut response = next.run(request).await;
    let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    if let (Some((path, from)), Some(to)) = (came_from, to)
        && to == path
        && let Ok(value) = HeaderValue::from_str(&urls::with_query(&path, &[("from", &from)]))
    {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// The person's page a request was made from, and the list that page came from.
fn page_before(headers: &HeaderMap) -> Option<(String, String)> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?;
    let (_, rest) = referer.split_once("://")?;
    let (path, query) = rest[rest.find('/')?..].split_once('?')?;
    let id = path.strip_prefix("/people/")?;
    id.parse::<PersonId>().ok()?;
    let from = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "from")?.1.into_owned();
    Some((path.to_owned(), from))
}

#[cfg(test)]
pub(super) fn sample() -> FromList {
    FromList {
        href: "/lists/lst_1".into(),
        name: "My open leads".into(),
        place: "4 of 38".into(),
        previous: "/people/per_3?from=/lists/lst_1".into(),
        next: "/people/per_5?from=/lists/lst_1".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_from_the_page_before() {
        let id = PersonId::from_uuid(uuid::Uuid::from_u128(7));
        let page = |referer: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, referer.parse().expect("a value"));
            page_before(&headers)
        };
        let href = person_href(id, "/leads?q=cold chain&sort=-name");
        let found = page(&format!("https://relance.example{href}")).expect("a list");
        assert_eq!(found, (format!("/people/{id}"), "/leads?q=cold chain&sort=-name".to_owned()));
        for other in ["https://relance.example/people/new?from=/leads", "https://relance.example", "about:blank"] {
            assert_eq!(page(other), None, "{other}");
        }
    }

    #[test]
    fn a_place_is_told_as_far_as_it_was_counted() {
        let place = |number| Place { number, ..Place::default() };
        assert_eq!(place_words(&place(Some(4)), (38, false)), "4 of 38");
        assert_eq!(place_words(&place(Some(1_200)), (10_000, true)), "1,200 of 10,000+");
        assert_eq!(place_words(&place(None), (0, false)), "");
    }
}
