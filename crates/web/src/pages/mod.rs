//! The pages: one file per resource, with the handlers and the shapes their templates draw.

pub mod deliveries;
pub mod demo;
pub mod enroll;
pub mod enrollments;
pub mod home;
pub mod imports;
pub mod jobs;
mod mail;
pub mod palette;
pub mod people;
pub mod set_up;
pub mod sign_in;
pub mod unsubscribe;
