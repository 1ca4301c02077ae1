//! What an adapter does with bodies and answers. For the adapters of this family: it may change in
//! any release.

use http::Method;

use crate::error::ConfigError;
use crate::error::Error;
use crate::overrides::PayloadMode;
use crate::overrides::SigningOverrides;
use crate::payload::Payload;
use crate::runtime::Authorizer;
use crate::scope::NO_STREAM;
use crate::scope::has_no_stream;

pub use crate::pieces::Pieces;
pub use crate::runtime::encoded_body::EncodedBody;
pub use crate::runtime::framing::agreed_length;
pub use crate::runtime::framing::declared_length;
pub use crate::runtime::framing::into_bytes;
pub use crate::runtime::framing::is_chunked_at_most;
pub use crate::runtime::framing::set_length;
pub use crate::runtime::framing::trailers_refused;
pub use crate::runtime::framing::unreadable_body;
pub use crate::runtime::held_body::BodyHolder;
pub use crate::runtime::held_body::HeldBody;
pub use crate::runtime::held_body::check_hash;
pub use crate::runtime::length_checked::LengthChecked;
pub use crate::runtime::recovery::Inquiry;
pub use crate::runtime::recovery::PATIENCE;
pub use crate::runtime::recovery::Peek;
pub use crate::runtime::recovery::PeekedBody;
pub use crate::runtime::recovery::Remedy;
pub use crate::runtime::recovery::Replacement;
pub use crate::runtime::recovery::patience;
pub use crate::runtime::recovery::replay_limit;
pub use crate::runtime::refusal::RefusalReader;
pub use crate::stream::head::is_encoded;

/// Makes the error for a value of an adapter's own configuration. The message is never a value that
/// could be secret.
#[must_use]
pub fn config_error(field: &'static str, message: &'static str) -> ConfigError {
    ConfigError::new(field, message)
}

/// Returns what is signed of a body that is [encoded](EncodedBody) as it passes, if it is to be.
///
/// An empty one has no chunks and is signed as a whole; but for an upload with a checksum behind it,
/// which would be lost.
#[must_use]
pub fn encoded_payload(
    mode: PayloadMode,
    method: &Method,
    length: Option<u64>,
) -> Option<Payload<'static>> {
    match (mode, length) {
        (PayloadMode::AwsChunked(encoding), Some(0))
            if encoding.checksum().is_none() || *method != Method::PUT =>
        {
            None
        }
        (PayloadMode::AwsChunked(encoding), length) => {
            Some(Payload::AwsChunked { encoding, length })
        }
        #[cfg(feature = "eventstream")]
        (PayloadMode::Events, _) => Some(Payload::Events),
        _ => None,
    }
}

/// Returns what is signed of a body that passes as it is, if it does.
#[must_use]
pub const fn passing_payload(mode: PayloadMode) -> Option<Payload<'static>> {
    match mode {
        PayloadMode::Unsigned => Some(Payload::Unsigned),
        PayloadMode::Sha256(hash) => Some(Payload::Sha256(hash)),
        PayloadMode::PreChunked => Some(Payload::PreChunked),
        _ => None,
    }
}

/// Returns the hash that a body is to have.
#[must_use]
pub const fn expected_hash(mode: PayloadMode) -> Option<[u8; 32]> {
    match mode {
        PayloadMode::HashedAs(hash) => Some(hash),
        _ => None,
    }
}

/// Checks that a body which passes as a stream will be sent at all.
///
/// # Errors
///
/// [`ErrorKind::LengthRequired`](crate::ErrorKind::LengthRequired) for a body of unknown length under
/// a method for which clients write none.
pub fn check_stream(method: &Method, length: Option<u64>) -> Result<(), Error> {
    if length.is_none() && has_no_stream(method) {
        Err(NO_STREAM)
    } else {
        Ok(())
    }
}

/// Tells whether a body is encoded as it passes, unless it is empty. It can then be sent again only
/// as it was before.
#[must_use]
pub fn encodes(authorizer: &Authorizer, overrides: Option<&SigningOverrides>) -> bool {
    let mode = overrides.and_then(SigningOverrides::payload_mode);
    is_encoding(mode.unwrap_or_else(|| authorizer.payload()))
}

pub(super) const fn is_encoding(mode: PayloadMode) -> bool {
    match mode {
        PayloadMode::AwsChunked(_) => true,
        #[cfg(feature = "eventstream")]
        PayloadMode::Events => true,
        PayloadMode::Hashed
        | PayloadMode::HashedAs(_)
        | PayloadMode::Unsigned
        | PayloadMode::Sha256(_)
        | PayloadMode::PreChunked => false,
    }
}
