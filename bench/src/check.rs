//! That all contenders compute the same signature: a fast wrong one is no contender.

use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::Uri;
use sigv4_core::EcdsaBackend;
use sigv4_core::Signable;

use crate::aws_sigv4::AwsSigV4;
use crate::bare::BareP256;
use crate::bare::BareRing;
use crate::case::Case;
use crate::contender::Contender;
use crate::floor::Floor;
use crate::ours::Ours;
use crate::reqsign::Reqsign;

/// Panics unless all contenders give one signature for a case.
///
/// `aws-sigv4` and the floor are asked for the signature of a fixed time. `reqsign` can only sign
/// as of now: ours then signs what it signed, as of the time that it took.
///
/// # Panics
///
/// When they do not.
pub fn check(case: &Case) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_718_000_000);
    let expected = ours(case, &case.request, now).signature;

    let mut request = case.request.clone();
    let theirs = AwsSigV4::new(case).sign_at(&mut request, now);
    assert_eq!(theirs, expected, "aws-sigv4, {}", case.name);

    let floor = Floor::new(case, now).sign(&mut ());
    assert_eq!(hex(&floor), expected, "floor, {}", case.name);

    let reqsign = Reqsign::new(case);
    let mut request = reqsign.input();
    reqsign.sign(&mut request);
    let theirs = Found::of(&request.uri, &request.headers);
    let mut request = reqsign.input();
    if case.presigned.is_none() {
        reqsign.declare_body(&mut request);
    }
    let after = SystemTime::now();
    let ours = (0..10)
        .filter_map(|seconds| after.checked_sub(Duration::from_secs(seconds)))
        .map(|time| ours(case, &request, time))
        .find(|ours| ours.date == theirs.date)
        .expect("reqsign signs as of now");
    assert_eq!(theirs.signature, ours.signature, "reqsign, {}", case.name);
}

/// Panics unless `aws-sigv4` and ours with `p256`, which both make their nonces as RFC 6979 has it,
/// give one signature of SigV4A for a case, that is the bare one of the string to sign, and ours
/// with `ring` and the bare one of `ring` are signatures by the same key.
///
/// # Panics
///
/// When they do not.
pub fn check_sigv4a(case: &Case) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_718_000_000);
    let ours = Ours::sigv4a(case, EcdsaBackend::P256);
    let expected = ours_of(&ours, case, &case.request, now).signature;

    let mut request = case.request.clone();
    let theirs = AwsSigV4::sigv4a(case).sign_at(&mut request, now);
    assert_eq!(theirs, expected, "aws-sigv4, {}", case.name);

    let bare = BareP256::new(case, now).sign(&mut ());
    assert_eq!(hex(bare.as_bytes()), expected, "p256, {}", case.name);

    let ring = BareRing::new(case, now);
    let ours = Ours::sigv4a(case, EcdsaBackend::Ring);
    let ours = ours_of(&ours, case, &case.request, now).signature;
    let bare = hex(ring.sign(&mut ()).as_ref());
    for signature in [expected, ours, bare] {
        assert!(ring.verifies(&signature), "ring, {}", case.name);
    }
}

fn ours<R: Signable + Clone>(case: &Case, request: &R, now: SystemTime) -> Found {
    ours_of(&Ours::new(case), case, request, now)
}

fn ours_of<R: Signable + Clone>(
    ours: &Ours<'_>,
    case: &Case,
    request: &R,
    now: SystemTime,
) -> Found {
    if case.presigned.is_some() {
        let presigned = ours.presign_at(request, now);
        return Found::of(presigned.uri(), presigned.headers());
    }
    let mut request = request.clone();
    let signed = ours.sign_at(&mut request, now);
    let found = Found::of(request.uri(), request.headers());
    assert_eq!(signed.signature(), Some(&*found.signature));
    found
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a request says of its signature.
struct Found {
    date: String,
    signature: String,
}

impl Found {
    fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let parameter = |name: &str| {
            uri.query()?
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let in_authorization = || Some(header("authorization")?.split_once("Signature=")?.1);
        Self {
            date: parameter("X-Amz-Date")
                .or_else(|| header("x-amz-date"))
                .expect("a signed request has a date")
                .to_owned(),
            signature: parameter("X-Amz-Signature")
                .or_else(in_authorization)
                .expect("a signed request has a signature")
                .to_owned(),
        }
    }
}
