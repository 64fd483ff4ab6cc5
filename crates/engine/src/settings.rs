//! What the operator chose, with the defaults of `engine.md` §7. Read once, by the binary's `config`.

use relance_domain::mail_provider::Elsewhere;
use relance_mail::guard::Networks;
use std::{net::SocketAddr, path::PathBuf};

/// Settings of a process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder: secret key and sandbox mailboxes.
    pub data: PathBuf,
    /// How people and prospects reach the pages, without a slash at the end (`https://relance.example`).
    pub base_url: String,
    /// The name said to SMTP servers.
    pub hello_name: String,
    /// Nothing may leave the machine: only sandbox mailboxes can be connected.
    pub demo: bool,
    /// Milliseconds a lease of a mailbox lasts.
    pub lease_ms: i64,
    /// Milliseconds between two renewals of the leases.
    pub renew_ms: i64,
    /// Milliseconds between two proofs of freshness of an inbox.
    pub proof_ms: i64,
    /// Inboxes are watched; off only where a benchmark has none.
    pub watch: bool,
    /// Milliseconds between two looks at what is due when nothing signals.
    pub tick_ms: u64,
    /// Mailboxes that send at the same time.
    pub lanes: usize,
    /// Milliseconds after the point of no return at which an unanswered email is given to a person.
    pub quiet_ms: i64,
    /// Most requests of one API token at once.
    pub api_burst: u32,
    /// Most requests of one API token a second, in the long run.
    pub api_per_second: u32,
    /// Google and Microsoft are elsewhere than usual: national clouds, tests.
    pub providers: Elsewhere,
    /// Networks that are asked beyond the public internet.
    pub networks: Networks,
    /// The name servers that are asked about domains; none = those of the machine.
    pub name_servers: Vec<SocketAddr>,
}

impl Settings {
    /// The defaults over this data folder.
    pub fn new(data: PathBuf, base_url: String) -> Self {
        Self {
            data,
            base_url,
            hello_name: "localhost".to_owned(),
            demo: false,
            lease_ms: 15_000,
            renew_ms: 5_000,
            proof_ms: 30_000,
            watch: true,
            tick_ms: 500,
            lanes: 200,
            quiet_ms: 15 * relance_domain::time::MINUTE,
            api_burst: 3_000,
            api_per_second: 200,
            providers: Elsewhere::default(),
            networks: Networks::default(),
            name_servers: Vec::new(),
        }
    }

    /// The folder of a sandbox mailbox.
    pub fn sandbox(&self, mailbox: relance_domain::MailboxId) -> PathBuf {
        self.data.join("sandbox").join(mailbox.to_string())
    }

    /// Where Google and Microsoft send people back to.
    pub fn oauth_redirect(&self) -> String {
        format!("{}/mailboxes/oauth/callback", self.base_url)
    }

    /// `https` is needed for one-click unsubscribe and secure cookies.
    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }
}
