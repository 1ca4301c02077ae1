//! What may be asked for: names that are checked before they become a part of a URL.

use http::Request;
use http::Uri;
use percent_encoding::utf8_percent_encode;

use crate::canonical::RESERVED;
use crate::error::ConfigError;

/// Reads the name of a host, in lower case, as it is signed.
pub(super) fn host(text: &str) -> Result<String, ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if text.is_empty() || text.len() > 253 || !text.bytes().all(allowed) {
        return Err(ConfigError::new(
            "host",
            "must be the name of a host and nothing else: no scheme, user, port or path",
        ));
    }
    Ok(text.to_ascii_lowercase())
}

/// Reads the name of a cluster: letters, digits and hyphens, and what else is allowed.
pub(super) fn cluster<'a>(text: &'a str, others: &[u8]) -> Result<&'a str, ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || others.contains(&byte);
    if text.is_empty() || text.len() > 128 || !text.bytes().all(allowed) {
        return Err(ConfigError::new(
            "cluster",
            "must be the name of the cluster or cache as AWS lists it, not its endpoint or ARN",
        ));
    }
    Ok(text)
}

/// Writes the name of a user as the value of a parameter.
pub(super) fn user(text: &str) -> Result<String, ConfigError> {
    if text.is_empty() || text.len() > 512 || text.chars().any(char::is_control) {
        return Err(ConfigError::new(
            "user",
            "must be the name of a user: not empty, and without control characters",
        ));
    }
    Ok(utf8_percent_encode(text, RESERVED).to_string())
}

/// Makes the request that is presigned.
pub(super) fn get(field: &'static str, uri: &str) -> Result<Request<()>, ConfigError> {
    let uri: Uri = uri
        .parse()
        .map_err(|error| ConfigError::new(field, "does not fit into a URL").because(error))?;
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    Ok(request)
}
