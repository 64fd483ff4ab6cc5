//! The two clocks of `engine.md` §2; nothing else reads one.
//!
//! The *business* clock is the system's plus an offset that only grows (demo), or stands where a test put it. The
//! *system* clock serves leases, sessions and rate limits; [`Clock::boot_ms`] counts on across suspends and serves the
//! seconds around the point of no return.

use relance_domain::Timestamp;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Reads the time.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Business>);

#[derive(Debug)]
enum Business {
    /// System time plus this many milliseconds.
    Running(AtomicI64),
    /// Stands until a test moves it.
    Standing(AtomicI64),
}

impl Clock {
    /// A clock that runs `offset_ms` ahead of the system's.
    pub fn running(offset_ms: i64) -> Self {
        Self(Arc::new(Business::Running(AtomicI64::new(offset_ms))))
    }

    /// A clock that stands at `at` until it is moved.
    pub fn standing(at: Timestamp) -> Self {
        Self(Arc::new(Business::Standing(AtomicI64::new(at.ms()))))
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Business::Running(offset) => self.system_now().plus_ms(offset.load(Ordering::Relaxed)),
            Business::Standing(at) => Timestamp::from_ms(at.load(Ordering::Relaxed)),
        }
    }

    /// Moves business time forward by `ms`; it never goes back.
    pub fn advance(&self, ms: i64) {
        let (Business::Running(value) | Business::Standing(value)) = &*self.0;
        value.fetch_add(ms.max(0), Ordering::Relaxed);
    }

    /// Milliseconds by which business time is ahead of the system's.
    pub fn offset_ms(&self) -> i64 {
        self.now().since(self.system_now())
    }

    /// Whether business time stands still until someone moves it.
    pub fn is_standing(&self) -> bool {
        matches!(&*self.0, Business::Standing(_))
    }

    /// System time.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn system_now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Milliseconds since boot, suspends included (`CLOCK_BOOTTIME`): for what must not be fooled by a moved clock.
    #[expect(unsafe_code, reason = "clock_gettime has no safe wrapper in std; the struct is plain and filled by the call")]
    pub fn boot_ms(&self) -> i64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a live, writable timespec.
        unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
        time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
