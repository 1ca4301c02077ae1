//! The body encoding `aws-chunked` of S3: chunks that are signed one by one, each signature
//! depending on the one before, and a checksum behind them.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

#[cfg(feature = "body")]
mod body;
#[cfg_attr(not(feature = "checksums"), path = "no_checksum.rs")]
mod checksum;
mod config;
mod encoder;
mod signer;

#[cfg(feature = "body")]
pub use self::body::AwsChunkedBody;
pub use self::checksum::Checksum;
pub use self::config::AwsChunked;
pub use self::encoder::ChunkEncoder;
pub use self::signer::ChunkSignature;
pub use self::signer::ChunkSigner;

/// What comes between the size of a chunk and its signature.
const SIGNATURE_EXTENSION: &str = ";chunk-signature=";
/// The name of the trailer that signs the other trailers.
const SIGNATURE_TRAILER: &str = "x-amz-trailer-signature";
const CRLF: &str = "\r\n";
