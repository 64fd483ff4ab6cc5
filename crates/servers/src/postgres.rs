//! A private PostgreSQL cluster for one test run, and a database for each test.
//!
//! The cluster lies in the run's folder, listens on 127.0.0.1 only and does not wait for the disk
//! (`fsync=off`): it tests what the SQL says, not power cuts. PostgreSQL refuses to run as root,
//! so root starts it as the user `postgres`. A missing PostgreSQL is `Missing`.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

use crate::run::{Account, Missing, RunFolder, find_program, free_ports, is_root, poll, run, scratch_folder};

static SHARED: OnceCell<Option<Postgres>> = OnceCell::const_new();

/// Settings of every cluster; the rest are PostgreSQL's own.
const SETTINGS: [&str; 7] = [
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=300",
    "shared_buffers=64MB",
    "jit=off",
    "timezone=UTC",
    "lc_messages=C",
];

/// How long a cluster may take to answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The PostgreSQL of a test run.
#[derive(Debug)]
pub struct Postgres {
    url: String,
    _folder: Option<RunFolder>,
}

impl Postgres {
    /// The run's PostgreSQL, or one of this process; `None` says SKIPPED.
    pub async fn shared() -> Option<&'static Postgres> {
        let shared = SHARED.get_or_init(async || match crate::variable(crate::POSTGRES_VARIABLE) {
            Some(value) => match value.strip_prefix(crate::SKIPPED) {
                Some(_) => None,
                None => Some(Postgres { url: value, _folder: None }),
            },
            None => match Postgres::start().await {
                Ok(postgres) => Some(postgres),
                Err(error) if error.is::<Missing>() => None,
                Err(error) => panic!("PostgreSQL for the tests did not start: {error:#}"),
            },
        });
        let shared = shared.await.as_ref();
        if shared.is_none() {
            crate::skip("no PostgreSQL on this machine");
        }
        shared
    }

    /// Starts a private cluster that ends when this value is dropped or this process ends.
    pub async fn start() -> Result<Postgres> {
        Postgres::start_in(&scratch_folder(), &["fsync=off", "full_page_writes=off"]).await
    }

    /// Starts one whose data lie inside `parent` and that waits for the disk, for measurements.
    ///
    /// Root's own folders won't do: the user `postgres` must be able to enter `parent`.
    pub async fn start_durable(parent: &Path) -> Result<Postgres> {
        Postgres::start_in(parent, &["fsync=on"]).await
    }

    async fn start_in(parent: &Path, settings: &[&str]) -> Result<Postgres> {
        let (initdb, server) = programs()?;
        let account = owner()?;
        let mut folder = RunFolder::make("pg", parent)?;
        let data = folder.path().join("data");
        account.make_folder(&data, 0o700)?;
        run(as_owner(&initdb, account)
            .args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-instructions", "-D"])
            .arg(&data))?;
        let [port] = free_ports()?;
        let mut command = as_owner(&server, account);
        // No socket file: its path would have to be short.
        command.arg("-D").arg(&data).args(["-k", "", "-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in SETTINGS.iter().chain(settings) {
            command.args(["-c", setting]);
        }
        folder.start(&mut command, "postgres.log", "QUIT")?;
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let ready = poll(START_LIMIT, async || {
            if let Some(status) = folder.ended()? {
                bail!("PostgreSQL ended with {status}: {}", folder.log("postgres.log"));
            }
            Ok(PgConnection::connect(&url).await.ok())
        });
        match ready.await? {
            Some(connection) => connection.close().await?,
            None => bail!("PostgreSQL does not answer: {}", folder.log("postgres.log")),
        }
        Ok(Postgres { url, _folder: Some(folder) })
    }

    /// The URL of the cluster's own database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes an empty database.
    pub async fn fresh_database(&self) -> Result<TestDatabase> {
        self.create("template1").await
    }

    /// Makes a database that is a copy of the template `name`, which `prepare` fills once a run.
    pub async fn fresh_database_like(
        &self,
        name: &str,
        prepare: impl AsyncFnOnce(String) -> Result<()>,
    ) -> Result<TestDatabase> {
        let mut connection = PgConnection::connect(&self.url).await?;
        // One process prepares it; the others wait here. The lock goes with the connection.
        sqlx::query("SELECT pg_advisory_lock(hashtext($1))").bind(name).execute(&mut connection).await?;
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await?;
        if !there {
            let unfinished = format!("{name}_unfinished");
            for statement in [
                format!("DROP DATABASE IF EXISTS \"{unfinished}\" WITH (FORCE)"),
                format!("CREATE DATABASE \"{unfinished}\""),
            ] {
                connection.execute(sqlx::AssertSqlSafe(statement)).await?;
            }
            prepare(self.url_of(&unfinished)).await?;
            let closed =
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{unfinished}'");
            connection.execute(sqlx::AssertSqlSafe(closed)).await?;
            let finished = format!("ALTER DATABASE \"{unfinished}\" RENAME TO \"{name}\"");
            connection.execute(sqlx::AssertSqlSafe(finished)).await?;
        }
        connection.close().await?;
        self.create(name).await
    }

    async fn create(&self, template: &str) -> Result<TestDatabase> {
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&self.url).await.context("the run's PostgreSQL")?;
        let statement = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"");
        connection.execute(sqlx::AssertSqlSafe(statement)).await?;
        connection.close().await?;
        Ok(TestDatabase { url: self.url_of(&name), name, cluster: self.url.clone() })
    }

    fn url_of(&self, name: &str) -> String {
        let (server, _) = self.url.rsplit_once('/').unwrap_or((&self.url, ""));
        format!("{server}/{name}")
    }
}

