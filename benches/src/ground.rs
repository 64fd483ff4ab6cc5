//! An empty installation on either database, and people, mailboxes and sequences to fill it with.

use anyhow::Context;
use clap::ValueEnum;
use relance_domain::{
    MailboxId, PersonId, Timestamp, UserId,
    mailbox::{Endpoint, Provider, Security},
    person::{self, Fields, Person},
    sequence::{Plan, Sequence},
    step::{Action, EmailText, Step, TaskKind, TaskMode, TaskText, Wait, WaitUnit},
    user::{Actor, Role},
};
use relance_engine::{
    Clock, Engine, Keys, Result, Settings,
    commands::{
        mailboxes::{NewEndpoint, NewMailbox},
        sequences::SequenceFields,
        workspace::SetUp,
    },
    ids::Ids,
};
use relance_mail::Tls;
use relance_servers::{Missing, Postgres, TestDatabase};
use relance_storage::{Database, Store, people};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A SQLite file.
    Sqlite,
    /// A private PostgreSQL.
    Postgres,
}

impl Kind {
    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The databases of a run.
pub struct Grounds {
    folder: PathBuf,
    postgres: Option<Postgres>,
    only: Option<Kind>,
}

/// An installation.
pub struct Place {
    /// Its engine.
    pub engine: Engine,
    /// Its admin.
    pub actor: Actor,
    /// Who that is.
    pub user: UserId,
    database: Option<TestDatabase>,
    _folder: TempDir,
}

impl Grounds {
    /// Starts what the run needs, with data below `folder`.
    pub async fn start(folder: &Path, only: Option<Kind>) -> anyhow::Result<Self> {
        let postgres = match only {
            Some(Kind::Sqlite) => None,
            _ => match Postgres::start_durable(folder).await {
                Ok(postgres) => Some(postgres),
                Err(error) if error.is::<Missing>() => {
                    println!("Left out: {error}");
                    None
                }
                Err(error) => return Err(error.context("PostgreSQL for the benchmark did not start")),
            },
        };
        Ok(Self { folder: folder.to_path_buf(), postgres, only })
    }

    /// The databases there are.
    pub fn kinds(&self) -> Vec<Kind> {
        [Kind::Sqlite, Kind::Postgres]
            .into_iter()
            .filter(|kind| self.only.is_none_or(|only| only == *kind))
            .filter(|kind| *kind == Kind::Sqlite || self.postgres.is_some())
            .collect()
    }

    /// An empty installation with its admin.
    pub async fn place(&self, kind: Kind, clock: Clock) -> anyhow::Result<Place> {
        let folder = tempfile::Builder::new().prefix("relance-bench").tempdir_in(&self.folder)?;
        let (database, kept) = match kind {
            Kind::Sqlite => (Database::Sqlite(folder.path().join("relance.sqlite")), None),
            Kind::Postgres => {
                let cluster = self.postgres.as_ref().context("there is no PostgreSQL")?;
                let database = cluster.fresh_database().await?;
                (Database::Postgres(database.url.clone()), Some(database))
            }
        };
        let store = Store::open(&database).await?;
        let mut settings = Settings::new(folder.path().to_path_buf(), "https://relance.test".to_owned());
        settings.watch = false;
        let engine = Engine::new(store, clock, Ids::random(), Keys::from_bytes([7; 32]), Tls::new(None)?, settings);
        let set_up = SetUp {
            workspace_name: "Bench".to_owned(),
            time_zone: "UTC".to_owned(),
            email: "rep@bench.test".to_owned(),
            name: "Robin Rep".to_owned(),
            password: SecretString::from("correct horse battery"),
        };
        let user = engine.set_up(set_up).await?;
        let actor = Actor::User { id: user.id, role: Role::Admin };
        Ok(Place { engine, actor, user: user.id, database: kept, _folder: folder })
    }
}

impl Place {
    /// Connects `count` mailboxes that submit to `port` of this machine without waiting between two emails.
    pub async fn mailboxes(&self, count: usize, port: u16) -> Result<Vec<MailboxId>> {
        let endpoint = || NewEndpoint {
            endpoint: Endpoint {
                host: "127.0.0.1".to_owned(),
                port,
                security: Security::None,
                username: String::new(),
            },
            password: None,
        };
        let mut ids = Vec::with_capacity(count);
        for number in 0..count {
            let new = NewMailbox {
                user_id: self.actor.user_id(),
                address: format!("rep{number}@bench.test"),
                from_name: "Robin Rep".to_owned(),
                provider: Provider::ImapSmtp,
                smtp: Some(endpoint()),
                imap: Some(endpoint()),
                aliases: Vec::new(),
                signature_html: String::new(),
                time_zone: "UTC".to_owned(),
                daily_quota: Some(100_000),
                min_gap_seconds: Some(0),
                jitter_percent: None,
                ramp_up: None,
                watched_folders: Vec::new(),
                away: Vec::new(),
                check: false,
            };
            ids.push(self.engine.connect_mailbox(&self.actor, new).await?.id);
        }
        Ok(ids)
    }

