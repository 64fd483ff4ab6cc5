//! A transaction on either engine: the only place, with `open`, that matches on the engine.
//!
//! Dropped without [`Tx::commit`], it rolls back. Write transactions of SQLite open with `BEGIN IMMEDIATE`, so nothing
//! but database calls may be awaited inside. Where the engines truly differ, the difference is a named fragment here.

mod people;

use crate::{
    error::{Result, StorageError},
    value::{Row, Value},
};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction, postgres::PgArguments, sqlite::SqliteArguments};
use std::borrow::Cow;

/// Which database is behind the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The embedded default.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

/// An open transaction.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

type SqliteQuery<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;
type PostgresQuery<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

fn bind_sqlite<'q>(mut query: SqliteQuery<'q>, args: Vec<Value>) -> SqliteQuery<'q> {
    for arg in args {
        query = match arg {
            Value::Id(v) => query.bind(v),
            Value::Int(v) => query.bind(v),
            Value::Text(v) => query.bind(v),
            Value::Bytes(v) => query.bind(v),
            Value::Bool(v) => query.bind(v.map(i64::from)),
        };
    }
    query
}

fn bind_postgres<'q>(mut query: PostgresQuery<'q>, args: Vec<Value>) -> PostgresQuery<'q> {
    for arg in args {
        query = match arg {
            Value::Id(v) => query.bind(v),
            Value::Int(v) => query.bind(v),
            Value::Text(v) => query.bind(v),
            Value::Bytes(v) => query.bind(v),
            Value::Bool(v) => query.bind(v),
        };
    }
    query
}

/// Fewer values than this are bound by name without anyone noticing.
const MANY: usize = 64;

/// Many values bound in the order of the text, each once, without their names.
///
/// SQLite takes `$7` for a name and looks it up among all others: a statement with n of them costs n² steps (10,000
/// rows of 29 columns took 8.7 s). `?` has no name. A text that repeats or skips a number stays as it is.
fn without_names(sql: &str, count: usize) -> Cow<'_, str> {
    if count < MANY {
        return Cow::Borrowed(sql);
    }
    let mut parts = sql.split('$');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    let mut expected = 1;
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if part[..digits].parse() != Ok(expected) {
            return Cow::Borrowed(sql);
        }
        plain.push('?');
        plain.push_str(&part[digits..]);
        expected += 1;
    }
    if expected == count + 1 { Cow::Owned(plain) } else { Cow::Borrowed(sql) }
}

impl Tx {
    /// Which engine it is on.
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement; the number of rows it changed.
    pub async fn execute(&mut self, sql: &str, args: Vec<Value>) -> Result<u64> {
        Ok(match self {
            Self::Sqlite(tx) => {
                let sql = without_names(sql, args.len());
                bind_sqlite(sqlx::query(AssertSqlSafe(&*sql)), args).execute(&mut **tx).await?.rows_affected()
            }
            Self::Postgres(tx) => {
                bind_postgres(sqlx::query(AssertSqlSafe(sql)), args).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// Runs a query; every row through `read`.
    pub async fn all<T>(&mut self, sql: &str, args: Vec<Value>, read: impl Fn(&Row) -> Result<T>) -> Result<Vec<T>> {
        let mut found = Vec::new();
        match self {
            Self::Sqlite(tx) => {
                let sql = without_names(sql, args.len());
                let mut rows = bind_sqlite(sqlx::query(AssertSqlSafe(&*sql)), args).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    found.push(read(&Row::Sqlite(row))?);
                }
            }
            Self::Postgres(tx) => {
                let mut rows = bind_postgres(sqlx::query(AssertSqlSafe(sql)), args).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    found.push(read(&Row::Postgres(row))?);
                }
            }
        }
        Ok(found)
    }

    /// Runs a query; its first row, if any.
    pub async fn first<T>(
        &mut self,
        sql: &str,
        args: Vec<Value>,
        read: impl Fn(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.all(sql, args, read).await?.into_iter().next())
    }

    /// Runs a query that has exactly one row.
    pub async fn one<T>(&mut self, sql: &str, args: Vec<Value>, read: impl Fn(&Row) -> Result<T>) -> Result<T> {
        self.first(sql, args, read).await?.ok_or_else(|| StorageError::Corrupt(format!("no row for: {sql}")))
    }

    /// Makes it durable.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Gives it up.
    pub async fn rollback(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// Fragment: locks the rows a query selects; nothing on SQLite, whose writer is alone.
    pub const fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE",
        }
    }

    /// Fragment: the texts of a JSON list, as rows `each.value` beside those of its table.
    pub fn elements(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("json_each({column}) AS each"),
            Self::Postgres(_) => format!("jsonb_array_elements_text(CAST({column} AS jsonb)) AS each (value)"),
        }
    }

