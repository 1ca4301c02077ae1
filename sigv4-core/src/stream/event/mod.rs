//! Event streams, `application/vnd.amazon.eventstream`: their messages, signed and read.
//!
//! The frame of a message, as <https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html>
//! and <https://smithy.io/2.0/aws/amazon-eventstream.html> have it:
//!
//! ```text
//! total length u32 | headers length u32 | crc32 of these | headers | payload | crc32 of it all
//! ```

#[cfg(all(feature = "eventstream", feature = "body"))]
pub(crate) mod answer;
#[cfg(feature = "eventstream")]
mod assembler;
#[cfg(feature = "eventstream")]
pub(crate) mod decoder;
#[cfg(feature = "eventstream")]
mod envelope;
#[cfg(feature = "eventstream")]
pub(crate) mod error;
#[cfg(feature = "eventstream")]
mod frame;
#[cfg(feature = "eventstream")]
mod headers;
#[cfg(feature = "eventstream")]
pub(crate) mod message;
#[cfg(all(feature = "eventstream", feature = "body"))]
pub(crate) mod signed;
pub(crate) mod signer;
