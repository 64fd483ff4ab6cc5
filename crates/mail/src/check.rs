//! The words of a connection check: does this direction of a mailbox work, and if not, why and what now.
//!
//! [`check_smtp`] signs in to the outgoing server and leaves again; nothing is sent. The incoming
//! side is checked by `imap`, which speaks through the same [`DirectionCheck`].

use crate::smtp::{Connection, Limits};
use crate::{Direction, Fault, Server, Stage, Tls};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest a check of one direction takes.
pub const CHECK_LIMIT: Duration = Duration::from_secs(20);

/// The outcome for one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionCheck {
    /// Whether it works.
    pub ok: bool,
    /// `ok`, or the fault's stable name.
    pub code: String,
    /// What happened and what to do.
    pub sentence: String,
}

impl DirectionCheck {
    /// A direction that works.
    pub fn works(direction: Direction) -> DirectionCheck {
        let sentence = match direction {
            Direction::Sending => "Sending works: the outgoing server accepted your sign-in.",
            Direction::Receiving => "Receiving works: the incoming server accepted your sign-in.",
        };
        DirectionCheck { ok: true, code: "ok".into(), sentence: sentence.into() }
    }

    /// A direction that does not work, and why.
    pub fn failed(fault: &Fault, direction: Direction) -> DirectionCheck {
        DirectionCheck { ok: false, code: fault.code().into(), sentence: fault.sentence(direction) }
    }
}

/// Signs in to the outgoing server and leaves again, within [`CHECK_LIMIT`].
pub async fn check_smtp(server: &Server, tls: &Tls, hello_name: &str) -> DirectionCheck {
    let limits = Limits { connect: Duration::from_secs(8), reply: Duration::from_secs(8), ..Limits::default() };
    let attempt = async {
        Connection::open(server, tls, hello_name, &limits).await?.quit().await;
        Ok(())
    };
    let late = Fault::TimedOut { host: server.host.clone(), at: Stage::Hello };
    match tokio::time::timeout(CHECK_LIMIT, attempt).await.unwrap_or(Err(late)) {
        Ok(()) => DirectionCheck::works(Direction::Sending),
        Err(fault) => DirectionCheck::failed(&fault, Direction::Sending),
    }
}
