//! Bodies that are signed while they pass, on a chain that begins with the signature of the request.

pub(crate) mod chunked;
pub(crate) mod event;
pub(crate) mod head;
pub(crate) mod seed;
