//! Signs one request.

use std::time::SystemTime;

use sigv4_core::Credentials;

use crate::answer::Signed;
use crate::fault::Fault;
use crate::request::SignRequest;

/// Signs a request with credentials, at the time that it says or now.
///
/// # Errors
///
/// With the field for which it cannot be signed.
pub fn sign(
    request: &SignRequest,
    _credentials: &Credentials,
    _now: SystemTime,
) -> Result<Signed, Fault> {
    request.body()?;
    Err(Fault::new("request", "cannot be signed yet"))
}
