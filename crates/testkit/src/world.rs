//! A whole installation with a clock you move: real storage, the real engine, a sandbox mailbox.
//!
//! Nothing runs by itself: [`World::advance`] goes from one due instant to the next and does everything that is due, on
//! the caller's task, so a test sees the same history every time. On drop it checks that nothing was sent twice.

mod mail;

use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, StepId, Timestamp, UserId,
    delivery::Delivery,
    enrollment::Enrollment,
    mailbox::{Mailbox, Provider},
    person::{Fields, Kind},
    sequence::Plan,
    step::{Action, EmailText, Step, Wait, WaitUnit},
    user::{Actor, Role},
};
use relance_engine::{
    Clock, Engine, Keys, Settings,
    commands::{mailboxes::NewMailbox, preflight::EnrollRequest, sequences::SequenceFields, workspace::SetUp},
    ids::Ids,
    stepper::Stepper,
};
use relance_mail::Tls;
use relance_servers::TestDatabase;
use relance_storage::{self as storage, Database, Store};
use secrecy::SecretString;
use std::path::Path;
use tempfile::TempDir;

/// Which database a world lives on.
pub enum Ground {
    /// A SQLite file.
    Sqlite,
    /// A database of the run's PostgreSQL.
    Postgres(TestDatabase),
}

/// A whole installation.
pub struct World {
    /// The engine.
    pub engine: Engine,
    /// The admin, who is also the rep.
    pub actor: Actor,
    /// The admin's sandbox mailbox.
    pub mailbox: MailboxId,
    stepper: Stepper,
    sequence: Option<SequenceId>,
    _folder: TempDir,
    _ground: Ground,
}

/// A time such as `2026-03-02T09:00[Europe/Paris]`.
///
/// # Panics
/// If it is none.
pub fn time(text: &str) -> Timestamp {
    let zoned: jiff::Zoned = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    Timestamp::from_zoned(&zoned)
}

/// An automated email step; an empty subject replies in the thread.
pub fn email(engine: &Engine, amount: u32, unit: WaitUnit, subject: &str) -> Step {
    let email = EmailText {
        subject: subject.to_owned(),
        body_html: "<p>Hello {{ person.first_name | default('there') }}</p>".to_owned(),
        reply_in_thread: subject.is_empty(),
        ..EmailText::default()
    };
    Step { id: engine.new_step_id(), wait: Wait { amount, unit }, action: Action::AutomatedEmail { email } }
}

impl World {
    /// On SQLite, with the clock at `at` and a sequence of emails with these waits in days, sending at any time.
    pub async fn at(at: &str, waits: &[u32]) -> Self {
        Self::on(Ground::Sqlite, at, waits).await
    }

    /// As [`World::at`] on the given ground.
    ///
    /// # Panics
    /// If the installation cannot be made.
    pub async fn on(ground: Ground, at: &str, waits: &[u32]) -> Self {
        Self::trusting(ground, at, waits, None).await
    }

    /// As [`World::on`], trusting the certificates of `ca_file` as well.
    ///
    /// # Panics
    /// If the installation cannot be made.
    pub async fn trusting(ground: Ground, at: &str, waits: &[u32], ca_file: Option<&Path>) -> Self {
        Self::with(ground, at, waits, ca_file, |_| {}).await
    }

    /// As [`World::trusting`], with other settings of the operator.
    ///
    /// # Panics
    /// If the installation cannot be made.
    pub async fn with(
        ground: Ground,
        at: &str,
        waits: &[u32],
        ca_file: Option<&Path>,
        choose: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("world").tempdir().expect("a folder for the world");
        let database = match &ground {
            Ground::Sqlite => Database::Sqlite(folder.path().join("world.sqlite")),
            Ground::Postgres(database) => Database::Postgres(database.url.clone()),
        };
        let store = Store::open(&database).await.expect("the database opens");
        let zone = at.split_once('[').map_or("UTC", |(_, zone)| zone.trim_end_matches(']')).to_owned();
        let tls = Tls::new(ca_file).expect("a trust store");
        let engine = engine_with(store, folder.path(), Clock::standing(time(at)), tls, choose);
        let (actor, mailbox) = settle(&engine, &zone).await;
        let stepper = Stepper::start(engine.clone()).await.expect("the engine starts");
        let mut world = Self { engine, actor, mailbox, stepper, sequence: None, _folder: folder, _ground: ground };
        if !waits.is_empty() {
            let steps = waits
                .iter()
                .enumerate()
                .map(|(n, days)| email(&world.engine, *days, WaitUnit::Days, if n == 0 { "Hello" } else { "" }))
                .collect();
            world.sequence(Plan { steps, schedule: None, ..Plan::default() }).await;
        }
        world
    }

