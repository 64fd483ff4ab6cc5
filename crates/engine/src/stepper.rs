//! Everything that is due, done one thing after the other on the caller's task: for tests and rehearsals.
//!
//! The same turns as [`crate::service`] in a fixed order: leases, inboxes, what wakes up, sending, jobs. Time moves only
//! when the caller moves it.

use crate::{
    Engine,
    error::{EngineError, Result},
    sender::Commits,
    watcher::{Watch, proofs::Wish},
};
use relance_domain::MailboxId;
use std::collections::HashMap;
use tokio::sync::mpsc;

/// Does what is due when told to.
pub struct Stepper {
    engine: Engine,
    commits: Commits,
    watches: HashMap<MailboxId, (Watch, mpsc::Receiver<Wish>)>,
}

impl Stepper {
    /// Recovers what was left behind, as a start does.
    pub async fn start(engine: Engine) -> Result<Self> {
        engine.look_back().await?;
        engine.take_over_alone().await?;
        engine.recover_orphans().await?;
        let commits = Commits::start(&engine);
        Ok(Self { engine, commits, watches: HashMap::new() })
    }

    /// Does everything that is due now; how many emails were sent.
    pub async fn run_due(&mut self) -> Result<u32> {
        let mut sent = 0;
        loop {
            self.engine.renew_leases().await?;
            self.engine.recover_orphans().await?;
            self.read_inboxes().await?;
            let mut woken = 0;
            // All of it before any mailbox looks: what wakes up at the same instant may go first.
            loop {
                match self.engine.wake_due().await? {
                    0 => break,
                    some => woken += some,
                }
            }
            while crate::jobs::run_next_job(&self.engine).await? {
                woken += 1;
            }
            let mut looked_at = 0;
            for (mailbox, epoch) in self.engine.due_mailboxes().await? {
                let turn = self.engine.send_due(&self.commits, mailbox, epoch).await?;
                sent += turn.sent;
                looked_at += turn.looked_at;
                // What the turn released is due now and was not among what it looked at.
                looked_at += u32::from(turn.next.is_some_and(|next| next <= self.engine.now()));
            }
            if woken == 0 && looked_at == 0 {
                return Ok(sent);
            }
        }
    }

    /// Reads every inbox to its end.
    pub async fn read_inboxes(&mut self) -> Result<()> {
        if !self.engine.settings.watch {
            return Ok(());
        }
        for (mailbox, _) in self.engine.leases.all(self.engine.clock.boot_ms()) {
            let (watch, _wishes) = self.watches.entry(mailbox).or_insert_with(|| {
                let wishes = self.engine.proofs.watch(mailbox);
                (Watch::new(self.engine.clone(), mailbox), wishes)
            });
            if let Err(error) = watch.prove().await {
                return Err(EngineError::Unavailable(error.to_string()));
            }
        }
        Ok(())
    }
}