    /// Fragment: locks the rows a query selects and leaves out those that another transaction holds.
    pub const fn for_update_skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Fragment: keeps others from changing the rows a query selects until commit.
    pub const fn for_share(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR SHARE",
        }
    }

    /// Fragment: locks the rows a query selects against others who change them, not against [`Tx::for_key_share`].
    pub const fn for_no_key_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR NO KEY UPDATE",
        }
    }

    /// Fragment: keeps those out until commit who lock the same rows [`Tx::for_update`]; a plain `UPDATE` passes.
    pub const fn for_key_share(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR KEY SHARE",
        }
    }

    /// Fragment: the name of the function that finds a text in a text, case and all: `f(hay, needle)`, 0 = not there.
    pub const fn position_of(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "instr",
            Self::Postgres(_) => "strpos",
        }
    }

    /// Fragment: a member of a JSON document in a column of text, as text; NULL if it is not there. Yes is as
    /// [`Tx::json_boolean`] says. The key is lower-case letters, digits, `_` and `-`.
    pub fn json_text(&self, column: &str, key: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("CAST(json_extract({column}, '$.\"{key}\"') AS TEXT)"),
            Self::Postgres(_) => format!("(CAST({column} AS jsonb) ->> '{key}')"),
        }
    }

    /// Fragment: how yes or no reads in [`Tx::json_text`].
    pub const fn json_boolean(&self, yes: bool) -> &'static str {
        match (self, yes) {
            (Self::Sqlite(_), true) => "1",
            (Self::Sqlite(_), false) => "0",
            (Self::Postgres(_), true) => "true",
            (Self::Postgres(_), false) => "false",
        }
    }

    /// Fragment: a member of a JSON document that is a number; NULL if it is none.
    pub fn json_number(&self, column: &str, key: &str) -> String {
        match self {
            Self::Sqlite(_) => format!(
                "CASE json_type({column}, '$.\"{key}\"') WHEN 'integer' THEN json_extract({column}, '$.\"{key}\"')
                    WHEN 'real' THEN json_extract({column}, '$.\"{key}\"') END"
            ),
            Self::Postgres(_) => format!(
                "CASE jsonb_typeof(CAST({column} AS jsonb) -> '{key}') WHEN 'number'
                    THEN CAST(CAST({column} AS jsonb) ->> '{key}' AS DOUBLE PRECISION) END"
            ),
        }
    }

    /// Fragment: compares with a pattern whatever the case (of ASCII on SQLite); the escape character is `\`.
    pub const fn like(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "LIKE",
            Self::Postgres(_) => "ILIKE",
        }
    }

    /// Fragment: the database's own clock, milliseconds since the epoch.
    pub const fn database_now(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            Self::Postgres(_) => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }
}

/// The rows of a set-based statement: `($1, $2), ($3, $4)` for `rows` rows of `columns` values, numbered from `first`.
pub fn values(first: usize, rows: usize, columns: usize) -> String {
    let mut sql = String::with_capacity(rows * columns * 6);
    let mut number = first;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                sql.push_str(", ");
            }
            sql.push('$');
            sql.push_str(&number.to_string());
            number += 1;
        }
        sql.push(')');
    }
    sql
}

/// `$3, $4, $5`: placeholders for a list of `count` values, numbered from `first`.
pub fn list(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// For how many rows a set-based statement is written that has `rows`: few sizes make few texts, which stay prepared.
const fn rounded(rows: usize) -> usize {
    let power = rows.next_power_of_two();
    let between = power / 4 * 3;
    if rows <= between { between } else { power }
}

/// `rows` with the last one repeated up to a size that many statements share; only where twice is as good as once.
pub fn repeated<T>(rows: &[T]) -> impl Iterator<Item = &T> + Clone {
    rows.iter().chain(rows.last().into_iter().cycle().take(rounded(rows.len()) - rows.len()))
}

#[cfg(test)]
mod tests {
    use super::{list, repeated, values, without_names};

    #[test]
    fn groups_of_any_size_share_few_statements() {
        let sizes = |count: usize| repeated(&vec![0_u8; count]).count();
        assert_eq!([1, 2, 3, 4, 5, 7, 9, 13, 65, 100].map(sizes), [1, 2, 3, 4, 6, 8, 12, 16, 96, 128]);
        assert_eq!(repeated(&[1, 2, 3, 4, 5]).copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 5]);
        assert_eq!(repeated::<u8>(&[]).count(), 0);
    }

    #[test]
    fn many_values_in_order_lose_their_names_and_all_others_keep_them() {
        let rows = format!("INSERT INTO t VALUES {}", values(1, 50, 2));
        assert_eq!(without_names(&rows, 100), format!("INSERT INTO t VALUES {}", ["(?, ?)"; 50].join(", ")));
        let few = values(1, 2, 2);
        assert_eq!(without_names(&few, 4), few);
        for kept in [format!("$1 IN ({}) AND $1", list(2, 99)), list(2, 100), list(1, 99), list(1, 101)] {
            assert_eq!(without_names(&kept, 100), kept);
        }
    }
}
