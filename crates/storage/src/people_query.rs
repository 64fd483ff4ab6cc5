//! What a list of people is asked for: which people, in which order, which page.
//!
//! A cursor is the sort key and id at the edge of a page, as opaque text; a text that is none is refused.

use crate::{error::Result, people_fields, people_filter::Filter, value::Row};
use relance_domain::{PersonId, Refused, UserId, custom_field::is_key, list::List, person::Kind};
use std::{fmt, fmt::Write as _, str::FromStr};

/// The most people on a page.
pub const LONGEST_PAGE: usize = 500;

/// SQLite's own index of the key of people, in whose order they are worked through.
pub(crate) const BY_ID: &str = "sqlite_autoindex_people_1";

/// What people are sorted by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum SortBy {
    /// Last name, first name.
    #[default]
    Name,
    /// Organisation.
    Organization,
    /// When they were created.
    CreatedAt,
    /// When they were last changed.
    UpdatedAt,
    /// Status.
    Status,
    /// When their next email is due; those without one last.
    NextEmail,
    /// Any other field in API spelling, slower the more people match; those without a value last.
    Field(String),
}

impl SortBy {
    /// Those that an index serves, however many people there are.
    pub const ALL: [Self; 6] =
        [Self::Name, Self::Organization, Self::CreatedAt, Self::UpdatedAt, Self::Status, Self::NextEmail];

    /// As in the API and URLs.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name => "name",
            Self::Organization => "organization_name",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Status => "status",
            Self::NextEmail => "next_email_at",
            Self::Field(field) => field,
        }
    }

    /// Reads [`SortBy::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(indexed) = Self::ALL.into_iter().find(|by| by.as_str() == text) {
            return Some(indexed);
        }
        let known = match text.strip_prefix("custom_fields.") {
            Some(key) => is_key(key),
            None => people_fields::sorts_by(text),
        };
        known.then(|| Self::Field(text.to_owned()))
    }

    /// Reads `name`, or `-name` from high to low; empty = by name.
    pub fn parse_directed(text: &str) -> std::result::Result<(Self, bool), Refused> {
        let (descending, by) = text.strip_prefix('-').map_or((false, text), |by| (true, by));
        let by = if by.is_empty() { Some(Self::default()) } else { Self::parse(by) };
        let unknown = || Refused::at("sort", "invalid", format!("People cannot be sorted by “{text}”."));
        Ok((by.ok_or_else(unknown)?, descending))
    }

    pub(crate) const fn column(&self) -> &'static str {
        match self {
            Self::Name => "p.name_key",
            Self::Organization => "p.organization_key",
            Self::CreatedAt => "p.created_at",
            Self::UpdatedAt => "p.updated_at",
            Self::Status => "p.status",
            Self::NextEmail => "n.due_at",
            Self::Field(_) => "p.id",
        }
    }

    /// The index of people in this order, within a kind; `None` where another table or none has it.
    pub(crate) const fn index(&self) -> Option<&'static str> {
        match self {
            Self::Name => Some("people_by_name"),
            Self::Organization => Some("people_by_organization"),
            Self::CreatedAt => Some("people_by_created"),
            Self::UpdatedAt => Some("people_by_updated"),
            Self::Status => Some("people_by_status"),
            Self::NextEmail | Self::Field(_) => None,
        }
    }

    pub(crate) fn key(&self, row: &Row) -> Result<Key> {
        Ok(match self {
            Self::Name | Self::Organization | Self::Status => Key::Text(row.text("sort_key")?),
            Self::CreatedAt | Self::UpdatedAt | Self::NextEmail => Key::Int(row.int("sort_key")?),
            Self::Field(_) => Key::Nothing,
        })
    }
}

/// Which people, in which order, which page.
#[derive(Debug, Clone, Default)]
pub struct PeopleQuery {
    /// Leads or contacts; `None` = both.
    pub kind: Option<Kind>,
    /// Words that each begin a word of the person; empty = everyone.
    pub search: String,
    /// The rules they meet.
    pub filter: Filter,
    /// Sorted by this.
    pub sort: SortBy,
    /// From high to low.
    pub descending: bool,
    /// Where the page begins; `None` = at the start.
    pub cursor: Option<Cursor>,
    /// People on the page, at most [`LONGEST_PAGE`]; 0 = 50.
    pub limit: usize,
    /// Only people without an owner or of these owners; `None` = everyone.
    pub visible_to: Option<Vec<UserId>>,
}

impl PeopleQuery {
    /// The first page of a smart list; a sort that there is not is refused.
    pub fn of_list(list: &List) -> Result<Self> {
        let (sort, descending) = SortBy::parse_directed(&list.sort)?;
        Ok(Self { kind: Some(list.kind), filter: list.filter.clone(), sort, descending, ..Self::default() })
    }
}

/// The value a person is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Text(String),
    Int(i64),
    /// Without a value: the last.
    Nothing,
}

/// The edge of a page: opaque text outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) key: Key,
    pub(crate) id: PersonId,
    pub(crate) backwards: bool,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(if self.backwards { 'p' } else { 'n' })?;
        match &self.key {
            Key::Text(text) => {
                f.write_char('t')?;
                text.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))?;
            }
            Key::Int(number) => write!(f, "i{number}")?,
            Key::Nothing => f.write_char('x')?,
        }
        write!(f, ".{}", self.id)
    }
}

impl FromStr for Cursor {
    type Err = Refused;

    fn from_str(text: &str) -> std::result::Result<Self, Refused> {
        parse_cursor(text).ok_or_else(unknown_page)
    }
}

pub(crate) fn unknown_page() -> Refused {
    Refused::at("cursor", "invalid_cursor", "This page does not exist any more. Begin at the first page.")
}

fn parse_cursor(text: &str) -> Option<Cursor> {
    let (edge, id) = text.rsplit_once('.')?;
    let backwards = match edge.get(..1)? {
        "p" => true,
        "n" => false,
        _ => return None,
    };
    let key = match (edge.get(1..2)?, edge.get(2..)?) {
        ("t", hex) => {
            let bytes: Option<Vec<u8>> =
                (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect();
            Key::Text(String::from_utf8(bytes?).ok()?)
        }
        ("i", number) => Key::Int(number.parse().ok()?),
        ("x", "") => Key::Nothing,
        _ => return None,
    };
    Some(Cursor { key, id: id.parse().ok()?, backwards })
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::Timestamp;

    #[test]
    fn a_cursor_reads_back_from_its_text_and_nothing_else_does() {
        let id = PersonId::from_uuid(uuid::Uuid::from_u128(7));
        for key in [Key::Text("müller ann".into()), Key::Int(Timestamp::from_ms(-5).ms()), Key::Nothing] {
            for backwards in [false, true] {
                let cursor = Cursor { key: key.clone(), id, backwards };
                assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
        for text in [
            "",
            "n",
            "nt.",
            "ntzz.per_00000000000000000000000007",
            "é",
            "ni.per_1",
            "qx.per_00000000000000000000000007",
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