    /// Writes and activates a sequence with these steps that sends at any time.
    pub async fn sequence(&self, steps: Vec<Step>) -> Result<Sequence> {
        let plan = Plan { steps, schedule: None, ..Plan::default() };
        let fields = SequenceFields { name: "Bench".to_owned(), plan, ..SequenceFields::default() };
        let created = self.engine.create_sequence(&self.actor, fields).await?;
        self.engine.activate_sequence(&self.actor, created.id).await
    }

    /// An automated email whose message has about 2 KB.
    pub fn email(&self, days: u32, subject: &str) -> Step {
        let paragraph = "<p>We help teams like yours write to the right people at the right time, and stop the moment \
            someone answers. It takes an afternoon to set up and nothing to keep.</p>";
        let email = EmailText {
            subject: subject.to_owned(),
            body_html: format!("<p>Hello {{{{ person.first_name }}}},</p>{}", paragraph.repeat(3)),
            reply_in_thread: subject.is_empty(),
            ..EmailText::default()
        };
        self.step(days, Action::AutomatedEmail { email })
    }

    /// A task.
    pub fn task(&self, days: u32) -> Step {
        let task = TaskText {
            kind: TaskKind::Call,
            content: "Call {{ person.first_name }}".to_owned(),
            due_in_days: 1,
            mode: TaskMode::Wait,
            overdue_days: 0,
        };
        self.step(days, Action::Task { task })
    }

    fn step(&self, days: u32, action: Action) -> Step {
        Step { id: self.engine.new_step_id(), wait: Wait { amount: days, unit: WaitUnit::Days }, action }
    }

    /// Adds leads in transactions of 1,000.
    pub async fn people(&self, count: usize) -> anyhow::Result<Vec<PersonId>> {
        let mut ids = Vec::with_capacity(count);
        for first in (0..count).step_by(1_000) {
            let chunk: Vec<Person> = (first..count.min(first + 1_000)).map(|number| self.person(number)).collect();
            ids.extend(chunk.iter().map(|person| person.id));
            let mut tx = self.engine.store.begin().await?;
            people::insert_many(&mut tx, &chunk).await?;
            tx.commit().await?;
        }
        self.settle().await?;
        Ok(ids)
    }

    fn person(&self, number: usize) -> Person {
        let now = self.engine.now();
        let company = number * 7 % 9_973;
        let fields = Fields {
            first_name: format!("First{}", number * 31 % 4_999),
            last_name: format!("Last{:06}", number * 7_919 % 1_000_003),
            organization_name: format!("Company {company}"),
            title: "Head of Sales".to_owned(),
            email: format!("person{number}@company{company}.test"),
            industry: "Publishing".to_owned(),
            status: ["New", "Working", "Closed"][number % 3].to_owned(),
            tags: if number.is_multiple_of(10) { vec!["warm".to_owned()] } else { Vec::new() },
            ..Fields::default()
        };
        let created_at = now.plus_ms(-(number as i64));
        Person { id: self.engine.new_person_id(), kind: person::Kind::Lead, fields, created_at, updated_at: now }
    }

    /// What happens in an installation within minutes after much was written: PostgreSQL vacuums, we have SQLite look at
    /// the sizes of its tables.
    pub async fn settle(&self) -> anyhow::Result<()> {
        self.engine.store.refresh_statistics().await?;
        match &self.database {
            Some(database) => database.vacuum().await,
            None => Ok(()),
        }
    }
}

/// Monday, 2 March 2026, 09:00 UTC.
pub const MONDAY: Timestamp = Timestamp::from_ms(1_772_442_000_000);
