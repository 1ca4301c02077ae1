//! The signing key, derived from a secret for one day, region and service; with SigV4A, the key
//! that holds everywhere, for one day and service.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#calculate-signature>

use std::sync::Arc;

use arc_swap::ArcSwap;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::canonical::sink::Sink;
use crate::date::Timestamp;
use crate::error::Error;
use crate::hash::MacKey;
use crate::names;
use crate::signature::Signature;
#[cfg(feature = "sigv4a")]
use crate::sigv4a::EcdsaKey;

/// What a key is for, apart from the day.
#[derive(Clone, Copy)]
pub(crate) struct KeyUse<'a> {
    pub(crate) algorithm: Algorithm,
    /// Makes no difference with SigV4A.
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

/// Text that is signed, written piece by piece.
pub(crate) trait Text {
    fn write_to(&self, sink: &mut impl Sink);
}

#[cfg(feature = "tokens")]
impl Text for &str {
    fn write_to(&self, sink: &mut impl Sink) {
        sink.put_str(self);
    }
}

/// A signing key, and the text that every signature made with it shares.
pub(crate) struct DerivedKey {
    day: u64,
    algorithm: Algorithm,
    region: Box<str>,
    service: Box<str>,
    secret: Secret,
    /// `20150830/us-east-1/iam/aws4_request`
    scope: Box<str>,
    /// `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/…, SignedHeaders=`
    authorization_prefix: Box<str>,
}

enum Secret {
    Mac(MacKey),
    #[cfg(feature = "sigv4a")]
    Ecdsa(EcdsaKey),
}

impl DerivedKey {
    fn derive((id, secret): (&str, &str), time: &Timestamp, to: KeyUse<'_>) -> Result<Self, Error> {
        let (day, service) = (time.day(), to.service);
        let (region, scope, secret) = match to.algorithm {
            Algorithm::V4 => {
                let region = to.region;
                let scope = format!("{day}/{region}/{service}/{}", names::TERMINATOR);
                (region, scope, Secret::Mac(derive_mac(secret, day, to)))
            }
            #[cfg(feature = "sigv4a")]
            Algorithm::V4a(backend) => {
                let scope = format!("{day}/{service}/{}", names::TERMINATOR);
                let key = EcdsaKey::derive(backend, id, secret)?;
                ("", scope, Secret::Ecdsa(key))
            }
        };
        let algorithm = to.algorithm.name();
        let authorization_prefix = format!("{algorithm} Credential={id}/{scope}, SignedHeaders=");
        Ok(Self {
            day: time.day_number(),
            algorithm: to.algorithm,
            region: region.into(),
            service: service.into(),
            secret,
            scope: scope.into(),
            authorization_prefix: authorization_prefix.into(),
        })
    }

    fn is_for(&self, day: u64, to: KeyUse<'_>) -> bool {
        self.day == day
            && self.algorithm == to.algorithm
            && (*self.region == *to.region || !self.algorithm.is_regional())
            && *self.service == *to.service
    }

    /// Signs a text. With SigV4 it is never written down; `BLOCKS` blocks of 64 octets of it are
    /// hashed in one go.
    #[inline]
    pub(crate) fn sign<const BLOCKS: usize>(&self, text: &impl Text) -> Result<Signature, Error> {
        match &self.secret {
            Secret::Mac(key) => {
                let mut hasher = key.begin::<BLOCKS>();
                text.write_to(&mut hasher);
                Ok(Signature::of_mac(key.finish(&mut hasher)))
            }
            #[cfg(feature = "sigv4a")]
            Secret::Ecdsa(key) => sign_written(key, text),
        }
    }

    /// Returns what the key is for.
    pub(crate) fn to(&self) -> KeyUse<'_> {
        KeyUse {
            algorithm: self.algorithm,
            region: &self.region,
            service: &self.service,
        }
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }

    pub(crate) fn authorization_prefix(&self) -> &str {
        &self.authorization_prefix
    }
}

/// Signs a text that is written down for it. Out of line, so that what takes much less time stays
/// in one piece.
#[cfg(feature = "sigv4a")]
#[inline(never)]
fn sign_written(key: &EcdsaKey, text: &impl Text) -> Result<Signature, Error> {
    let mut message = Vec::with_capacity(MESSAGE);
    text.write_to(&mut message);
    key.sign(&message)
}

/// Room for most strings to sign: algorithm, time, scope and hash.
#[cfg(feature = "sigv4a")]
const MESSAGE: usize = 192;

