//! End-to-end tests: the real binary beside real Postfix, Dovecot, PostgreSQL and Chromium.
//!
//! The tests are in `main.rs`, one binary for all; what several of them say is said here once.
//! A test starts its own Relance, with its own database and mail domain, and leaves nothing behind.
