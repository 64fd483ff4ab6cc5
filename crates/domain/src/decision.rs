//! The one decision.
