//! The servers that tests talk to: a private PostgreSQL, a private Postfix and Dovecot, mail
//! servers that fail on purpose, the real binary and a headless browser.
//!
//! The test command starts PostgreSQL and the mail pair once for a whole run and passes them on
//! in two environment variables; a test started by hand starts its own and they end with its
//! process. Every test has a database and a mail domain of its own.
//! What a machine can't do is `None` after one printed line `SKIPPED: reason`, which the test
//! command counts; a server that is there but does not start is a failure, never a skip.

mod browser;
mod certificate;
mod dns;
mod introspection;
mod ledger;
mod ledger_session;
mod mail;
mod mail_settings;
mod oauth;
mod postgres;
mod proxy;
mod relance;
mod run;
mod sink;
mod talk;

pub use browser::{BrowserOutcome, browser_test};
pub use certificate::{Authority, CertificateKind};
pub use dns::DnsServer;
pub use ledger::{Accepted, Action, Ledger, LedgerOptions, Security, Stage};
pub use mail::{MailServers, StoredMail};
pub use oauth::{CLIENT_ID, CLIENT_SECRET, OauthServer, fields};
pub use postgres::{Postgres, TestDatabase, fresh_postgres, fresh_postgres_like};
pub use proxy::Proxy;
pub use relance::{Relance, RelanceCommand};
pub use run::{Missing, RunFolder, free_ports, scratch_folder};
pub use sink::{SmtpSink, smtp_source};
pub use talk::Talk;

/// The environment variable with the URL of the run's PostgreSQL, or the reason why there is none.
pub const POSTGRES_VARIABLE: &str = "RELANCE_TEST_POSTGRES";
/// The environment variable with the run's mail servers as JSON, or the reason why there are none.
pub const MAIL_VARIABLE: &str = "RELANCE_TEST_MAIL";
/// The environment variable with the file to which each skip adds a line.
pub const SKIPPED_VARIABLE: &str = "RELANCE_TEST_SKIPPED";

/// The beginning of the line that says what was left out, and why.
pub const SKIPPED: &str = "SKIPPED: ";

/// Says that the calling test can't run on this machine, in the way the test command counts.
pub fn skip(reason: &str) {
    let test =
        variable("NEXTEST_TEST_NAME").or_else(|| std::thread::current().name().map(str::to_owned)).unwrap_or_default();
    eprintln!("{SKIPPED}{reason} ({test})");
    if let Some(file) = variable(SKIPPED_VARIABLE) {
        use std::io::Write;
        let line = format!("{SKIPPED}{reason} ({test})\n");
        let added = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        added.unwrap_or_else(|error| panic!("the list of skipped tests {file}: {error}"));
    }
}

/// A variable of the environment that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the test command hands the run's servers over in the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Now, in milliseconds: for what servers that are not ours believe.
#[expect(clippy::disallowed_methods, reason = "other people's servers have clocks of their own")]
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Now, for deadlines and measurements of the test environment only.
#[expect(
    clippy::disallowed_methods,
    reason = "start times and arrival times of the servers are real time, not business time"
)]
fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(test)]
mod tests;
