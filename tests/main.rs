//! All end-to-end tests, and the test on the shape of the code.

mod browser;
mod command_line;
mod connection_check;
mod dependencies;
mod faults;
mod install;
mod key_change;
mod kill;
mod main_job;
mod oauth;
mod promises;
mod restored;
mod watching;
