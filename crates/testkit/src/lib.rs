//! What tests are built from: servers that are real, servers that fail on purpose, and the
//! binary as an operator starts it. Used by tests and benchmarks only.

pub use relance_servers as servers;
