//! Waiting for new mail: IDLE (RFC 2177) where the server has it, a question now and then where not.

use std::future::Future;
use std::time::Duration;

use async_imap::imap_proto::{MailboxDatum, Response, Status};
use tokio::time::{Instant, sleep_until, timeout};

use super::commands::{Answer, finish, io_fault, said_goodbye, start, wait_for_go_ahead, write};
use super::{Connection, ORDINARY_BYTES, Session, refused};
use crate::{Fault, Stage};

/// Why waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The server says that there is something new in the open folder.
    NewMail,
    /// Nothing came in time.
    Timeout,
    /// `wake` was ready.
    Asked,
}

impl Session {
    /// Waits for new mail in the open folder, for `max` at most, or until `wake` is ready.
    ///
    /// Leaves IDLE properly (DONE, and its answer), so that the session can go on; new mail that shows up while
    /// leaving counts. Ends with a fault when the server does not let go in time.
    pub async fn idle(&mut self, max: Duration, wake: impl Future<Output = ()>) -> Result<Woken, Fault> {
        if self.capabilities.has("IDLE") { self.idle_with_push(max, wake).await } else { self.poll(max, wake).await }
    }

    async fn idle_with_push(&mut self, max: Duration, wake: impl Future<Output = ()>) -> Result<Woken, Fault> {
        let at = Stage::Reading;
        let until = Instant::now() + max;
        let limit = self.limits.command;
        let late = || Fault::TimedOut { host: self.host.clone(), at };
        let mut connection = self.connection.take().ok_or(Fault::Cut { at })?;
        connection.get_mut().allow(ORDINARY_BYTES);
        let beginning = async {
            let tag = start(&mut connection, "IDLE", at).await?;
            Ok::<_, Fault>((wait_for_go_ahead(&mut connection, &tag, at).await?, tag))
        };
        let (go, tag) = timeout(limit, beginning).await.map_err(|_| late())??;
        if let Err(answer) = go {
            self.connection = Some(connection);
            return Err(refused(if let Answer::No { text, .. } = answer { text } else { String::new() }, at));
        }
        let mut woken = wait(&mut connection, until, wake, at).await?;
        let mut new_mail = false;
        let leaving = async {
            write(&mut connection, b"DONE\r\n", at).await?;
            finish(&mut connection, &tag, at, &mut |response| new_mail |= is_new_mail(response)).await
        };
        timeout(limit, leaving).await.map_err(|_| late())??;
        if new_mail {
            woken = Woken::NewMail;
        }
        self.connection = Some(connection);
        Ok(woken)
    }

    async fn poll(&mut self, max: Duration, wake: impl Future<Output = ()>) -> Result<Woken, Fault> {
        let until = Instant::now() + max;
        let mut wake = std::pin::pin!(wake);
        loop {
            let mut new_mail = false;
            self.run("NOOP", &mut |response| new_mail |= is_new_mail(response)).await?;
            if new_mail {
                return Ok(Woken::NewMail);
            }
            let next = until.min(Instant::now() + self.limits.poll);
            tokio::select! {
                () = &mut wake => return Ok(Woken::Asked),
                () = sleep_until(next) => {}
            }
            if Instant::now() >= until {
                return Ok(Woken::Timeout);
            }
        }
    }
}

async fn wait(
    connection: &mut Connection,
    until: Instant,
    wake: impl Future<Output = ()>,
    at: Stage,
) -> Result<Woken, Fault> {
    let mut wake = std::pin::pin!(wake);
    loop {
        tokio::select! {
            biased;
            response = connection.read_response() => {
                let Some(response) = response.map_err(|e| io_fault(&e, at))? else { return Err(Fault::Cut { at }) };
                match response.parsed() {
                    Response::Data { status: Status::Bye, outcome } => {
                        return Err(said_goodbye(outcome.information.as_deref().unwrap_or_default(), at));
                    }
                    Response::Done { .. } => return Err(Fault::Protocol("the server ended IDLE by itself".into())),
                    other if is_new_mail(other) => return Ok(Woken::NewMail),
                    _ => {}
                }
            }
            () = &mut wake => return Ok(Woken::Asked),
            () = sleep_until(until) => return Ok(Woken::Timeout),
        }
    }
}

fn is_new_mail(response: &Response<'_>) -> bool {
    matches!(response, Response::MailboxData(MailboxDatum::Exists(_) | MailboxDatum::Recent(1..)))
}
