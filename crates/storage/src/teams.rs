//! Teams of users. Who sees whose people follows in `domain::user::Sight`.

use crate::{args, error::Result, tx::Tx, value::Row};
use relance_domain::{TeamId, UserId, person::normalized, user::Team};

fn team(row: &Row) -> Result<Team> {
    Ok(Team { id: row.id("id")?, name: row.text("name")?, created_at: row.time("created_at")? })
}

/// Every team, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Team>> {
    tx.all("SELECT id, name, created_at FROM teams ORDER BY name_key, id", vec![], team).await
}

/// The team with this id.
pub async fn find(tx: &mut Tx, id: TeamId) -> Result<Option<Team>> {
    tx.first("SELECT id, name, created_at FROM teams WHERE id = $1", args![id], team).await
}

/// Adds a team; a name that another has, whatever the case, is a conflict.
pub async fn insert(tx: &mut Tx, team: &Team) -> Result<()> {
    let sql = "INSERT INTO teams (id, name, name_key, created_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![team.id, &team.name, normalized(&team.name), team.created_at]).await?;
    Ok(())
}

/// Stores a new name; `false` if there is no such team.
pub async fn rename(tx: &mut Tx, id: TeamId, name: &str) -> Result<bool> {
    let sql = "UPDATE teams SET name = $2, name_key = $3 WHERE id = $1";
    Ok(tx.execute(sql, args![id, name, normalized(name)]).await? > 0)
}

/// Removes a team; its users are then in none. `false` if there was none.
pub async fn delete(tx: &mut Tx, id: TeamId) -> Result<bool> {
    tx.execute("UPDATE users SET team_id = NULL WHERE team_id = $1", args![id]).await?;
    Ok(tx.execute("DELETE FROM teams WHERE id = $1", args![id]).await? > 0)
}

/// The users in the team of `user`, deactivated ones too, `user` among them; nobody if they are in no team.
pub async fn members_with(tx: &mut Tx, user: UserId) -> Result<Vec<UserId>> {
    let sql = "SELECT m.id FROM users u JOIN users m ON m.team_id = u.team_id WHERE u.id = $1";
    tx.all(sql, args![user], |row| row.id("id")).await
}
