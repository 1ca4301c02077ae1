//! What no signer can do without, whatever it does beside.

use std::hint::black_box;
use std::time::SystemTime;

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Digest;
use sha2::Sha256;

use crate::case::Body;
use crate::case::Case;
use crate::contender::Contender;
use crate::ours::Ours;

/// SHA-256 over the body, where there is one, and over the canonical request, and one HMAC with a
/// state that has taken in its key already, over the string to sign. The texts are written
/// beforehand, each in one piece.
#[derive(Debug)]
pub struct Floor<'a> {
    body: Option<&'a [u8]>,
    canonical_request: Vec<u8>,
    string_to_sign: String,
    key: Hmac<Sha256>,
}

impl<'a> Floor<'a> {
    /// Prepares the texts as of a time.
    #[must_use]
    pub fn new(case: &'a Case, now: SystemTime) -> Self {
        let trace = Ours::new(case).trace_at(now);
        let string_to_sign = trace.string_to_sign().to_owned();
        let date = string_to_sign
            .lines()
            .nth(1)
            .and_then(|date| date.get(..8))
            .expect("the second line of a string to sign is a date");
        Self {
            body: match &case.body {
                Body::Bytes(bytes) => Some(bytes),
                Body::Empty | Body::Unsigned => None,
            },
            canonical_request: trace.canonical_request_bytes().to_vec(),
            key: signing_key(date, case.service),
            string_to_sign,
        }
    }
}

impl Contender for Floor<'_> {
    type Input = ();
    type Output = [u8; 32];

    const NAME: &'static str = "floor";

    fn input(&self) -> Self::Input {}

    fn sign(&self, (): &mut Self::Input) -> Self::Output {
        if let Some(body) = self.body {
            black_box(Sha256::digest(black_box(body)));
        }
        black_box(Sha256::digest(black_box(&self.canonical_request)));
        let mut mac = self.key.clone();
        mac.update(black_box(self.string_to_sign.as_bytes()));
        mac.finalize().into_bytes().into()
    }
}

fn signing_key(date: &str, service: &str) -> Hmac<Sha256> {
    let secret = format!("AWS4{}", Case::SECRET_ACCESS_KEY);
    [date, Case::REGION, service, "aws4_request"]
        .iter()
        .fold(keyed(secret.as_bytes()), |mac, text| {
            keyed(&mac.chain_update(text).finalize().into_bytes())
        })
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}
