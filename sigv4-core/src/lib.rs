#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
mod body;
mod canonical;
mod credentials;
mod date;
mod error;
pub mod guide;
mod hash;
mod header_rules;
mod key;
mod names;
mod overrides;
mod partition;
mod payload;
mod pieces;
mod prepared;
mod presign;
mod request;
mod rules;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub mod runtime;
mod scope;
mod signature;
mod signed;
mod signer;
#[cfg(feature = "sigv4a")]
mod sigv4a;
mod stream;
mod target;
#[cfg(feature = "tokens")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokens")))]
pub mod tokens;
mod trace;

pub use crate::credentials::Credentials;
pub use crate::error::ConfigError;
pub use crate::error::Error;
pub use crate::error::ErrorKind;
pub use crate::header_rules::CONNECTION_HEADERS;
pub use crate::header_rules::HeaderMatch;
pub use crate::header_rules::HeaderRules;
pub use crate::header_rules::NEVER_SIGNED;
pub use crate::header_rules::NEVER_SIGNED_PREFIXES;
pub use crate::overrides::PayloadMode;
pub use crate::overrides::SigningOverrides;
pub use crate::partition::dns_suffix;
pub use crate::partition::dual_stack_dns_suffix;
pub use crate::payload::Payload;
pub use crate::payload::PayloadLiteral;
pub use crate::presign::PresignOptions;
pub use crate::presign::Presigned;
pub use crate::request::RequestHead;
pub use crate::request::Signable;
pub use crate::rules::ChunkedBodies;
pub use crate::rules::ContentSha256;
pub use crate::rules::ExistingAuthorization;
pub use crate::rules::PlusPolicy;
pub use crate::rules::SessionTokenMode;
pub use crate::rules::SigningRules;
pub use crate::rules::UnsignedPayload;
pub use crate::rules::WireForm;
pub use crate::signed::Signed;
pub use crate::signer::Signer;
pub use crate::signer::SignerBuilder;
#[cfg(feature = "sigv4a")]
#[cfg_attr(docsrs, doc(cfg(feature = "sigv4a")))]
pub use crate::sigv4a::EcdsaBackend;
pub use crate::stream::chunked::AwsChunked;
#[cfg(feature = "body")]
#[cfg_attr(docsrs, doc(cfg(feature = "body")))]
pub use crate::stream::chunked::AwsChunkedBody;
pub use crate::stream::chunked::Checksum;
pub use crate::stream::chunked::ChunkEncoder;
pub use crate::stream::chunked::ChunkSignature;
pub use crate::stream::chunked::ChunkSigner;
#[cfg(all(feature = "eventstream", feature = "body"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "eventstream", feature = "body"))))]
pub use crate::stream::event::answer::EventStream;
#[cfg(feature = "eventstream")]
#[cfg_attr(docsrs, doc(cfg(feature = "eventstream")))]
pub use crate::stream::event::decoder::EventDecoder;
#[cfg(feature = "eventstream")]
#[cfg_attr(docsrs, doc(cfg(feature = "eventstream")))]
pub use crate::stream::event::error::EventError;
#[cfg(feature = "eventstream")]
#[cfg_attr(docsrs, doc(cfg(feature = "eventstream")))]
pub use crate::stream::event::error::EventErrorKind;
#[cfg(feature = "eventstream")]
#[cfg_attr(docsrs, doc(cfg(feature = "eventstream")))]
pub use crate::stream::event::message::EventMessage;
#[cfg(feature = "eventstream")]
#[cfg_attr(docsrs, doc(cfg(feature = "eventstream")))]
pub use crate::stream::event::message::EventValue;
#[cfg(all(feature = "eventstream", feature = "body"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "eventstream", feature = "body"))))]
pub use crate::stream::event::signed::SignedEvents;
pub use crate::stream::event::signer::EventSignature;
pub use crate::stream::event::signer::EventSigner;
pub use crate::trace::SigningTrace;
