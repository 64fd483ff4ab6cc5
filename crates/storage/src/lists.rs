//! Smart lists and who keeps which in the bar. Whether someone may see or change one is judged by the domain.

use crate::{
    args,
    error::Result,
    tx::Tx,
    value::{Row, json},
};
use relance_domain::{ListId, UserId, list::List, person::Kind};

const COLUMNS: &str =
    "l.id, l.name, l.kind, l.filter, l.columns, l.sort, l.shared, l.owner_id, l.created_at, l.updated_at";

fn list_of(row: &Row) -> Result<List> {
    Ok(List {
        id: row.id("id")?,
        name: row.text("name")?,
        kind: row.word("kind", Kind::parse)?,
        filter: row.json("filter")?,
        columns: row.json("columns")?,
        sort: row.text("sort")?,
        shared: row.int("shared")? != 0,
        owner_id: row.id("owner_id")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// The lists of a user and those shared with everyone, by name.
pub async fn list(tx: &mut Tx, user: UserId) -> Result<Vec<List>> {
    let sql = format!("SELECT {COLUMNS} FROM lists l WHERE l.owner_id = $1 OR l.shared = 1 ORDER BY l.name, l.id");
    tx.all(&sql, args![user], list_of).await
}

/// Every list, of whomever: for what must follow in all of them.
pub async fn all(tx: &mut Tx) -> Result<Vec<List>> {
    tx.all(&format!("SELECT {COLUMNS} FROM lists l ORDER BY l.id"), vec![], list_of).await
}

/// The lists a user keeps in the bar, in their order; those no longer shared with them left out.
pub async fn pinned(tx: &mut Tx, user: UserId) -> Result<Vec<List>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM list_pins n JOIN lists l ON l.id = n.list_id
        WHERE n.user_id = $1 AND (l.owner_id = $1 OR l.shared = 1) ORDER BY n.position, l.id"
    );
    tx.all(&sql, args![user], list_of).await
}

/// The list with this id.
pub async fn find(tx: &mut Tx, id: ListId) -> Result<Option<List>> {
    let sql = format!("SELECT {COLUMNS} FROM lists l WHERE l.id = $1");
    tx.first(&sql, args![id], list_of).await
}

/// Adds a list.
pub async fn insert(tx: &mut Tx, list: &List) -> Result<()> {
    tx.execute(
        "INSERT INTO lists (id, name, kind, filter, columns, sort, shared, owner_id, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            list.id,
            &list.name,
            list.kind.as_str(),
            json(&list.filter),
            json(&list.columns),
            &list.sort,
            i64::from(list.shared),
            list.owner_id,
            list.created_at,
            list.updated_at
        ],
    )
    .await?;
    Ok(())
}

/// Stores a changed list; `false` if there is no such list. Kind and owner stay.
pub async fn update(tx: &mut Tx, list: &List) -> Result<bool> {
    let sql = "UPDATE lists SET name = $2, filter = $3, columns = $4, sort = $5, shared = $6, updated_at = $7
        WHERE id = $1";
    let args = args![
        list.id,
        &list.name,
        json(&list.filter),
        json(&list.columns),
        &list.sort,
        i64::from(list.shared),
        list.updated_at
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Removes a list and its pins; `false` if there was none.
pub async fn delete(tx: &mut Tx, id: ListId) -> Result<bool> {
    tx.execute("DELETE FROM list_pins WHERE list_id = $1", args![id]).await?;
    Ok(tx.execute("DELETE FROM lists WHERE id = $1", args![id]).await? > 0)
}

/// Keeps exactly these lists in the bar of a user, in this order.
pub async fn set_pins(tx: &mut Tx, user: UserId, lists: &[ListId]) -> Result<()> {
    tx.execute("DELETE FROM list_pins WHERE user_id = $1", args![user]).await?;
    for (position, list) in lists.iter().enumerate() {
        let sql = "INSERT INTO list_pins (user_id, list_id, position) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        tx.execute(sql, args![user, *list, position]).await?;
    }
    Ok(())
}
