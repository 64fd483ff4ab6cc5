//! Sends what is due: loads facts, decides, renders, claims, and hands over around the point of no return.
//!
//! One turn of one mailbox is [`Engine::send_due`]: `facts` loads, `claim` turns decisions into claimed emails or new
//! states, `lane` hands them over one after the other, `outcome` writes what became of each. The commits around the
//! final dot are shared by all mailboxes through [`group::Group`].

pub mod claim;
pub mod facts;
pub mod group;
mod lane;
mod outcome;
mod turn;

pub use turn::Turn;

use crate::Engine;
use futures::future::BoxFuture;
use group::Group;
use relance_storage::{
    StorageError, Tx,
    sending::{self, Held, Leave, Sent},
};

/// The answer of the point of no return to one email.
pub type LeaveAnswer = Result<Result<(), Held>, String>;
/// The answer of the outcome's commit to one email: whether its enrollment went on to its next step.
pub type SentAnswer = Result<bool, String>;

/// The shared commits of all lanes.
#[derive(Clone)]
pub struct Commits {
    pub(crate) leave: Group<Leave, LeaveAnswer>,
    pub(crate) sent: Group<Sent, SentAnswer>,
}

impl Commits {
    /// Starts the two groups on the engine's database.
    pub fn start(engine: &Engine) -> Self {
        let leaving = engine.clone();
        Self {
            leave: Group::start(opener(engine), move |tx, leaves: Vec<Leave>| {
                let engine = leaving.clone();
                async move { answers(commit_leaves(&engine, tx, &leaves).await, leaves.len()) }
            }),
            sent: Group::start(opener(engine), move |tx, group: Vec<Sent>| async move {
                answers(commit_sent(tx, &group).await, group.len())
            }),
        }
    }
}

type Opened = Result<Tx, StorageError>;

/// Opens a write transaction of the engine's database.
fn opener(engine: &Engine) -> impl FnMut() -> BoxFuture<'static, Opened> + Send + 'static {
    let store = engine.store.clone();
    move || {
        let store = store.clone();
        Box::pin(async move { store.begin().await })
    }
}

/// One answer for each of `count` callers; all get the failure of their group.
fn answers<T>(answered: Result<Vec<T>, StorageError>, count: usize) -> Vec<Result<T, String>> {
    match answered {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(error) => (0..count).map(|_| Err(error.to_string())).collect(),
    }
}

async fn commit_leaves(engine: &Engine, tx: Opened, leaves: &[Leave]) -> Result<Vec<Result<(), Held>>, StorageError> {
    let mut tx = tx?;
    let answers = sending::leave(&mut tx, leaves, engine.now(), engine.clock.system_now()).await?;
    tx.commit().await?;
    Ok(answers)
}

async fn commit_sent(tx: Opened, group: &[Sent]) -> Result<Vec<bool>, StorageError> {
    let mut tx = tx?;
    let moved = sending::sent(&mut tx, group).await?;
    tx.commit().await?;
    Ok(moved)
}
