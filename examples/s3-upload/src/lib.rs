//! Uploads to S3 without an SDK.
//!
//! The program `s3-upload` is thin; what it does is here, in subjects that others can take away:
//!
//! | subject | what it is |
//! |---|---|
//! | [`S3Client`] | the calls of S3 that an upload takes, one request each |
//! | [`Uploader`] | files and streams, whole or in parallel parts, with repetitions |
//! | [`Parts`] | how an object is divided, and the limits of S3 |
//! | [`Source`] | a file that is read as it is sent, and must not change meanwhile |
//! | [`States`] | what is kept on disk, so that an upload goes on after a crash |
//! | [`Target`], [`Endpoint`] | `s3://bucket/key`, and the URL that this is |
//! | [`Crc64`] | the checksum of objects, from those of their parts |

pub mod args;
mod checksum;
mod client;
mod environment;
mod error;
mod file;
mod journal;
mod pace;
mod plan;
mod progress;
mod resume;
mod retry;
mod source;
mod state;
mod stream;
mod target;
mod upload;
mod xml;

pub use self::checksum::Crc64;
pub use self::client::Completed;
pub use self::client::Content;
pub use self::client::ListedPart;
pub use self::client::Receipt;
pub use self::client::S3Client;
pub use self::client::Stored;
pub use self::client::whole;
pub use self::environment::Environment;
pub use self::error::Chain;
pub use self::error::Error;
pub use self::error::Refusal;
pub use self::journal::State;
pub use self::plan::MAX_OBJECT;
pub use self::plan::MAX_PARTS;
pub use self::plan::MAX_REQUEST;
pub use self::plan::MIN_PART;
pub use self::plan::Part;
pub use self::plan::Parts;
pub use self::plan::parse_size;
pub use self::progress::Progress;
pub use self::retry::Retry;
pub use self::source::Identity;
pub use self::source::Source;
pub use self::state::Slot;
pub use self::state::States;
pub use self::target::Endpoint;
pub use self::target::Target;
pub use self::target::TargetError;
pub use self::upload::Options;
pub use self::upload::Uploaded;
pub use self::upload::Uploader;
