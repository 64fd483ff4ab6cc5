//! Runs a test on a fresh database of each engine.
//!
//! SQLite lies in a temporary file (in memory-backed `/dev/shm` where there is one), PostgreSQL in a database of its
//! own on the server named by `RELANCE_TEST_POSTGRES` (an address that may create databases), dropped at the end even
//! if the test panics. Without that address the PostgreSQL half is skipped, and says so.

use futures::FutureExt;
use relance_domain::Timestamp;
use relance_storage::{Database, Engine, Store, Tx, value::FromId};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    future::Future,
    panic::AssertUnwindSafe,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};
use uuid::Uuid;

/// Runs `test` on a fresh SQLite database, then on a fresh PostgreSQL database.
pub async fn on_both<F, Fut>(name: &str, test: F)
where
    F: Fn(Store) -> Fut,
    Fut: Future<Output = ()>,
{
    on_sqlite(&test).await;
    on_postgres(name, &test).await;
}

async fn on_sqlite<F, Fut>(test: &F)
where
    F: Fn(Store) -> Fut,
    Fut: Future<Output = ()>,
{
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let folder = tempfile::tempdir_in(parent).expect("a temporary folder");
    let store = Store::open(&Database::Sqlite(folder.path().join("test.sqlite"))).await.expect("SQLite opens");
    test(store.clone()).await;
    store.close().await;
}

#[expect(clippy::disallowed_methods, reason = "the test command names the PostgreSQL server in the environment")]
fn server() -> Option<String> {
    std::env::var("RELANCE_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

async fn on_postgres<F, Fut>(name: &str, test: &F)
where
    F: Fn(Store) -> Fut,
    Fut: Future<Output = ()>,
{
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(url) = server() else {
        eprintln!("SKIPPED: no PostgreSQL (set RELANCE_TEST_POSTGRES)");
        return;
    };
    let words: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let words: String = words.chars().take(30).collect();
    let database = format!("relance_{}_{number}_{words}", std::process::id());
    let mut admin = PgConnection::connect(&url).await.expect("the PostgreSQL server answers");
    run(&mut admin, &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await;
    run(&mut admin, &format!("CREATE DATABASE {database} TEMPLATE template0")).await;
    let store = Store::open(&Database::Postgres(with_database(&url, &database))).await.expect("PostgreSQL opens");
    let outcome = AssertUnwindSafe(test(store.clone())).catch_unwind().await;
    store.close().await;
    run(&mut admin, &format!("DROP DATABASE {database} WITH (FORCE)")).await;
    if let Err(panic) = outcome {
        eprintln!("on PostgreSQL:");
        std::panic::resume_unwind(panic);
    }
}

async fn run(admin: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await.expect(sql);
}

/// `postgres://user@host:port/name?query` with another database name.
fn with_database(url: &str, database: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, ""), |(address, query)| (address, query));
    let scheme_end = address.find("://").map_or(0, |at| at + 3);
    let host = match address[scheme_end..].find('/') {
        Some(slash) => &address[..scheme_end + slash],
        None => address,
    };
    if query.is_empty() { format!("{host}/{database}") } else { format!("{host}/{database}?{query}") }
}

/// The id number `n` of its kind.
pub fn id<T: FromId>(n: u128) -> T {
    T::from_id(Uuid::from_u128(n))
}

/// The instant `seconds` after a fixed Monday morning.
pub const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(1_795_424_400_000 + seconds * 1_000)
}

/// Gathers the planner's statistics as either engine does in an installation, and has PostgreSQL put away what it has not
/// yet sorted into the search index.
pub async fn analyze(store: &Store) {
    store.refresh_statistics().await.expect("statistics");
    let mut tx = store.begin().await.expect("a transaction");
    if store.engine() == Engine::Postgres {
        tx.execute("ANALYZE", vec![]).await.expect("ANALYZE");
        let sql = "SELECT gin_clean_pending_list('people_search') AS pages";
        tx.one(sql, vec![], |row| row.int("pages")).await.expect(sql);
    }
    tx.commit().await.expect("commit");
}

/// The plan of a query in lines, of either engine.
pub async fn plan(tx: &mut Tx, sql: &str, args: Vec<relance_storage::Value>) -> String {
    let (explain, column) = match tx.engine() {
        Engine::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
        Engine::Postgres => ("EXPLAIN", "QUERY PLAN"),
    };
    tx.all(&format!("{explain} {sql}"), args, |row| row.text(column)).await.expect(sql).join("\n")
}
