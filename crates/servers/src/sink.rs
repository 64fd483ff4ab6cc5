//! Postfix's own measuring tools: `smtp-sink`, which swallows mail and misbehaves on demand, and
//! `smtp-source`, which sends as fast as it can.
//!
//! Without Postfix installed both are `Missing`.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::net::TcpStream;

use crate::run::{Missing, find_program, free_ports, is_root, poll, run};

/// A running `smtp-sink`, ended with this value.
#[derive(Debug)]
pub struct SmtpSink {
    /// Its port on 127.0.0.1.
    pub port: u16,
    child: Child,
}

impl SmtpSink {
    /// Starts one with options of its manual page, such as `-q .` (hang up without an answer).
    pub async fn start(options: &[&str]) -> Result<SmtpSink> {
        let program = find_program("smtp-sink", &[]).ok_or_else(missing)?;
        let [port] = free_ports()?;
        let mut command = Command::new(program);
        if is_root() {
            command.args(["-u", "postfix"]);
        }
        let child = command
            .args(options)
            .arg(format!("127.0.0.1:{port}"))
            .arg("1000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut sink = SmtpSink { port, child };
        let open = poll(Duration::from_secs(10), async || {
            if let Some(status) = sink.child.try_wait()? {
                bail!("smtp-sink {} ended with {status}", options.join(" "));
            }
            Ok(TcpStream::connect(("127.0.0.1", port)).await.ok())
        });
        match open.await? {
            Some(_) => Ok(sink),
            None => bail!("smtp-sink does not answer on port {port}"),
        }
    }
}

impl SmtpSink {
    /// Starts one for a test; `None` says SKIPPED.
    pub async fn for_test(options: &[&str]) -> Option<SmtpSink> {
        match SmtpSink::start(options).await {
            Ok(sink) => Some(sink),
            Err(error) if error.is::<Missing>() => {
                crate::skip(&error.to_string());
                None
            }
            Err(error) => panic!("smtp-sink for this test did not start: {error:#}"),
        }
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `smtp-source` with options of its manual page and says how long it took.
pub async fn smtp_source(port: u16, options: &[&str]) -> Result<Duration> {
    let program = find_program("smtp-source", &[]).ok_or_else(missing)?;
    let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
    let took = tokio::task::spawn_blocking(move || {
        let begun = crate::instant();
        run(Command::new(program).args(options).arg(format!("127.0.0.1:{port}")))?;
        anyhow::Ok(begun.elapsed())
    });
    took.await?
}

fn missing() -> Missing {
    Missing("smtp-sink and smtp-source are not installed (Debian: postfix)".into())
}