fn derive_mac(secret: &str, day: &str, to: KeyUse<'_>) -> MacKey {
    let mut start = Zeroizing::new(Vec::with_capacity("AWS4".len() + secret.len()));
    start.extend_from_slice(b"AWS4");
    start.extend_from_slice(secret.as_bytes());
    let by_day = hmac(&start, day);
    let by_region = hmac(&by_day[..], to.region);
    let by_service = hmac(&by_region[..], to.service);
    MacKey::new(&hmac(&by_service[..], names::TERMINATOR))
}

/// The keys that were derived from one secret. A part of the credentials, so that a key can never
/// be used with another secret, whatever the access key id.
pub(crate) struct KeyRing {
    /// The latest first. Read on every signature, replaced about once a day.
    keys: ArcSwap<Vec<Arc<DerivedKey>>>,
}

/// How many keys are kept: enough for a program that signs for many regions and services, few
/// enough to be looked through one by one.
const SLOTS: usize = 32;

impl KeyRing {
    pub(crate) fn new() -> Self {
        Self {
            keys: ArcSwap::from_pointee(Vec::new()),
        }
    }

    /// Calls `sign` with the key for a day and use, which is derived if it is not there.
    pub(crate) fn with_key<T>(
        &self,
        access_key: (&str, &str),
        time: &Timestamp,
        to: KeyUse<'_>,
        sign: impl FnOnce(&Arc<DerivedKey>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let day = time.day_number();
        let keys = self.keys.load();
        if let Some(key) = keys.iter().find(|key| key.is_for(day, to)) {
            return sign(key);
        }
        drop(keys);
        let key = Arc::new(DerivedKey::derive(access_key, time, to)?);
        self.keys.rcu(|keys| {
            let others = keys.iter().filter(|other| !other.is_for(day, to));
            std::iter::once(&key)
                .chain(others)
                .take(SLOTS)
                .cloned()
                .collect::<Vec<_>>()
        });
        sign(&key)
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

pub(crate) fn hmac(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(keyed(key).chain_update(text).finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use std::time::UNIX_EPOCH;

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn time(day: u64) -> Timestamp {
        Timestamp::new(UNIX_EPOCH + Duration::from_secs(day * 86_400)).unwrap()
    }

    struct Letters;

    impl Text for Letters {
        fn write_to(&self, sink: &mut impl Sink) {
            sink.put(b"text");
        }
    }

    fn tag(key: &DerivedKey) -> String {
        key.sign::<4>(&Letters).unwrap().as_str().to_owned()
    }

    fn of<'a>(region: &'a str, service: &'a str) -> KeyUse<'a> {
        KeyUse {
            algorithm: Algorithm::V4,
            region,
            service,
        }
    }

    fn hex_of(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The example of AWS's guide: secret, date and service `iam` give this key.
    #[test]
    fn derives_the_key_that_aws_publishes() {
        let published = [
            0xc4, 0xaf, 0xb1, 0xcc, 0x57, 0x71, 0xd8, 0x71, 0x76, 0x3a, 0x39, 0x3e, 0x44, 0xb7,
            0x03, 0x57, 0x1b, 0x55, 0xcc, 0x28, 0x42, 0x4d, 0x1a, 0x5e, 0x86, 0xda, 0x6e, 0xd3,
            0xc1, 0x54, 0xa4, 0xb9,
        ];
        let day = 16_677; // 2015-08-30
        let key = DerivedKey::derive(("AKIDEXAMPLE", SECRET), &time(day), of("us-east-1", "iam"))
            .unwrap();
        let expected = keyed(&published)
            .chain_update("text")
            .finalize()
            .into_bytes();
        assert_eq!(tag(&key), hex_of(&expected));
        assert_eq!(key.scope(), "20150830/us-east-1/iam/aws4_request");
    }

    #[test]
    fn keeps_a_bounded_number_of_keys() {
        let ring = KeyRing::new();
        for day in 0..100 {
            ring.with_key(("id", SECRET), &time(day), of("us-east-1", "iam"), |_| {
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(ring.keys.load().len(), SLOTS);
        // The latest are those that are kept.
        assert!(
            ring.keys
                .load()
                .iter()
                .all(|key| key.day >= 100 - SLOTS as u64)
        );
    }

    #[test]
    fn keeps_one_key_for_each_day_region_and_service() {
        let ring = KeyRing::new();
        let mut tags = std::collections::HashSet::new();
        for _ in 0..2 {
            for (day, region, service) in [
                (1, "a", "b"),
                (2, "a", "b"),
                (1, "ab", ""),
                (1, "", "ab"),
                (1, "b", "a"),
            ] {
                let key = of(region, service);
                let tag = ring.with_key(("id", SECRET), &time(day), key, |key| Ok(tag(key)));
                tags.insert(tag.unwrap());
            }
        }
        assert_eq!(ring.keys.load().len(), 5);
        assert_eq!(tags.len(), 5);
    }
}
