//! Hostile mail from outside the crate: what comes in is bounded, what goes out says nothing it should not.

mod bombs;
mod counting;
mod entries;
mod injection;
