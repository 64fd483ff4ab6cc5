//! The WHERE of a query whose filters are known only when it runs, and lists of ids in bounded chunks.
//!
//! Every condition is written with `$?` where its value goes; the numbers are put in here, so text never reaches SQL.

use crate::value::Value;

/// Most rows or ids of one statement.
pub const CHUNK: usize = 500;

/// Conditions joined by AND, with their values.
#[derive(Debug, Default)]
pub struct Conditions {
    sql: String,
    args: Vec<Value>,
}

impl Conditions {
    /// None yet: every row.
    pub const fn new() -> Self {
        Self { sql: String::new(), args: Vec::new() }
    }

    /// Adds a condition; each `$?` takes the next of `values`.
    pub fn and(&mut self, condition: &str, values: Vec<Value>) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        let mut parts = condition.split("$?");
        self.sql.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            self.args.push(value);
            self.sql.push_str(&format!("${}{part}", self.args.len()));
        }
    }

    /// Adds `column IN (…)`; an empty list holds for no row.
    pub fn and_in<T: Into<Value>>(&mut self, column: &str, values: impl IntoIterator<Item = T>) {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            self.and("1 = 0", vec![]);
            return;
        }
        let places = vec!["$?"; values.len()].join(", ");
        self.and(&format!("{column} IN ({places})"), values);
    }

    /// Adds the keyset condition when there is a cursor: rows after `(a, b)` in `(first, second)` order.
    pub fn after<A: Into<Value>, B: Into<Value>>(&mut self, columns: &str, compare: &str, cursor: Option<(A, B)>) {
        if let Some((first, second)) = cursor {
            self.and(&format!("{columns} {compare} ($?, $?)"), vec![first.into(), second.into()]);
        }
    }

    /// The whole query: `head` WHERE … `tail`, `$?` in `tail` numbered on; with its values.
    pub fn finish(mut self, head: &str, tail: &str, values: Vec<Value>) -> (String, Vec<Value>) {
        let mut sql = format!("{head}{}", self.sql);
        let mut parts = tail.split("$?");
        sql.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            self.args.push(value);
            sql.push_str(&format!("${}{part}", self.args.len()));
        }
        (sql, self.args)
    }
}

/// `%text%` for LIKE with `ESCAPE '!'`, in the normalised form that key columns have.
pub fn contains(text: &str) -> String {
    format!("%{}%", escaped(&relance_domain::person::normalized(text)))
}

/// Text as a part of a LIKE pattern with `ESCAPE '!'`.
pub fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern
}

/// Values of a list of ids.
pub fn ids<T: Copy + Into<Value>>(ids: &[T]) -> Vec<Value> {
    ids.iter().map(|id| (*id).into()).collect()
}
