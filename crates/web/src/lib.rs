//! Pages and REST API.

pub mod assets;
pub mod csp;
pub mod frame;
#[cfg(test)]
mod gallery;
pub mod icons;
pub mod words;
