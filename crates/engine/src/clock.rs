//! The two clocks of `engine.md` §2; nothing else reads one.
//!
//! The *business* clock is the system's plus an offset that only grows (demo), or stands where a test put it. The
//! *system* clock serves leases, sessions and rate limits; [`Clock::boot_ms`] counts on across suspends and serves the
//! seconds around the point of no return.

use relance_domain::Timestamp;
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU8, Ordering},
};

/// Reads the time.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Face>);

#[derive(Debug)]
struct Face {
    business: Business,
    speed: AtomicU8,
}

/// How fast the business clock of a demo runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Speed {
    /// As the system's clock.
    #[default]
    Real,
    /// An hour a second.
    Hour,
    /// A day a second.
    Day,
}

impl Speed {
    /// `real`, `hour` or `day`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Reads [`Speed::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Real, Self::Hour, Self::Day].into_iter().find(|speed| speed.as_str() == text)
    }

    /// Business milliseconds that pass in one second, beyond that second itself.
    pub const fn extra_ms_per_second(self) -> i64 {
        match self {
            Self::Real => 0,
            Self::Hour => relance_domain::time::HOUR,
            Self::Day => relance_domain::time::DAY,
        }
    }
}

#[derive(Debug)]
enum Business {
    /// System time plus this many milliseconds.
    Running(AtomicI64),
    /// Stands until a test moves it.
    Standing(AtomicI64),
}

impl Clock {
    fn of(business: Business) -> Self {
        Self(Arc::new(Face { business, speed: AtomicU8::new(0) }))
    }

    /// How fast a demo runs.
    pub fn speed(&self) -> Speed {
        match self.0.speed.load(Ordering::Relaxed) {
            1 => Speed::Hour,
            2 => Speed::Day,
            _ => Speed::Real,
        }
    }

    /// Chooses how fast a demo runs; whoever drives the clock follows.
    pub fn set_speed(&self, speed: Speed) {
        self.0.speed.store(speed as u8, Ordering::Relaxed);
    }

    /// A clock that runs `offset_ms` ahead of the system's.
    pub fn running(offset_ms: i64) -> Self {
        Self::of(Business::Running(AtomicI64::new(offset_ms)))
    }

    /// A clock that stands at `at` until it is moved.
    pub fn standing(at: Timestamp) -> Self {
        Self::of(Business::Standing(AtomicI64::new(at.ms())))
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        match &self.0.business {
            Business::Running(offset) => self.system_now().plus_ms(offset.load(Ordering::Relaxed)),
            Business::Standing(at) => Timestamp::from_ms(at.load(Ordering::Relaxed)),
        }
    }

    /// Moves business time forward by `ms`; it never goes back.
    pub fn advance(&self, ms: i64) {
        let (Business::Running(value) | Business::Standing(value)) = &self.0.business;
        value.fetch_add(ms.max(0), Ordering::Relaxed);
    }

    /// Milliseconds by which business time is ahead of the system's.
    pub fn offset_ms(&self) -> i64 {
        self.now().since(self.system_now())
    }

    /// Whether business time stands still until someone moves it.
    pub fn is_standing(&self) -> bool {
        matches!(&self.0.business, Business::Standing(_))
    }

    /// System time.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn system_now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Milliseconds since boot, suspends included (`CLOCK_BOOTTIME`): for what must not be fooled by a moved clock.
    #[expect(
        unsafe_code,
        reason = "clock_gettime has no safe wrapper in std; the struct is plain and filled by the call"
    )]
    pub fn boot_ms(&self) -> i64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a live, writable timespec.
        unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
        time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
