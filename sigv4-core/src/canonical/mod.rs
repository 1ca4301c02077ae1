//! The canonical form of a request, one rule a file.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>

pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod request;
pub(crate) mod sink;

use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;

/// Everything but the unreserved characters of RFC 3986: what `UriEncode` escapes.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same for a whole path, whose slashes stay.
pub(crate) const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Tells the unreserved characters of RFC 3986, section 2.3.
pub(crate) const fn is_unreserved(byte: u8) -> bool {
    UNRESERVED[byte as usize]
}

/// A table, since this is asked for every octet of every path and query.
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        byte -= 1;
    }
    table
};

/// Reads the octet that a `%XX` stands for, if the bytes begin with one.
pub(crate) fn escaped_octet(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = *bytes else {
        return None;
    };
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}
