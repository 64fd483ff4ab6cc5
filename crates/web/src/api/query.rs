//! Reads paths and query strings, and pages through lists.
//!
//! Every list takes `limit` (50, at most 500), `cursor` and its own filters, and answers `{items, next_cursor}`. A
//! cursor is opaque text; one that is not ours is refused at `cursor`. An id in a path that cannot be one is 404.

use super::body::unfit;
use crate::problem::{Problem, Result};
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relance_domain::attachment::FileHash;
use serde::{Serialize, de::DeserializeOwned};
use std::str::FromStr;
use utoipa::ToSchema;

/// Rows of a page unless asked otherwise.
pub const LIMIT: usize = 50;
/// Most rows of a page.
pub const MAX_LIMIT: usize = 500;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; `null` after the last.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// Everything at once.
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// A page of `limit` rows out of `found`, which has one more where there is a next page.
    pub fn page<R>(
        mut found: Vec<R>,
        limit: usize,
        cursor: impl FnOnce(&R) -> String,
        show: impl FnMut(R) -> T,
    ) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(cursor(last)));
        Self { items: found.into_iter().map(show).collect(), next_cursor }
    }
}

/// The rows a page asks for.
pub fn limit(asked: Option<usize>) -> Result<usize> {
    match asked.unwrap_or(LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::at("limit", "out_of_range", format!("Ask for 1 to {MAX_LIMIT} rows."))),
    }
}

/// The same as the type storage takes.
pub fn limit_u32(asked: Option<usize>) -> Result<u32> {
    limit(asked).map(|limit| u32::try_from(limit).unwrap_or(u32::MAX))
}

/// The text of a cursor that [`List::page`] made.
pub fn cursor(text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    let read = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    read.map(Some).ok_or_else(unknown_page)
}

/// A cursor of one value.
pub fn cursor_of<T: FromStr>(text: Option<&str>) -> Result<Option<T>> {
    let Some(text) = cursor(text)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| unknown_page())
}

/// A cursor of an instant and an id, as [`at_cursor`] writes it.
pub fn cursor_at<T: FromStr>(text: Option<&str>) -> Result<Option<(relance_domain::Timestamp, T)>> {
    let Some(text) = cursor(text)? else { return Ok(None) };
    let (at, id) = text.split_once(' ').ok_or_else(unknown_page)?;
    let at = at.parse().map_err(|_| unknown_page())?;
    Ok(Some((relance_domain::Timestamp::from_ms(at), id.parse().map_err(|_| unknown_page())?)))
}

/// The cursor of an instant and an id.
pub fn at_cursor(at: relance_domain::Timestamp, id: impl std::fmt::Display) -> String {
    format!("{} {id}", at.ms())
}

fn unknown_page() -> Problem {
    Problem::at("cursor", "invalid_cursor", "This page does not exist any more. Begin at the first page.")
}

/// A comma-separated list of words, each one of `known`.
pub fn words(field: &str, text: Option<&str>, known: &[&'static str]) -> Result<Vec<&'static str>> {
    let word = |word: &str| {
        let message = || format!("“{word}” is none of {}.", known.join(", "));
        known.iter().find(|one| **one == word).copied().ok_or_else(|| Problem::at(field, "invalid", message()))
    };
    text.unwrap_or_default().split(',').map(str::trim).filter(|text| !text.is_empty()).map(word).collect()
}

/// A query string.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        from_pairs(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads `a=1&b=2`.
pub fn from_pairs<T: DeserializeOwned>(text: &str) -> Result<T> {
    let pairs = form_urlencoded::parse(text.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| {
        let message = error.inner().to_string();
        let path = error.path().to_string();
        unfit(if path == "." || message.starts_with("unknown field") { "" } else { &path }, &message)
    })
}

/// The one id of a path.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr + Send> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        ids(parts, state, 0).await.map(Self)
    }
}

/// The two ids of a path.
pub struct Ids<A, B>(pub A, pub B);

impl<S: Send + Sync, A: FromStr + Send, B: FromStr + Send> FromRequestParts<S> for Ids<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        Ok(Self(ids(parts, state, 0).await?, ids(parts, state, 1).await?))
    }
}

/// The hash of a file at the end of a path.
pub struct LastHash(pub FileHash);

impl<S: Send + Sync> FromRequestParts<S> for LastHash {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| no_such())?;
        let last = params.iter().last().and_then(|(_, text)| text.parse().ok());
        last.map(Self).ok_or_else(|| Problem::not_found("file"))
    }
}

async fn ids<S: Send + Sync, T: FromStr>(parts: &mut Parts, state: &S, index: usize) -> Result<T> {
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| no_such())?;
    let id = params.iter().nth(index).and_then(|(_, text)| text.parse().ok());
    id.ok_or_else(no_such)
}

fn no_such() -> Problem {
    Problem::not_found("thing: the id in the address is not one of this kind")
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::{TaskId, Timestamp};

    #[test]
    fn a_page_says_where_the_next_one_begins_and_the_last_does_not() {
        let first = List::page(vec![1, 2, 3], 2, ToString::to_string, |row| row);
        assert_eq!((first.items.as_slice(), cursor_of(first.next_cursor.as_deref()).unwrap()), (&[1, 2][..], Some(2)));
        assert_eq!(List::page(vec![3], 2, ToString::to_string, |row| row).next_cursor, None);
    }

    #[test]
    fn a_cursor_that_is_not_ours_is_refused_at_its_field() {
        for text in ["?", "AAAA", "bm90IGFuIGlk"] {
            let problem = cursor_at::<TaskId>(Some(text)).unwrap_err();
            assert_eq!(problem.errors[0].field.as_deref(), Some("cursor"), "{text}");
        }
        let id = TaskId::from_uuid(uuid::Uuid::from_u128(5));
        let text = URL_SAFE_NO_PAD.encode(at_cursor(Timestamp::from_ms(-3), id));
        assert_eq!(cursor_at(Some(&text)).unwrap(), Some((Timestamp::from_ms(-3), id)));
    }

    #[test]
    fn a_page_has_1_to_500_rows() {
        assert_eq!(limit(None).unwrap(), 50);
        assert!(limit(Some(0)).is_err() && limit(Some(501)).is_err());
    }
}
