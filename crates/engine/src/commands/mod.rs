//! What people ask for: one file per verb or resource. Every change of the product goes through here.
