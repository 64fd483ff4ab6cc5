//! The fragments in which the engines differ about lists of people: search, samples, and the way to a few.

use super::Tx;

impl Tx {
    /// Fragment: a FROM clause with the people of alias `p` whose words match the query of [`Tx::search_query`] bound
    /// at `$placeholder`; the index of words is asked first, whatever the rest of the statement.
    pub fn people_found(&self, placeholder: usize) -> String {
        match self {
            Self::Sqlite(_) => format!(
                "(SELECT rowid AS found_number FROM people_search WHERE people_search MATCH ${placeholder}) found
                CROSS JOIN people p ON p.search_number = found.found_number"
            ),
            Self::Postgres(_) => format!(
                "(SELECT * FROM people s WHERE array_to_tsvector(string_to_array(s.search_text, ' '))
                    @@ CAST(CAST(${placeholder} AS TEXT) AS tsquery) OFFSET 0) p"
            ),
        }
    }

    /// Fragment: a FROM clause with a row for each word between two values and each person who has it, read one by one;
    /// nothing on PostgreSQL, whose index of words is asked as a whole.
    pub fn words_found(&self, from: usize, before: usize) -> Option<String> {
        match self {
            Self::Sqlite(_) => Some(format!("people_search_words WHERE term >= ${from} AND term < ${before}")),
            Self::Postgres(_) => None,
        }
    }

    /// Fragment: a FROM clause with the people of alias `p` who have a word between two values, read one by one where
    /// [`Tx::words_found`] does.
    pub fn people_with_word(&self, from: usize, before: usize) -> Option<String> {
        let found = self.words_found(from, before)?;
        Some(format!(
            "(SELECT DISTINCT doc AS found_number FROM {found}) found
                CROSS JOIN people p ON p.search_number = found.found_number"
        ))
    }

    /// Fragment: a FROM clause with the people of alias `p` who meet this condition, few of whom are led to by this index.
    /// Either engine might follow the order of the list instead and read everyone. Both kinds are named, since some of
    /// these indexes begin with the kind.
    pub fn people_led_by(&self, index: &str, condition: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("people p INDEXED BY {index}"),
            Self::Postgres(_) => {
                format!(
                    "(SELECT * FROM people p WHERE {condition} AND p.kind IN ('lead', 'contact')
                        AND p.deleted_at IS NULL OFFSET 0) p"
                )
            }
        }
    }

    /// Fragment: a FROM clause with the people of alias `p` in this index: SQLite, which knows little of how many
    /// meet a rule, might read the people themselves, or another index and sort.
    pub fn people_in_order(&self, index: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("people p INDEXED BY {index}"),
            Self::Postgres(_) => "people p".to_owned(),
        }
    }

    /// Fragment: about how many people there are, as far as the engine has counted; nothing on SQLite, which needs none.
    pub const fn people_estimated(&self) -> Option<&'static str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_) => {
                Some("SELECT CAST(reltuples AS BIGINT) AS number FROM pg_class WHERE oid = CAST('people' AS regclass)")
            }
        }
    }

    /// Fragment: a FROM clause with about this part of the people of alias `p`; everyone on SQLite.
    pub fn people_sampled(&self, percent: f64) -> String {
        match self {
            Self::Sqlite(_) => "people p".to_owned(),
            Self::Postgres(_) => format!("people p TABLESAMPLE SYSTEM ({percent})"),
        }
    }

    /// Fragment: the full-text query for people who have a word that begins with each of `words` (letters and digits).
    pub fn search_query(&self, words: &[String]) -> String {
        let (mark, and) = match self {
            Self::Sqlite(_) => ("\"", " AND "),
            Self::Postgres(_) => ("'", " & "),
        };
        let any = match self {
            Self::Sqlite(_) => " *",
            Self::Postgres(_) => ":*",
        };
        words.iter().map(|word| format!("{mark}{word}{mark}{any}")).collect::<Vec<_>>().join(and)
    }

    /// Fragment: the full-text query for people who have each of `words` as it is.
    pub fn whole_words_query(&self, words: &[String]) -> String {
        let (mark, and) = match self {
            Self::Sqlite(_) => ("\"", " AND "),
            Self::Postgres(_) => ("'", " & "),
        };
        words.iter().map(|word| format!("{mark}{word}{mark}")).collect::<Vec<_>>().join(and)
    }
}
