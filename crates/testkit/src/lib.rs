//! What tests share: a whole installation with a clock you move, and servers that fail on purpose.

pub mod world;

pub use relance_servers as servers;
pub use world::World;
