//! The engine on real storage: what people ask for, with a clock that stands until a test moves it.

mod certainty;
mod commands;
mod csv_heads;
mod oauth;