    /// Writes and activates a sequence; later [`World::enroll`] uses it.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn sequence(&mut self, plan: Plan) -> SequenceId {
        let fields = SequenceFields { name: "Test".to_owned(), plan, ..SequenceFields::default() };
        let created = self.engine.create_sequence(&self.actor, fields).await.expect("the sequence is created");
        // A plan without a schedule means any time; creating one without would take the workspace's.
        let active = self.engine.activate_sequence(&self.actor, created.id).await.expect("the sequence is activated");
        self.sequence = Some(active.id);
        active.id
    }

    /// Adds a lead with this address.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn person(&self, email: &str) -> PersonId {
        let fields = Fields { last_name: email.to_owned(), email: email.to_owned(), ..Fields::default() };
        self.engine.create_person(&self.actor, Kind::Lead, fields).await.expect("the person is created").id
    }

    /// Adds a lead with this address and enrolls it.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn enroll(&mut self, email: &str) -> EnrollmentId {
        let person = self.person(email).await;
        self.enroll_person(person).await
    }

    /// Enrolls a person in the world's sequence.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn enroll_person(&mut self, person: PersonId) -> EnrollmentId {
        let request = EnrollRequest {
            sequence_id: self.sequence.expect("a sequence"),
            person_ids: vec![person],
            mailbox_id: Some(self.mailbox),
            actor_id: None,
            start_at: None,
            start_step: None,
        };
        let enrollment = self.engine.enroll(&self.actor, &request).await.expect("the person is enrolled");
        self.run_due().await;
        enrollment.id
    }

    /// Ends this process and starts another on the same data: leases and connections are new.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn restart(&mut self) {
        self.engine.release_leases().await.expect("the leases are given back");
        self.stepper = Stepper::start(self.engine.clone()).await.expect("the engine starts");
    }

    /// As [`World::run_due`], where a server may fail.
    pub async fn try_run_due(&mut self) -> relance_engine::Result<u32> {
        self.stepper.run_due().await
    }

    /// Does everything that is due now; how many emails were sent.
    ///
    /// # Panics
    /// If the engine fails.
    pub async fn run_due(&mut self) -> u32 {
        self.stepper.run_due().await.expect("what is due is done")
    }

    /// Moves the clock by `ms`, from one due instant to the next; how many emails were sent.
    ///
    /// # Panics
    /// If the engine fails.
    pub async fn advance(&mut self, ms: i64) -> u32 {
        let end = self.engine.now().plus_ms(ms);
        let mut sent = self.run_due().await;
        while self.engine.now() < end {
            let now = self.engine.now();
            let next = self.engine.next_due().await.expect("what is due next").map_or(end, |next| next.min(end));
            self.engine.clock.advance(next.since(now).max(1));
            sent += self.run_due().await;
        }
        sent
    }

    /// The enrollment as stored.
    ///
    /// # Panics
    /// If there is none.
    pub async fn enrollment(&self, id: EnrollmentId) -> Enrollment {
        let mut tx = self.engine.store.read().await.expect("a view");
        storage::enrollments::find(&mut tx, id).await.expect("readable").expect("an enrollment").enrollment
    }

    /// The emails of an enrollment, oldest first.
    ///
    /// # Panics
    /// If the database cannot be read.
    pub async fn deliveries(&self, id: EnrollmentId) -> Vec<Delivery> {
        let mut tx = self.engine.store.read().await.expect("a view");
        storage::deliveries::of_enrollment(&mut tx, id).await.expect("deliveries")
    }

    /// The mailbox as stored.
    ///
    /// # Panics
    /// If there is none.
    pub async fn mailbox(&self) -> Mailbox {
        let mut tx = self.engine.store.read().await.expect("a view");
        storage::mailboxes::find(&mut tx, self.mailbox).await.expect("readable").expect("a mailbox")
    }

    /// Positions (from 0) of the steps whose emails the address got, in order.
    ///
    /// # Panics
    /// If the database cannot be read.
    pub async fn sent_to(&self, address: &str) -> Vec<usize> {
        let mut tx = self.engine.store.read().await.expect("a view");
        let mut all = storage::outbox::sent_page(&mut tx, self.mailbox, None, 10_000).await.expect("sent emails");
        all.reverse();
        let mut positions = Vec::new();
        for sent in all.iter().filter(|sent| sent.delivery.recipient == address) {
            let stored = storage::enrollments::find(&mut tx, sent.delivery.enrollment_id).await.expect("readable");
            let version_id = stored.expect("an enrollment").enrollment.version_id;
            let version =
                storage::sequences::find_version(&mut tx, version_id).await.expect("readable").expect("a version");
            positions.push(version.plan.position(sent.delivery.step_id).expect("a step") - 1);
        }
        positions
    }

    /// The id of the step at `position` (from 0) of the version an enrollment follows.
    ///
    /// # Panics
    /// If there is none.
    pub async fn step(&self, enrollment: EnrollmentId, position: usize) -> StepId {
        let enrollment = self.enrollment(enrollment).await;
        let mut tx = self.engine.store.read().await.expect("a view");
        let version = storage::sequences::find_version(&mut tx, enrollment.version_id).await.expect("readable");
        version.expect("a version").plan.steps[position].id
    }

    /// Ends the world, checking that no step was sent twice to anyone.
    ///
    /// # Panics
    /// If one was.
    pub async fn check(self) {
        let mut seen = std::collections::HashSet::new();
        for raw in self.outbox().await {
            let text = String::from_utf8_lossy(&raw);
            let id = text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap_or_default().to_owned();
            assert!(seen.insert(id.clone()), "{id} was sent twice");
        }
    }
}

