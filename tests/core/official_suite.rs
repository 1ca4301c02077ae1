//! AWS's official test suite: every case of SigV4 and of SigV4A, in the header and in the query.
//!
//! The suite predates `http`, whose types cannot hold some of its requests. Those cases are listed
//! here by name. None is left out: each is signed in the nearest spelling that has the same
//! canonical form, and compared with the same expected values.

use std::time::Duration;

use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::secrets;
use sigv4_tests::suite;
use sigv4_tests::suite::Case;
use sigv4_tests::suite::Expected;
use sigv4_tests::suite::RawRequest;
use sigv4_tests::time;

use crate::fixture::BACKENDS;
use crate::vectors::Vector;

/// The cases that `http` cannot hold as they are, and why.
const RESPELLED: [(&str, &str); 3] = [
    (
        "get-header-value-multiline",
        "a folded header value: `HeaderValue` refuses line breaks, as RFC 9112 does",
    ),
    (
        "get-space-unnormalized",
        "a raw space in the request target, which `Uri` refuses",
    ),
    (
        "get-space-normalized",
        "the same. The package writes its request with %20, which is not the request of its \
         expected values: the signed request beside it still has the raw space",
    ),
];

/// The cases that came from elsewhere, without a context and with some expected values only.
const WITHOUT_CONTEXT: [&str; 2] = ["double-encode-path", "double-url-encode"];

#[test]
fn has_all_its_cases() {
    let cases = suite::v4();
    assert_eq!(cases.len(), 40);
    let without_context: Vec<&str> = cases
        .iter()
        .filter(|case| case.context.is_none())
        .map(|case| &*case.name)
        .collect();
    assert_eq!(without_context, WITHOUT_CONTEXT);
    let cases_of_v4a = suite::v4a();
    assert_eq!(cases_of_v4a.len(), 38);
    for case in &cases_of_v4a {
        assert_eq!(case.public_key, Some(PublicKey::of_the_fixture()));
        assert!(case.context.is_some(), "{}", case.name);
    }
    let all = cases.iter().chain(&cases_of_v4a);
    for case in all.filter(|case| case.context.is_some()) {
        for expected in [&case.header, &case.query] {
            let is_complete = expected.canonical_request.is_some()
                && expected.string_to_sign.is_some()
                && expected.signature.is_some()
                && expected.signed_request.is_some();
            assert!(is_complete, "{}", case.name);
        }
    }
}

#[test]
fn cases_that_http_cannot_hold_are_refused_by_it() {
    for cases in [suite::v4(), suite::v4a()] {
        for (name, reason) in RESPELLED {
            let case = cases.iter().find(|case| case.name == name);
            let case = case.unwrap_or_else(|| panic!("{name} is a case: {reason}"));
            let mut vector = vector(case);
            vector.request = as_aws_wrote_it(case);
            vector.check_that_http_refuses_it();
        }
    }
}

#[test]
fn signs_every_case_in_the_header() {
    let vectors = vectors(&suite::v4());
    assert_eq!(vectors.len(), 38);
    vectors.iter().for_each(Vector::check_header);
}

#[test]
fn signs_every_case_in_the_query() {
    let vectors = vectors(&suite::v4());
    assert_eq!(vectors.len(), 38);
    vectors.iter().for_each(Vector::check_query);
}

#[test]
fn signs_every_case_of_sigv4a_in_the_header() {
    let vectors = vectors_of_v4a();
    assert_eq!(vectors.len(), 2 * 38);
    vectors.iter().for_each(Vector::check_header);
}

#[test]
fn signs_every_case_of_sigv4a_in_the_query() {
    let vectors = vectors_of_v4a();
    assert_eq!(vectors.len(), 2 * 38);
    vectors.iter().for_each(Vector::check_query);
}

