//! How each user looks at leads and at contacts: index or table, and which columns.

use crate::{args, error::Result, tx::Tx, value::json};
use relance_domain::{
    UserId,
    list::{Shape, View},
    person::Kind,
};

/// How a user looks at leads or contacts; the usual view if they never chose.
pub async fn find(tx: &mut Tx, user: UserId, kind: Kind) -> Result<View> {
    let sql = "SELECT shape, columns FROM people_views WHERE user_id = $1 AND kind = $2";
    let read = |row: &crate::Row| Ok(View { shape: row.word("shape", Shape::parse)?, columns: row.json("columns")? });
    Ok(tx.first(sql, args![user, kind.as_str()], read).await?.unwrap_or_default())
}

/// Remembers how a user looks at leads or contacts.
pub async fn store(tx: &mut Tx, user: UserId, kind: Kind, view: &View) -> Result<()> {
    let sql = "INSERT INTO people_views (user_id, kind, shape, columns) VALUES ($1, $2, $3, $4)
        ON CONFLICT (user_id, kind) DO UPDATE SET shape = excluded.shape, columns = excluded.columns";
    tx.execute(sql, args![user, kind.as_str(), view.shape.as_str(), json(&view.columns)]).await?;
    Ok(())
}
