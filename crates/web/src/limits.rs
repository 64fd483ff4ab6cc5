//! How often the API and links with secrets may be asked: buckets that fill again with time, in memory, per process.
//!
//! A token has a bucket of its own, so one script cannot keep others out; whoever guesses tokens or links empties that
//! of their address. Nothing here is stored, and nothing fails: a process that starts anew begins with full buckets.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use tokio::time::Instant;

/// Buckets kept before those that are full again are forgotten.
const MOST_BUCKETS: usize = 10_000;

/// How large a bucket is and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How much it holds.
    pub burst: f64,
    /// How much comes back in a second.
    pub per_second: f64,
}

/// Guesses of tokens and links from one address: thirty at once, then one every ten seconds.
pub const GUESSES: Rate = Rate { burst: 30.0, per_second: 0.1 };

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
    rate: Rate,
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + seconds * self.rate.per_second).min(self.rate.burst);
        self.at = now;
    }
}

/// All buckets of a process.
#[derive(Debug, Default)]
pub struct Limits(Mutex<HashMap<String, Bucket>>);

impl Limits {
    /// Takes one out of the bucket of `who`; how many seconds to wait if it is empty.
    pub fn take(&self, who: &str, rate: Rate) -> Result<(), u64> {
        self.ask(who, rate, Instant::now(), 1.0)
    }

    /// How many seconds to wait, if the bucket of `who` is empty; takes nothing.
    pub fn look(&self, who: &str, rate: Rate) -> Result<(), u64> {
        self.ask(who, rate, Instant::now(), 0.0)
    }

    fn ask(&self, who: &str, rate: Rate, now: Instant, takes: f64) -> Result<(), u64> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS {
            buckets.retain(|_, bucket| {
                bucket.fill(now);
                bucket.left < bucket.rate.burst
            });
        }
        let bucket = buckets.entry(who.to_owned()).or_insert(Bucket { left: rate.burst, at: now, rate });
        bucket.rate = rate;
        bucket.fill(now);
        if bucket.left < 1.0 {
            // Whole seconds of at least one, so that whoever waits so long gets through.
            let seconds = ((1.0 - bucket.left) / rate.per_second).ceil().max(1.0);
            return Err(seconds as u64);
        }
        bucket.left -= takes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const RATE: Rate = Rate { burst: 3.0, per_second: 0.5 };

    #[tokio::test]
    async fn a_bucket_empties_fills_again_and_is_one_s_own() {
        let (limits, begin) = (Limits::default(), Instant::now());
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        for _ in 0..3 {
            assert_eq!(limits.ask("a", RATE, at(0), 1.0), Ok(()));
        }
        assert_eq!(limits.ask("a", RATE, at(0), 1.0), Err(2));
        assert_eq!(limits.ask("b", RATE, at(0), 1.0), Ok(()));
        assert_eq!(limits.ask("a", RATE, at(1), 1.0), Err(1));
        assert_eq!(limits.ask("a", RATE, at(2), 1.0), Ok(()));
        assert_eq!(limits.ask("a", RATE, at(2), 1.0), Err(2));
        for _ in 0..3 {
            assert_eq!(limits.ask("a", RATE, at(1_000), 1.0), Ok(()), "no more than it holds");
        }
        assert!(limits.ask("a", RATE, at(1_000), 1.0).is_err());
    }

    #[tokio::test]
    async fn full_buckets_are_forgotten() {
        let (limits, begin) = (Limits::default(), Instant::now());
        for number in 0..MOST_BUCKETS {
            limits.ask(&number.to_string(), RATE, begin, 1.0).expect("a full bucket");
        }
        limits.ask("late", RATE, begin + Duration::from_secs(60), 1.0).expect("a full bucket");
        assert_eq!(limits.0.lock().expect("a lock").len(), 1);
    }
}