/// An engine over `store` whose sandbox lies in `folder`.
///
/// # Panics
/// If the trust store cannot be read.
pub fn engine_on(store: Store, folder: &Path, clock: Clock) -> Engine {
    engine_with(store, folder, clock, Tls::new(None).expect("a trust store"), |_| {})
}

fn engine_with(store: Store, folder: &Path, clock: Clock, tls: Tls, choose: impl FnOnce(&mut Settings)) -> Engine {
    let mut settings = Settings::new(folder.to_path_buf(), "https://relance.test".to_owned());
    choose(&mut settings);
    Engine::new(store, clock, Ids::random(), Keys::from_bytes([7; 32]), tls, settings)
}

async fn settle(engine: &Engine, zone: &str) -> (Actor, MailboxId) {
    let set_up = SetUp {
        workspace_name: "World".to_owned(),
        time_zone: zone.to_owned(),
        email: "rep@world.test".to_owned(),
        name: "Rep".to_owned(),
        password: SecretString::from("correct horse battery"),
    };
    let user = engine.set_up(set_up).await.expect("the workspace is set up");
    let actor = Actor::User { id: user.id, role: Role::Admin };
    let new = sandbox_of(user.id, zone);
    let mailbox = engine.connect_mailbox(&actor, new).await.expect("the mailbox is connected");
    (actor, mailbox.id)
}

fn sandbox_of(user: UserId, zone: &str) -> NewMailbox {
    NewMailbox {
        user_id: Some(user),
        address: "rep@world.test".to_owned(),
        from_name: "Rep".to_owned(),
        provider: Provider::Sandbox,
        smtp: None,
        imap: None,
        aliases: Vec::new(),
        signature_html: String::new(),
        time_zone: zone.to_owned(),
        daily_quota: None,
        min_gap_seconds: Some(0),
        jitter_percent: None,
        ramp_up: None,
        watched_folders: Vec::new(),
        away: Vec::new(),
        check: false,
    }
}
