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
use group::Group;
use relance_storage::{
    StorageError,
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
        let (leaving, outcomes) = (engine.clone(), engine.clone());
        Self {
            leave: Group::start(move |leaves: Vec<Leave>| {
                let engine = leaving.clone();
                async move {
                    let answered = commit_leaves(&engine, &leaves).await.map_err(|error| error.to_string());
                    match answered {
                        Ok(answers) => answers.into_iter().map(Ok).collect(),
                        Err(error) => leaves.iter().map(|_| Err(error.clone())).collect(),
                    }
                }
            }),
            sent: Group::start(move |group: Vec<Sent>| {
                let engine = outcomes.clone();
                async move {
                    let answered = commit_sent(&engine, &group).await.map_err(|error| error.to_string());
                    match answered {
                        Ok(moved) => moved.into_iter().map(Ok).collect(),
                        Err(error) => group.iter().map(|_| Err(error.clone())).collect(),
                    }
                }
            }),
        }
    }
}

async fn commit_leaves(engine: &Engine, leaves: &[Leave]) -> Result<Vec<Result<(), Held>>, StorageError> {
    let mut tx = engine.store.begin().await?;
    let answers = sending::leave(&mut tx, leaves, engine.now(), engine.clock.system_now()).await?;
    tx.commit().await?;
    Ok(answers)
}

async fn commit_sent(engine: &Engine, group: &[Sent]) -> Result<Vec<bool>, StorageError> {
    let mut tx = engine.store.begin().await?;
    let moved = sending::sent(&mut tx, group).await?;
    tx.commit().await?;
    Ok(moved)
}
