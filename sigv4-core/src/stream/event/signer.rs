//! The chain of signatures over the events of a stream.
//!
//! <https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html>

use std::fmt;
use std::time::SystemTime;

use crate::algorithm::Algorithm;
use crate::canonical::sink::Sink;
use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::hash::Hasher;
use crate::key::DerivedKey;
use crate::key::KeyUse;
use crate::key::Text;
use crate::scope::EVENTS_OF_SIGV4A;
use crate::signature::Signature;
use crate::signer::Signer;

/// Signs the events of a stream, each with the signature of the one before.
///
/// <https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html>
///
/// The chain begins with the signature of the request that opens the stream. Service, region and
/// credentials are those of that request for as long as the stream lasts, whatever becomes of them
/// elsewhere. Each event has a date of its own, and after midnight (UTC) the key of the new day;
/// dates may go back, as clocks do.
///
/// This is the bare chain, over octets. With the feature `eventstream` it also makes the messages
/// that go onto the wire, see `sign_message`. There are no event streams under SigV4A.
///
/// ```
/// use std::time::SystemTime;
/// use sigv4_core::{Credentials, EventSigner, Payload, Signer};
///
/// let signer = Signer::builder("transcribe", "us-east-1").build()?;
/// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// let mut request = http::Request::post(
///     "https://transcribestreaming.us-east-1.amazonaws.com/stream-transcription",
/// )
/// .body(())?;
/// let now = SystemTime::now();
/// let signed = signer.sign(&mut request, Payload::EMPTY, &credentials, now)?;
///
/// let seed = signed.signature().ok_or("the request was not signed")?;
/// let mut events = EventSigner::new(&signer, &credentials, seed)?;
/// let signature = events.sign(b"encoded headers", b"payload", now)?;
/// assert_eq!(signature.to_bytes().len(), 32);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventSigner {
    credentials: Credentials,
    region: Box<str>,
    service: Box<str>,
    /// What the chain has come to: the seed, then each signature, in hex.
    previous: Vec<u8>,
}

impl EventSigner {
    /// Begins a chain for the service and the region of a signer.
    ///
    /// `seed` is the signature of the request in hex: of its
    /// [`Authorization`](crate::Signed::signature) header, or, for a WebSocket, the
    /// `X-Amz-Signature` of its presigned URL. Any text is taken for one.
    ///
    /// # Errors
    ///
    /// [`EventStream`](crate::ErrorKind::EventStream) when the seed has a line break, which would
    /// shift the lines of what is signed; [`Payload`](crate::ErrorKind::Payload) when the signer is
    /// one of SigV4A.
    pub fn new(signer: &Signer, credentials: &Credentials, seed: &str) -> Result<Self, Error> {
        if !signer.algorithm().is_regional() {
            return Err(EVENTS_OF_SIGV4A);
        }
        Self::for_scope(signer.region(), signer.service(), credentials, seed)
    }

    /// Begins a chain for what a request was signed for, where that is not the signer's own.
    pub(crate) fn for_scope(
        region: &str,
        service: &str,
        credentials: &Credentials,
        seed: &str,
    ) -> Result<Self, Error> {
        if seed.contains('\n') {
            return Err(BROKEN_SEED);
        }
        Ok(Self {
            credentials: credentials.clone(),
            region: region.into(),
            service: service.into(),
            previous: seed.into(),
        })
    }

    /// Signs the next event: its encoded headers, which are all but the signature, and its
    /// payload.
    ///
    /// `now` is the date of the event, which its headers have to name as well.
    ///
    /// # Errors
    ///
    /// [`Time`](crate::ErrorKind::Time) when the date is before 1970 or after 9999. The chain is then
    /// unchanged.
    pub fn sign(
        &mut self,
        headers: &[u8],
        payload: &[u8],
        now: SystemTime,
    ) -> Result<EventSignature, Error> {
        let time = Timestamp::new(now)?;
        self.sign_at(&time, headers, payload)
    }

    pub(super) fn sign_at(
        &mut self,
        time: &Timestamp,
        headers: &[u8],
        payload: &[u8],
    ) -> Result<EventSignature, Error> {
        let hashes = (sha256(headers), sha256(payload));
        let to = KeyUse {
            algorithm: Algorithm::V4,
            region: &self.region,
            service: &self.service,
        };
        let signature = self.credentials.with_key(time, to, |key| {
            key.sign::<BLOCKS_TO_SIGN>(&StringToSign {
                time,
                key,
                previous: &self.previous,
                hashes: &hashes,
            })
        })?;
        self.previous.clear();
        self.previous.extend_from_slice(signature.as_bytes());
        EventSignature::new(&signature).ok_or(EVENTS_OF_SIGV4A)
    }
}

/// What is signed for one event, with the key of its own day.
struct StringToSign<'a> {
    time: &'a Timestamp,
    key: &'a DerivedKey,
    previous: &'a [u8],
    hashes: &'a ([u8; 64], [u8; 64]),
}

impl Text for StringToSign<'_> {
    fn write_to(&self, sink: &mut impl Sink) {
        sink.put_str(self.key.algorithm().name());
        sink.put_str("-PAYLOAD");
        let (headers, payload) = self.hashes;
        for line in [
            &self.time.as_bytes()[..],
            self.key.scope().as_bytes(),
            self.previous,
            headers,
            payload,
        ] {
            sink.put(b"\n");
            sink.put(line);
        }
    }
}

impl fmt::Debug for EventSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSigner")
            .field("service", &self.service)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// The signature of an event.
