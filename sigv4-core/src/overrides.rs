//! What is done otherwise for one request.

use crate::error::ConfigError;
#[cfg(doc)]
use crate::payload::Payload;
use crate::rules::PlusPolicy;
use crate::rules::SigningRules;
use crate::scope::Region;
use crate::scope::Service;
use crate::stream::chunked::AwsChunked;

/// Changes how one request is signed. What is not set here is as the signer, or the authorizer, has
/// it.
///
/// The adapters read it from the request's extensions; it is the same type in both. It stays there,
/// so that a retry finds it again.
///
/// ```
/// use sigv4_core::{PayloadMode, SigningOverrides};
///
/// let overrides = SigningOverrides::new()
///     .service("s3")?
///     .region("eu-central-1")?
///     .payload(PayloadMode::Unsigned);
/// let request = http::Request::put("https://bucket.s3.eu-central-1.amazonaws.com/key")
///     .extension(overrides)
///     .body(())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SigningOverrides {
    service: Option<(Service, SigningRules)>,
    region: Option<Region>,
    payload: Option<PayloadMode>,
    plus: Option<PlusPolicy>,
    unsigned: bool,
}

impl SigningOverrides {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Signs for another service, by the [rules](SigningRules::for_service) of that one.
    ///
    /// # Errors
    ///
    /// When it is not a valid name of a service.
    pub fn service(mut self, service: &str) -> Result<Self, ConfigError> {
        self.service = Some((Service::new(service)?, SigningRules::for_service(service)));
        Ok(self)
    }

    /// Signs for another region.
    ///
    /// # Errors
    ///
    /// When it is not a valid name of a region.
    pub fn region(mut self, region: &str) -> Result<Self, ConfigError> {
        self.region = Some(Region::new(region)?);
        Ok(self)
    }

    /// Signs for another set of regions, where the signer is [one of
    /// SigV4A](crate::SignerBuilder::sigv4a): a list with commas, or `*` for all.
    ///
    /// With a signer of SigV4 a set of several regions is an error of the kind
    /// [`RegionSet`](crate::ErrorKind::RegionSet) when the request is signed.
    ///
    /// # Errors
    ///
    /// When it is not a list of valid names of regions.
    #[cfg(feature = "sigv4a")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sigv4a")))]
    pub fn region_set(mut self, regions: &str) -> Result<Self, ConfigError> {
        self.region = Some(Region::set(regions)?);
        Ok(self)
    }

    /// Covers the body in another way.
    #[must_use]
    pub const fn payload(mut self, payload: PayloadMode) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Sets how a raw `+` in the query is read.
    #[must_use]
    pub const fn plus(mut self, plus: PlusPolicy) -> Self {
        self.plus = Some(plus);
        self
    }

    /// Lets the request pass as it is, without a signature and wherever it goes.
    #[must_use]
    pub const fn do_not_sign(mut self) -> Self {
        self.unsigned = true;
        self
    }

    /// Tells whether the request is to pass as it is.
    #[must_use]
    pub const fn signs(&self) -> bool {
        !self.unsigned
    }

    /// Returns how the body is covered, where that is not as usual.
    #[must_use]
    pub const fn payload_mode(&self) -> Option<PayloadMode> {
        self.payload
    }

    /// Returns how a raw `+` is read, where that is not as usual.
    #[must_use]
    pub const fn plus_policy(&self) -> Option<PlusPolicy> {
        self.plus
    }

    pub(crate) fn of_service(&self) -> Option<(&Service, &SigningRules)> {
        self.service
            .as_ref()
            .map(|(service, rules)| (service, rules))
    }

    pub(crate) fn of_region(&self) -> Option<&Region> {
        self.region.as_ref()
    }
}

/// How an adapter covers the bodies that pass through it.
///
/// The [guide](crate::guide::streaming) says which service takes which. What a service does not take
/// is an error of the kind [`Payload`](crate::ErrorKind::Payload) before anything is sent.
///
/// ```
/// use sigv4_core::{AwsChunked, PayloadMode, SigningOverrides};
///
/// # let sha256_of_the_file = [0; 32];
/// // A file whose hash is known: it passes as a stream, and all services take it.
/// let known = PayloadMode::Sha256(sha256_of_the_file);
/// // An upload to S3, signed in chunks of 1 MiB as it passes.
/// let chunks = PayloadMode::AwsChunked(AwsChunked::signed().chunk_size(1024 * 1024)?);
/// // An upload to S3 that only TLS protects.
/// let unsigned = PayloadMode::Unsigned;
///
/// let overrides = SigningOverrides::new().payload(chunks);
/// # #[cfg(feature = "checksums")]
/// # {
/// use sigv4_core::Checksum;
///
/// // The same two, with a checksum that S3 compares and keeps.
/// let chunks = PayloadMode::AwsChunked(AwsChunked::signed().trailer(Checksum::Crc64Nvme));
/// let unsigned = PayloadMode::AwsChunked(AwsChunked::unsigned(Checksum::Crc64Nvme));
/// # }
/// # #[cfg(feature = "eventstream")]
/// // A conversation with Transcribe or Bedrock: a body of encoded messages.
/// let events = PayloadMode::Events;
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PayloadMode {
    /// The body is read, up to a limit, and its hash is signed. Every service takes that.
    #[default]
    Hashed,
    /// As [`Hashed`](Self::Hashed), and a body that has another SHA-256 than this one is refused with
    /// [`ErrorKind::PayloadHash`](crate::ErrorKind::PayloadHash): for a hash that was told by somebody
    /// else.
    HashedAs([u8; 32]),
    /// The body passes as a stream and is not signed (`UNSIGNED-PAYLOAD`). Few services take that;
    /// for the others it is an error.
    Unsigned,
    /// The body has this SHA-256 and passes as a stream. A body with another one is refused by the
    /// service.
    Sha256([u8; 32]),
    /// The body passes as a stream, in [aws-chunked encoding](Payload::AwsChunked), signed chunk by
    /// chunk or followed by a checksum. Only uploads to S3 take that, whose length has to be known.
    ///
    /// An empty body is signed as [`Hashed`](Self::Hashed) does, unless it is that of a `PUT` and a
    /// checksum is to stand behind it.
    AwsChunked(AwsChunked),
    /// The body passes as a stream, and [is in aws-chunked encoding already](Payload::PreChunked): an
    /// upload of an SDK that a gateway forwards. Only uploads to S3 take that. What its
    /// head says of it stays, its `Content-Length` too where it has one.
    PreChunked,
    /// The body passes as a stream of [encoded messages](crate::EventMessage), each of which
    /// [is signed](Payload::Events). Only few operations take that.
    #[cfg(feature = "eventstream")]
    #[cfg_attr(docsrs, doc(cfg(feature = "eventstream")))]
    Events,
}
