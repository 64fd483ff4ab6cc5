//! Migrations: two folders with the same numbers, applied in order, each in its own transaction.

use crate::{
    error::{Result, StorageError},
    tx::{Engine, Tx},
};

struct Migration {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal;)*) => {
        const MIGRATIONS: &[Migration] = &[$(Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("migrations/postgres/", $name, ".sql")),
        }),*];
    };
}

migrations! {
    1 "0001_foundation";
    2 "0002_lists_and_fields";
    3 "0003_certainty";
    4 "0004_lists_and_pauses";
    5 "0005_users";
    6 "0006_mail_providers";
    7 "0007_drafts";
    8 "0008_sequence_folders";
    9 "0009_team";
    10 "0010_holidays";
    11 "0011_mailbox_settings";
    12 "0012_attachments";
}

/// The number of the newest migration this program knows.
pub const fn newest() -> i64 {
    MIGRATIONS[MIGRATIONS.len() - 1].number
}

/// Applies what is missing inside `tx`; the names applied. Refuses a database that is newer than the program.
pub async fn apply(tx: &mut Tx) -> Result<Vec<&'static str>> {
    let number = if tx.engine() == Engine::Sqlite { "INTEGER" } else { "BIGINT" };
    tx.execute(
        &format!("CREATE TABLE IF NOT EXISTS schema_migrations (number {number} PRIMARY KEY, name TEXT NOT NULL)"),
        vec![],
    )
    .await?;
    let applied = tx
        .one("SELECT COALESCE(MAX(number), 0) AS number FROM schema_migrations", vec![], |row| row.int("number"))
        .await?;
    if applied > newest() {
        return Err(StorageError::Unavailable(format!(
            "the database is at version {applied}, this program knows {}: use a newer program",
            newest()
        )));
    }
    let mut names = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > applied) {
        match tx {
            Tx::Sqlite(tx) => sqlx::raw_sql(migration.sqlite).execute(&mut **tx).await?,
            Tx::Postgres(tx) => {
                sqlx::raw_sql(migration.postgres).execute(&mut **tx).await?;
                sqlx::sqlite::SqliteQueryResult::default()
            }
        };
        tx.execute(
            "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)",
            crate::args![migration.number, migration.name],
        )
        .await?;
        names.push(migration.name);
    }
    Ok(names)
}