///
/// ```
/// # use std::time::SystemTime;
/// # use sigv4_core::{Credentials, EventSigner, Signer};
/// # let signer = Signer::builder("transcribe", "us-east-1").build()?;
/// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// let mut events = EventSigner::new(&signer, &credentials, "the signature of the request")?;
/// let signature = events.sign(b"", b"payload", SystemTime::now())?;
/// let on_the_wire: [u8; 32] = signature.to_bytes();
/// let in_the_next_string_to_sign: [u8; 64] = signature.to_hex();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[must_use = "an event without its signature is refused, and so is every one behind it"]
pub struct EventSignature {
    bytes: [u8; 32],
    hex: [u8; 64],
}

impl EventSignature {
    /// Returns the octets, which the header `:chunk-signature` has.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.bytes
    }

    /// Returns the digits, which the next signature covers.
    #[must_use]
    pub fn to_hex(&self) -> [u8; 64] {
        self.hex
    }

    fn new(signature: &Signature) -> Option<Self> {
        let hex = signature.as_bytes().try_into().ok()?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(hex, &mut bytes).ok()?;
        Some(Self { bytes, hex })
    }
}

impl fmt::Debug for EventSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSignature").finish_non_exhaustive()
    }
}

fn sha256(bytes: &[u8]) -> [u8; 64] {
    let mut text = Hasher::<BLOCKS_TO_SIGN>::new();
    text.put(bytes);
    text.finish().to_hex()
}

/// Enough for a region and a service with names of usual length.
const BLOCKS_TO_SIGN: usize = 6;

const BROKEN_SEED: Error = Error::new(
    ErrorKind::EventStream,
    "the seed of the event stream has a line break; give the signature of the request in hex",
);

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use std::time::UNIX_EPOCH;

    use super::*;

    /// `foobarbazqux` in hex.
    const SEED_OF_GO: &str = "666f6f62617262617a717578";

    fn begin(access_key: &str, secret: &str, scope: (&str, &str), seed: &str) -> EventSigner {
        let credentials = Credentials::new(access_key, secret).unwrap();
        EventSigner::for_scope(scope.0, scope.1, &credentials, seed).unwrap()
    }

    fn sign(signer: &mut EventSigner, headers: &[u8], payload: &[u8], seconds: u64) -> String {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        let signature = signer.sign(headers, payload, time).unwrap();
        let hex = signature
            .to_bytes()
            .map(|byte| format!("{byte:02x}"))
            .concat();
        assert_eq!(hex.as_bytes(), signature.to_hex());
        hex
    }

    /// The values of the tests of aws-sdk-go-v2, `aws/signer/v4/stream_test.go`.
    #[test]
    fn signs_the_chain_of_the_sdk_for_go() {
        let scope = ("us-east-1", "transcribestreaming");
        let mut signer = begin("AKID", "SECRET", scope, SEED_OF_GO);
        for (text, seconds, expected) in [
            (
                "foo",
                10,
                "e3a136405ec1152f62136742efd41f8639cd647a1cf21fab12aedb22cccd8999",
            ),
            (
                "bar",
                20,
                "92a6ad677e839d3003672cb2cefc71ef80d42e8cb300fefce0807e8398c74068",
            ),
            (
                "baz",
                30,
                "46d6660bd40f2ff5d6246a347895cabe7f4e89d9e1f4c6dad6dabdc801923be1",
            ),
            (
                "",
                30,
                "492bcb3e21de447c85f8a9bef6c0eb833e992e405b9b3584be84edaccc5aad18",
            ),
        ] {
            let text = text.as_bytes();
            assert_eq!(sign(&mut signer, text, text, seconds), expected);
        }
    }

    /// The value of the tests of aws-sdk-ruby and smithy-typescript; the seed is empty.
    #[test]
    fn signs_the_event_of_the_sdk_for_ruby() {
        let mut signer = begin("akid", "secret", ("REGION", "SERVICE"), "");
        let headers = b"\x05:date\x08\x00\x00\x01\x67\xf7\x7d\x57\x70";
        assert_eq!(
            sign(&mut signer, headers, b"foo", 1_369_353_600),
            "204bb5e2713e95354680e9522986d3ac0304aeafd33397f39e6540ca51ffe226"
        );
    }

    #[test]
    fn is_unchanged_by_an_error() {
        let scope = ("us-east-1", "transcribestreaming");
        let mut signer = begin("AKID", "SECRET", scope, SEED_OF_GO);
        let before = UNIX_EPOCH - Duration::from_secs(1);
        let error = signer.sign(b"x", b"x", before).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Time);
        assert_eq!(
            sign(&mut signer, b"foo", b"foo", 10),
            "e3a136405ec1152f62136742efd41f8639cd647a1cf21fab12aedb22cccd8999"
        );
    }

    #[test]
    fn refuses_a_seed_with_a_line_break() {
        let credentials = Credentials::new("AKID", "SECRET").unwrap();
        let signer = Signer::builder("transcribe", "us-east-1").build().unwrap();
        let error = EventSigner::new(&signer, &credentials, "a\n").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::EventStream);
    }

    #[test]
    fn shows_no_signature() {
        let mut signer = begin("AKID", "SECRET", ("us-east-1", "transcribe"), "5eed");
        let signature = signer.sign(b"", b"", UNIX_EPOCH).unwrap();
        let text = format!("{signer:?} {signature:?}");
        assert_eq!(
            text,
            "EventSigner { service: \"transcribe\", region: \"us-east-1\", .. } \
             EventSignature { .. }"
        );
    }
}
