//! Bodies that are signed while they pass.

pub(crate) mod chunked;
