//! Credentials that outlive requests.

pub(super) mod cache;
