//! Turns single turns into loops: leases, watchers, sending, waking up, jobs, housekeeping.
//!
//! Every loop does a turn, then waits for a signal or its next tick, and ends at [`Service::stop`]. A turn that fails is
//! logged once and tried again with the next tick. Stopping lets the emails that are leaving finish, then gives the
//! leases back.

use crate::{Engine, error::Result, sender::Commits, watcher::Watch};
use relance_domain::{MailboxId, Timestamp, time::DAY};
use relance_storage as storage;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Mailboxes looked at in one turn of the sending loop.
const DUE_AT_ONCE: u32 = 1_000;
/// Milliseconds between two turns of the housekeeping.
const HOUSEKEEPING_MS: u64 = 10 * 60 * 1_000;
/// Stored answers of the API are kept for 7 days.
const KEEP_ANSWERS_MS: i64 = 7 * DAY;

/// The loops of a serving process.
pub struct Service {
    engine: Engine,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Service {
    /// Recovers what was left behind and starts every loop.
    pub async fn start(engine: Engine) -> Result<Self> {
        let service = Self { engine, stop: CancellationToken::new(), tasks: TaskTracker::new() };
        service.engine.look_back().await?;
        service.engine.take_over_alone().await?;
        service.engine.recover_orphans().await?;
        let commits = Commits::start(&service.engine);
        service.tasks.spawn(lease_loop(service.engine.clone(), service.tasks.clone(), service.stop.clone()));
        service.tasks.spawn(send_loop(service.engine.clone(), commits, service.tasks.clone(), service.stop.clone()));
        service.tasks.spawn(wake_loop(service.engine.clone(), service.stop.clone()));
        service.tasks.spawn(job_loop(service.engine.clone(), service.stop.clone()));
        service.tasks.spawn(housekeeping_loop(service.engine.clone(), service.stop.clone()));
        Ok(service)
    }

    /// Ends every loop: lanes finish the email at hand, then the leases go back.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.engine.release_leases().await {
            tracing::warn!(%error, "the leases could not be given back; they end by themselves");
        }
    }
}

fn log<T>(what: &str, outcome: Result<T>) -> Option<T> {
    outcome.inspect_err(|error| tracing::warn!(%error, "{what} failed; it is tried again")).ok()
}

/// Waits for `signal`, at most `ms`. False = stop.
async fn wait(signal: &tokio::sync::Notify, ms: u64, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = signal.notified() => true,
        () = tokio::time::sleep(Duration::from_millis(ms)) => true,
    }
}

/// A watcher that runs, and the way to end it.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// The servers and passwords it started with.
    mark: u64,
}

async fn lease_loop(engine: Engine, tasks: TaskTracker, stop: CancellationToken) {
    let mut watchers: HashMap<MailboxId, Running> = HashMap::new();
    loop {
        log("renewing the leases", engine.renew_leases().await);
        log("looking for emails without owner", engine.recover_orphans().await);
        if engine.settings.watch {
            let held: Vec<MailboxId> =
                engine.leases.all(engine.clock.boot_ms()).into_iter().map(|(mailbox, _)| mailbox).collect();
            if let Some(marks) = log("looking at the mailboxes", engine.way_marks(&held).await) {
                end_outdated(&engine, &marks, &mut watchers);
                for (mailbox, mark) in marks {
                    watchers.entry(mailbox).or_insert_with(|| {
                        let own = stop.child_token();
                        let task = tasks.spawn(Watch::new(engine.clone(), mailbox).run(own.clone()));
                        Running { stop: own, task, mark }
                    });
                }
            }
        }
        engine.signals.due.notify_waiters();
        if !wait(&engine.signals.mailboxes, engine.settings.renew_ms.unsigned_abs(), &stop).await {
            break;
        }
    }
}

/// Ends the watchers of mailboxes that are no longer ours, or whose servers or passwords changed: those start anew.
fn end_outdated(engine: &Engine, marks: &HashMap<MailboxId, u64>, watchers: &mut HashMap<MailboxId, Running>) {
    watchers.retain(|mailbox, running| {
        let goes_on = marks.get(mailbox) == Some(&running.mark);
        if !goes_on {
            running.stop.cancel();
            engine.health.forget(*mailbox);
        }
        goes_on && !running.task.is_finished()
    });
}

