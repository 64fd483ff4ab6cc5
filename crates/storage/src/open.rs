//! Opening the database: addresses, pools, and the settings that *durable* rests on, asserted rather than hoped for.

use crate::{
    error::{Result, StorageError},
    migrations,
    tx::{Engine, Tx},
};
use sqlx::{
    PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file, created if missing.
    Sqlite(PathBuf),
    /// A `postgres://` address.
    Postgres(String),
}

impl Database {
    /// Reads the operator's `--database`: `sqlite` (a file in the data folder) or `postgres://…`.
    pub fn parse(text: &str, data: &Path) -> Option<Self> {
        match text {
            "sqlite" => Some(Self::Sqlite(data.join("relance.sqlite"))),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Some(Self::Postgres(url.to_owned()))
            }
            _ => None,
        }
    }
}

#[derive(Clone)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
}

const READERS: u32 = 8;
const CONNECTIONS: u32 = 24;
/// Statements a connection keeps prepared.
const STATEMENTS: usize = 250;
const PATIENCE: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the database, asserts its settings and applies missing migrations.
    pub async fn open(database: &Database) -> Result<Self> {
        let store = Self::connect(database).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Opens the database and asserts its settings; the schema is left as it is.
    pub async fn connect(database: &Database) -> Result<Self> {
        let pools = match database {
            Database::Sqlite(path) => open_sqlite(path).await?,
            Database::Postgres(url) => open_postgres(url).await?,
        };
        Ok(Self { pools })
    }

    /// Applies missing migrations; their names. One process at a time does so.
    pub async fn migrate(&self) -> Result<Vec<&'static str>> {
        let mut tx = self.begin().await?;
        if tx.engine() == Engine::Postgres {
            tx.execute("SELECT pg_advisory_xact_lock(718263)", vec![]).await?;
        }
        let names = migrations::apply(&mut tx).await?;
        tx.commit().await?;
        Ok(names)
    }

    /// Which engine it is.
    pub const fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// A write transaction. On SQLite it holds the only writer: await nothing but database calls inside.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(match &self.pools {
            Pools::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A read transaction: one consistent view, never in the way of writers.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match &self.pools {
            Pools::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Pools::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Has SQLite learn how large its tables have become, on which its plans rest: quick, and nothing if it knows
    /// already. PostgreSQL does so by itself.
    ///
    /// Tables that nobody asked for since the start are looked at too, and of each index no more than 2,000 rows
    /// (<https://sqlite.org/pragma.html#pragma_optimize>).
    pub async fn refresh_statistics(&self) -> Result<()> {
        if let Pools::Sqlite { writer, .. } = &self.pools {
            sqlx::query("PRAGMA optimize = 0x10012").execute(writer).await?;
        }
        Ok(())
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    /// Copies a SQLite database to `path` while it is in use (`VACUUM INTO`); refused on PostgreSQL, which has its own tools.
    pub async fn backup(&self, path: &Path) -> Result<()> {
        let Pools::Sqlite { readers, .. } = &self.pools else {
            return Err(StorageError::Unavailable("use pg_dump to back up a PostgreSQL database".to_owned()));
        };
        let target = path.to_string_lossy().into_owned();
        // A copy counts as a write for a connection that is held to reading.
        let mut connection = readers.acquire().await?;
        sqlx::query("PRAGMA query_only = 0").execute(&mut *connection).await?;
        let copied = sqlx::query("VACUUM INTO $1").bind(target).execute(&mut *connection).await;
        sqlx::query("PRAGMA query_only = 1").execute(&mut *connection).await?;
        copied?;
        Ok(())
    }
}

async fn open_sqlite(path: &Path) -> Result<Pools> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .pragma("temp_store", "memory")
        .pragma("journal_size_limit", "67108864")
        .statement_cache_capacity(STATEMENTS);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        // A checkpoint writes a page once however often it changed: the fewer, the cheaper.
        .connect_with(options.clone().pragma("cache_size", "-32768").pragma("wal_autocheckpoint", "8000"))
        .await?;
    assert_sqlite(&writer).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(PATIENCE)
        .connect_with(options.read_only(false).pragma("query_only", "1").pragma("cache_size", "-4096"))
        .await?;
    Ok(Pools::Sqlite { writer, readers })
}

async fn assert_sqlite(pool: &SqlitePool) -> Result<()> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers < vec![3, 51, 3] {
        return Err(StorageError::Unavailable(format!(
            "SQLite {version} is older than 3.51.3, which repairs a WAL fault"
        )));
    }
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await?;
    let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(pool).await?;
    if journal != "wal" || synchronous != 2 || foreign_keys != 1 {
        let found = format!("journal_mode {journal}, synchronous {synchronous}, foreign_keys {foreign_keys}");
        return Err(StorageError::Unavailable(format!("SQLite refused its settings: {found}")));
    }
    Ok(())
}

async fn open_postgres(url: &str) -> Result<Pools> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("relance")
        .options([("timezone", "UTC")])
        .statement_cache_capacity(STATEMENTS);
    let pool =
        PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE).connect_with(options).await?;
    let version: String = sqlx::query_scalar("SHOW server_version_num").fetch_one(&pool).await?;
    if version.parse::<u32>().unwrap_or(0) < 150_000 {
        return Err(StorageError::Unavailable(format!("PostgreSQL 15 or later is needed, this is {version}")));
    }
    let commit: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&pool).await?;
    if commit == "off" {
        return Err(StorageError::Unavailable(
            "synchronous_commit is off: an acknowledged email could be forgotten".to_owned(),
        ));
    }
    Ok(Pools::Postgres(pool))
}
