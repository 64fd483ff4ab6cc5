//! Power cuts at every point of a run: nothing is sent twice, nothing is lost, what is uncertain is shown.
//!
//! The receiving side is a ledger that writes down what it accepts before it says so; the inbox is a real Dovecot's.
//! On SQLite the process is killed by strace at the Nth write or sync of its database or the Nth packet it sends, so
//! every commit and every gap between two commits is hit; on PostgreSQL when a conversation reaches a stage. Then it
//! is started again on the same data, and in the end the ledger is compared with what Relance believes.

use crate::install::{Install, assert_no_doubles, eventually, scripted_mailbox};
use relance_domain::delivery::DeliveryState;
use relance_servers::{Action, Ledger, MailServers, Stage, TestDatabase, fresh_postgres, skip};
use relance_storage::{self as storage, Store};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

/// How long anything may take after a start.
const LIMIT: Duration = Duration::from_secs(30);

struct Run {
    install: Install,
    ledger: Ledger,
    people: usize,
    folder: tempfile::TempDir,
}

impl Run {
    /// Everybody is enrolled for two emails and all sending is stopped; the server does not run.
    async fn prepared(mail: &MailServers, database: Option<TestDatabase>, people: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::start(&folder.path().join("ledger")).await.expect("a ledger");
        let mut install = Install::on(database, Some(&mail.ca_file)).await;
        install.start().await;
        let address = format!("rep@{}", mail.fresh_domain());
        install.connect(scripted_mailbox(&address, ledger.port(), mail)).await;
        install.act("workspace/pause").await;
        let sequence = install.emails(2).await;
        install.enroll_new(&sequence, &mail.fresh_domain(), people).await;
        install.stop().await;
        Self { install, ledger, people, folder }
    }

    /// The enrollments whose email was past the point of no return when the process died.
    ///
    /// The leases of the dead process end here and now, so that no test waits for that.
    async fn after_the_kill(&self) -> BTreeSet<String> {
        let store = Store::open(&self.install.database()).await.expect("the database opens");
        let mut tx = store.begin().await.expect("a transaction");
        let mut left = BTreeSet::new();
        for mailbox in storage::mailboxes::all(&mut tx).await.expect("mailboxes") {
            for delivery in storage::outbox::in_flight(&mut tx, mailbox.id).await.expect("emails in flight") {
                if matches!(delivery.state, DeliveryState::Leaving { .. }) {
                    left.insert(delivery.enrollment_id.to_string());
                }
            }
        }
        storage::leases::expire_all(&mut tx).await.expect("the leases end");
        tx.commit().await.expect("committed");
        store.close().await;
        // One is handed over while what became of the one before is written.
        assert!(left.len() <= 2, "one mailbox hands over one email after the other: {left:?}");
        assert_no_doubles(&self.ledger);
        left
    }

    /// The enrollments that are shown as uncertain.
    async fn uncertain(&self) -> BTreeSet<String> {
        let blocked = self.install.all("enrollments?state=blocked&blocked_reason=delivery_uncertain").await;
        blocked.iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits until exactly these are shown as uncertain.
    async fn shows_as_uncertain(&self, wanted: &BTreeSet<String>) {
        eventually("uncertain emails are shown", LIMIT, async || {
            let shown = self.uncertain().await;
            if shown == *wanted { Ok(()) } else { Err(format!("{shown:?} instead of {wanted:?}")) }
        })
        .await;
    }

    /// Says of each uncertain email what the ledger knows of it.
    async fn resolve_by_the_ledger(&self) {
        for id in self.uncertain().await {
            let enrollment = self.install.enrollment(&id).await;
            let steps = enrollment["steps"].as_array().expect("steps");
            let step = steps.iter().find(|step| step["status"] == "uncertain").expect("an uncertain step");
            let message_id = step["delivery"]["message_id"].as_str().unwrap_or_default();
            let sent = self.ledger.accepted().iter().any(|accepted| accepted.message_id == message_id);
            self.install.post(&format!("enrollments/{id}/resolve"), json!({ "sent": sent })).await;
        }
    }

    /// Settles everything, answering every uncertain email truly, and compares the ledger with what is believed.
    async fn finish(mut self) {
        let all = loop {
            let all = self.install.settled(Duration::from_secs(90)).await;
            if all.iter().all(|one| one["state"] == "completed") {
                break all;
            }
            self.resolve_by_the_ledger().await;
        };
        assert_eq!(all.len(), self.people, "nobody was lost");
        for one in &all {
            assert_eq!(one["finished"]["reason"], "completed", "{one}");
            assert_eq!((&one["steps_done"], &one["emails_sent"]), (&json!(2), &json!(2)), "{one}");
        }
        assert_no_doubles(&self.ledger);
        assert_eq!(self.ledger.accepted().len(), 2 * self.people, "every email was accepted once");
        self.install.stop().await;
    }
}

fn can_trace() -> bool {
    let traced = std::process::Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).status();
    let works = traced.is_ok_and(|status| status.success());
    if !works {
        skip("strace is not installed or may not trace");
    }
    works
}

/// Where a round kills: the system call, and how many of them the thread may make before.
fn place(round: usize) -> (&'static str, usize) {
    // The numbers step by primes, so that over the rounds every place in the cycle of one email is hit.
    match round % 4 {
        0 => ("fsync", 10 + (round * 5) % 17),
        1 | 3 => ("pwrite64", 60 + (round * 17) % 83),
        _ => ("sendto", 12 + (round * 7) % 29),
    }
}

