//! The values people have in fields without a fixed list (status, source, tags), for filters and forms.

use crate::{args, error::Result, tx::Tx, value::Value};
use relance_domain::person::Kind;

/// The statuses people of a kind have, for pickers: at most 200.
pub async fn statuses(tx: &mut Tx, kind: Kind) -> Result<Vec<String>> {
    distinct(tx, "status", "kind = $1 AND ", args![kind.as_str()]).await
}

/// The sources people have, for pickers: at most 200.
pub async fn sources(tx: &mut Tx) -> Result<Vec<String>> {
    distinct(tx, "source", "", vec![]).await
}

/// The different values of an indexed column: one look into the index for each, whatever the number of people.
async fn distinct(tx: &mut Tx, column: &str, condition: &str, args: Vec<Value>) -> Result<Vec<String>> {
    let sql = format!(
        "WITH RECURSIVE found (word) AS (
            SELECT MIN({column}) FROM people WHERE {condition}deleted_at IS NULL
            UNION ALL
            SELECT (SELECT MIN({column}) FROM people WHERE {condition}deleted_at IS NULL AND {column} > found.word)
            FROM found WHERE found.word IS NOT NULL
        )
        SELECT word FROM found WHERE word <> '' LIMIT 200"
    );
    tx.all(&sql, args, |row| row.text("word")).await
}

/// The tags of the 20,000 tagged people changed last, for pickers, sorted.
pub async fn tags(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT tags FROM (SELECT tags FROM people WHERE tags <> '[]' AND deleted_at IS NULL
        ORDER BY updated_at DESC LIMIT 20000) recent";
    let found: Vec<Vec<String>> = tx.all(sql, vec![], |row| row.json("tags")).await?;
    let mut tags: Vec<String> = found.into_iter().flatten().collect();
    tags.sort();
    tags.dedup();
    Ok(tags)
}
