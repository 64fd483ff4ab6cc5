//! All end-to-end tests, and the test on the shape of the code.

mod dependencies;
mod promises;