#[tokio::test]
async fn kill_9_between_any_two_commits_neither_doubles_nor_loses() {
    let Some(mail) = MailServers::shared().await else { return };
    if !can_trace() {
        return;
    }
    let mut run = Run::prepared(mail, None, 50).await;
    run.install.done(&["resume"], "").await;
    let log = run.folder.path().join("strace").display().to_string();
    let (mut were_leaving, mut kills) = (BTreeSet::new(), 0);
    for round in 0..40 {
        let (call, when) = place(round);
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=SIGKILL:when={when}"));
        let wrapper = ["strace", "-D", "-f", "-qq", "-o", &log, "-e", &trace, "-e", &inject];
        // It may die before it listens.
        if run.install.start_under(&wrapper).await.is_ok() {
            let relance = run.install.relance.as_mut().expect("a running server");
            if relance.wait(Duration::from_secs(10)).await.is_err() {
                // So few calls are left that the run is over.
                run.install.kill9().await;
                break;
            }
            run.install.relance = None;
        }
        kills += 1;
        were_leaving.append(&mut run.after_the_kill().await);
    }
    let accepted = run.ledger.accepted().len();
    eprintln!("{kills} kills, {} emails uncertain, {accepted} accepted before the last start", were_leaving.len());
    assert!(kills >= 20, "the process was killed {kills} times only");
    assert!(!were_leaving.is_empty(), "no kill hit an email that was leaving");
    run.install.start().await;
    run.shows_as_uncertain(&were_leaving).await;
    run.finish().await;
}

#[tokio::test]
async fn kill_9_at_any_stage_neither_doubles_nor_loses_on_postgresql() {
    let (Some(mail), Some(database)) = (MailServers::shared().await, fresh_postgres().await) else { return };
    let mut run = Run::prepared(mail, Some(database), 30).await;
    run.install.done(&["resume"], "").await;
    let mut were_leaving = BTreeSet::new();
    let stages = [Stage::Dot, Stage::Recorded, Stage::Mail, Stage::Body, Stage::Recorded, Stage::Rcpt, Stage::Dot];
    for (round, stage) in stages.into_iter().enumerate() {
        // Every other time the server says nothing, so the kill hits that very moment; else it may hit any later one.
        if round % 2 == 1 {
            run.ledger.fail_all(stage, Action::Hang, 1);
        }
        let wanted = run.ledger.reached(stage) + if round % 2 == 1 { 1 } else { 4 };
        run.install.start().await;
        run.ledger.wait_until_reached(stage, wanted, LIMIT).await.expect("it is sending");
        run.install.kill9().await;
        were_leaving.append(&mut run.after_the_kill().await);
        run.ledger.forgive();
    }
    assert!(!were_leaving.is_empty(), "no kill hit an email that was leaving");
    run.install.start().await;
    run.shows_as_uncertain(&were_leaving).await;
    run.finish().await;
}

/// The process dies while the answer to the final dot of the first email is awaited.
async fn kill_while_the_answer_hangs(database: Option<TestDatabase>, stage: Stage) {
    let Some(mail) = MailServers::shared().await else { return };
    let mut run = Run::prepared(mail, database, 3).await;
    run.ledger.fail_all(stage, Action::Hang, 1);
    run.install.start().await;
    run.install.act("workspace/resume").await;
    run.ledger.wait_until_reached(stage, 1, LIMIT).await.expect("the final dot came");
    run.install.kill9().await;
    let was_leaving = run.after_the_kill().await;
    assert_eq!(was_leaving.len(), 1, "the answer was awaited");
    let accepted = run.ledger.accepted().len();

    run.install.start().await;
    run.shows_as_uncertain(&was_leaving).await;
    // The others got both emails meanwhile: there was time enough to send it again, and it was not.
    let all = run.install.settled(LIMIT).await;
    assert_eq!(all.iter().filter(|one| one["state"] == "completed").count(), 2);
    assert_eq!(run.ledger.accepted().len(), accepted + 4);
    let id = was_leaving.first().expect("one");
    let enrollment = run.install.enrollment(id).await;
    assert_eq!(enrollment["steps"][0]["status"], "uncertain", "{enrollment:#}");
    assert_eq!(enrollment["steps"][1]["status"], "planned", "{enrollment:#}");
    assert!(!enrollment["blocked"]["message"].as_str().unwrap_or_default().is_empty(), "{enrollment:#}");
    let retried = run.install.ask(reqwest::Method::POST, &format!("enrollments/{id}/retry"), None).await;
    assert_eq!(retried.expect("an answer").status, 409, "only a person's word on what became of it helps");
    run.finish().await;
}

#[tokio::test]
async fn kill_before_an_email_is_written_down_leaves_it_uncertain() {
    kill_while_the_answer_hangs(None, Stage::Dot).await;
}

#[tokio::test]
async fn kill_after_an_email_is_written_down_leaves_it_uncertain() {
    kill_while_the_answer_hangs(None, Stage::Recorded).await;
}

#[tokio::test]
async fn kill_while_an_answer_is_awaited_leaves_it_uncertain_on_postgresql() {
    let Some(database) = fresh_postgres().await else { return };
    kill_while_the_answer_hangs(Some(database), Stage::Recorded).await;
}
