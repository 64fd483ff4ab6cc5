//! The pages: one file per resource, with the handlers and the shapes their templates draw.

pub mod home;
pub mod people;
pub mod set_up;
pub mod sign_in;
