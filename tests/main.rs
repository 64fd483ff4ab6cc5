//! All end-to-end tests, and the test on the shape of the code.

mod dependencies;
mod install;
mod kill;
mod main_job;
mod promises;