async fn send_loop(engine: Engine, commits: Commits, tasks: TaskTracker, stop: CancellationToken) {
    let busy: Arc<Mutex<HashSet<MailboxId>>> = Arc::default();
    let lanes = Arc::new(Semaphore::new(engine.settings.lanes));
    loop {
        let notified = engine.signals.due.notified();
        let now_due = log("looking for due mailboxes", engine.due_mailboxes().await).unwrap_or_default();
        for (mailbox, epoch) in now_due {
            let Ok(permit) = Arc::clone(&lanes).try_acquire_owned() else { break };
            if !busy.lock().unwrap_or_else(PoisonError::into_inner).insert(mailbox) {
                continue;
            }
            let (engine, commits, busy, stop) = (engine.clone(), commits.clone(), Arc::clone(&busy), stop.clone());
            tasks.spawn(async move {
                run_lane(&engine, &commits, mailbox, epoch, &stop).await;
                busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&mailbox);
                drop(permit);
                engine.signals.due.notify_waiters();
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = notified => {}
            () = tokio::time::sleep(Duration::from_millis(engine.settings.tick_ms)) => {}
        }
    }
}

/// Turns of one mailbox until nothing more is due, or the lease is no longer surely ours.
async fn run_lane(engine: &Engine, commits: &Commits, mailbox: MailboxId, epoch: i64, stop: &CancellationToken) {
    while !stop.is_cancelled() && engine.leases.epoch(mailbox, engine.clock.boot_ms()) == Some(epoch) {
        match log("sending", engine.send_due(commits, mailbox, epoch).await) {
            Some(turn) if turn.looked_at > 0 && turn.next.is_some_and(|next| next <= engine.now()) => {}
            _ => break,
        }
    }
}

async fn wake_loop(engine: Engine, stop: CancellationToken) {
    loop {
        let notified = engine.signals.due.notified();
        match log("waking up what is due", engine.wake_due().await) {
            Some(count) if count > 0 => continue,
            _ => {}
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = notified => {}
            () = tokio::time::sleep(Duration::from_millis(engine.settings.tick_ms)) => {}
        }
    }
}

async fn job_loop(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match log("a job", crate::jobs::run_next_job(&engine).await) {
            Some(true) => {}
            _ => {
                if !wait(&engine.signals.jobs, engine.settings.tick_ms, &stop).await {
                    break;
                }
            }
        }
    }
}

async fn housekeeping_loop(engine: Engine, stop: CancellationToken) {
    loop {
        log("housekeeping", engine.keep_house().await);
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(Duration::from_millis(HOUSEKEEPING_MS)) => {}
        }
    }
}

impl Engine {
    /// A number per mailbox that changes with its servers, names and passwords.
    async fn way_marks(&self, mailboxes: &[MailboxId]) -> Result<HashMap<MailboxId, u64>> {
        let mut tx = self.store.read().await?;
        Ok(storage::mailboxes::way_marks(&mut tx, mailboxes).await?)
    }

    /// Mailboxes of ours that have something to do now, with their epochs.
    pub async fn due_mailboxes(&self) -> Result<Vec<(MailboxId, i64)>> {
        let now = self.now();
        let due = {
            let mut tx = self.store.read().await?;
            storage::mailboxes::due(&mut tx, now, DUE_AT_ONCE).await?
        };
        let boot = self.clock.boot_ms();
        Ok(due.into_iter().filter_map(|mailbox| Some((mailbox, self.leases.epoch(mailbox, boot)?))).collect())
    }

    /// The next instant at which anything comes up by itself; `None` = nothing is planned.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut tx = self.store.read().await?;
        let slot = storage::mailboxes::next_slot(&mut tx).await?;
        let other = storage::enrollment_due::next_other_wake(&mut tx).await?;
        Ok([slot, other].into_iter().flatten().min())
    }

    /// Forgets what has served its time: sessions, failed sign-ins, stored answers of the API; and lets the database see
    /// how large its tables have become.
    pub async fn keep_house(&self) -> Result<()> {
        let now = self.clock.system_now();
        let mut tx = self.store.begin().await?;
        storage::sessions::purge(&mut tx, now).await?;
        storage::sign_in_failures::purge(&mut tx, now.plus_ms(-DAY), now).await?;
        storage::mail_providers::purge_consents(&mut tx, now).await?;
        storage::idempotency::purge(&mut tx, now.plus_ms(-KEEP_ANSWERS_MS)).await?;
        tx.commit().await?;
        self.forget_files(now).await?;
        Ok(self.store.refresh_statistics().await?)
    }
}