/// The documents of `double-encode-path` are from two different signatures: its canonical request
/// is of 2021, its signed request of 2015, and that one is by other credentials.
#[test]
fn signs_the_cases_without_a_context() {
    let cases = suite::v4();
    let find = |name: &str| cases.iter().find(|case| case.name == name).unwrap();
    let in_2021 = "20210511T154045Z";

    let case = find("double-encode-path");
    let signed = case.header.signed_request.as_ref().unwrap();
    let mut vector = without_context(case);
    vector.access_key_id = "ANOTREAL".to_owned();
    vector.secret = "notrealrnrELgWzOk3IfjzDKtFBhDby".to_owned();
    vector.time = time::of_the_suite();
    vector.header.canonical_request = None;
    vector.header.signature = Some(signature_of(signed));
    vector.check_header();

    vector.time = time::parse(in_2021).unwrap();
    vector.header.canonical_request = case.header.canonical_request.clone();
    vector.header.signed_request = None;
    // Published nowhere: of this second half only the canonical request is compared.
    vector.check_canonical_request();

    let case = find("double-url-encode");
    let signed = case.header.signed_request.as_ref().unwrap();
    let mut vector = without_context(case);
    vector.region = "us-east-2".to_owned();
    vector.service = "lambda".to_owned();
    vector.time = time::parse(in_2021).unwrap();
    vector.header.signature = Some(signature_of(signed));
    vector.check_header();
}

fn vectors(cases: &[Case]) -> Vec<Vector> {
    let with_context = cases.iter().filter(|case| case.context.is_some());
    with_context
        .map(|case| {
            let is_respelled = RESPELLED.iter().any(|(name, _)| *name == case.name);
            let vector = vector(case);
            if is_respelled {
                vector.respelled()
            } else {
                vector
            }
        })
        .collect()
}

/// Each case, for each backend.
fn vectors_of_v4a() -> Vec<Vector> {
    let vectors = vectors(&suite::v4a());
    let of_backend = |backend| {
        vectors.iter().cloned().map(move |mut vector| {
            vector.ecdsa = Some((backend, PublicKey::of_the_fixture()));
            vector
        })
    };
    BACKENDS.into_iter().flat_map(of_backend).collect()
}

fn vector(case: &Case) -> Vector {
    let context = case.context.as_ref().expect("the case has a context");
    Vector {
        name: case.name.clone(),
        access_key_id: context.credentials.access_key_id.clone(),
        secret: context.credentials.secret_access_key.clone(),
        token: context.credentials.token.clone(),
        region: context.region.clone(),
        service: context.service.clone(),
        time: context.time(),
        expires_in: context.expires_in(),
        normalizes: context.normalize,
        double_encodes: true,
        sends_content_sha256: context.sign_body,
        covers_body: context.sign_body,
        appends_token: context.omit_session_token,
        ecdsa: None,
        request: case.request.clone(),
        header: case.header.clone(),
        query: case.query.clone(),
    }
}

fn without_context(case: &Case) -> Vector {
    Vector {
        name: case.name.clone(),
        access_key_id: secrets::ACCESS_KEY_ID.to_owned(),
        secret: secrets::SECRET_ACCESS_KEY.to_owned(),
        token: None,
        region: "us-east-1".to_owned(),
        service: "service".to_owned(),
        time: time::of_the_suite(),
        expires_in: Duration::from_secs(3600),
        normalizes: true,
        double_encodes: true,
        sends_content_sha256: false,
        covers_body: false,
        appends_token: false,
        ecdsa: None,
        request: case.request.clone(),
        header: case.header.clone(),
        query: Expected::clone(&case.query),
    }
}

/// The request with the target of the signed one, which nobody has respelled.
fn as_aws_wrote_it(case: &Case) -> RawRequest {
    let signed = case
        .header
        .signed_request
        .as_ref()
        .expect("the case has one");
    let mut request = case.request.clone();
    request.target.clone_from(&signed.target);
    request
}

fn signature_of(signed: &RawRequest) -> String {
    let authorization = signed.header("authorization").unwrap();
    let (_, signature) = authorization.rsplit_once("Signature=").unwrap();
    signature.to_owned()
}