/// The database of one test; it is dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// What `--database` takes.
    pub url: String,
    name: String,
    cluster: String,
}

impl TestDatabase {
    /// What PostgreSQL's autovacuum does a minute after much was written: plans learn the numbers, indexes answer alone.
    pub async fn vacuum(&self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url).await?;
        connection.execute("VACUUM ANALYZE").await?;
        Ok(connection.close().await?)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (cluster, name) = (self.cluster.clone(), self.name.clone());
        // The caller's runtime may be ending, so the statement has a thread of its own.
        let dropped = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&cluster).await?;
                let statement = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
                connection.execute(sqlx::AssertSqlSafe(statement)).await?;
                Ok(connection.close().await?)
            })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("The test database {} was not dropped: {error:#}", self.name);
        }
    }
}

/// An empty database of the run's PostgreSQL; `None` says SKIPPED.
pub async fn fresh_postgres() -> Option<TestDatabase> {
    let database = Postgres::shared().await?.fresh_database().await;
    Some(database.unwrap_or_else(|error| panic!("no database for this test: {error:#}")))
}

/// A copy of the template `name`, which `prepare` fills once a run; `None` says SKIPPED.
pub async fn fresh_postgres_like(name: &str, prepare: impl AsyncFnOnce(String) -> Result<()>) -> Option<TestDatabase> {
    let database = Postgres::shared().await?.fresh_database_like(name, prepare).await;
    Some(database.unwrap_or_else(|error| panic!("no database for this test: {error:#}")))
}

/// `initdb` and `postgres`, of the newest version there is.
fn programs() -> Result<(PathBuf, PathBuf)> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let folders: Vec<&str> = versions.iter().rev().filter_map(|(_, path)| path.to_str()).collect();
    let missing = || Missing("PostgreSQL is not installed (Debian: postgresql)".into());
    let initdb = find_program("initdb", &folders).ok_or_else(missing)?;
    let server = find_program("postgres", &folders).ok_or_else(missing)?;
    Ok((initdb, server))
}

/// The account the cluster runs as: `postgres` when we are root, else our own.
fn owner() -> Result<Account> {
    use std::os::unix::fs::MetadataExt;
    if is_root() {
        let missing = || Missing("PostgreSQL does not run as root and there is no user postgres".into());
        return Ok(Account::named("postgres").ok_or_else(missing)?);
    }
    let ourselves = std::fs::metadata("/proc/self")?;
    Ok(Account { uid: ourselves.uid(), gid: ourselves.gid() })
}

fn as_owner(program: &PathBuf, account: Account) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if is_root() {
        command.uid(account.uid).gid(account.gid);
    }
    command
}
