//! Presigned URLs: how long they live, what they hold, and what their holder has to send.

use std::time::Duration;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ErrorKind;
use sigv4_core::HeaderRules;
use sigv4_core::PlusPolicy;
use sigv4_core::PresignOptions;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::WireForm;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets::SECRET_ACCESS_KEY;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::sent;
use crate::fixture::signer;
use crate::fixture::verified_with;

const URL: &str = "https://bucket.s3.us-east-1.amazonaws.com/key";
const WEEK: u64 = 604_800;
const LATTICE: &str = "vpc-lattice-svcs";

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn lives_as_long_as_was_asked_and_never_longer_than_allowed() {
    // Asked for, what the credentials have left, whether to clamp; seconds that come of it.
    for (asked, left, clamps, expected) in [
        (seconds(1), None, false, Some(1)),
        (seconds(WEEK), None, false, Some(WEEK)),
        (millis(1_999), None, false, Some(1)),
        (seconds(WEEK + 1), None, false, None),
        (seconds(WEEK + 1), None, true, None),
        (millis(WEEK * 1000 + 1), None, false, None),
        (Duration::MAX, None, false, None),
        (Duration::ZERO, None, false, None),
        (millis(999), None, false, None),
        (seconds(900), Some(seconds(900)), false, Some(900)),
        (seconds(900), Some(seconds(901)), false, Some(900)),
        (seconds(900), Some(seconds(899)), false, None),
        (seconds(900), Some(millis(899_999)), false, None),
        (seconds(900), Some(seconds(899)), true, Some(899)),
        (seconds(900), Some(millis(899_999)), true, Some(899)),
        (seconds(900), Some(seconds(901)), true, Some(900)),
        (seconds(900), Some(seconds(1)), true, Some(1)),
        (seconds(900), Some(millis(999)), true, None),
        (seconds(900), Some(Duration::ZERO), true, None),
        (seconds(WEEK + 1), Some(seconds(900)), true, None),
    ] {
        let name = format!("{asked:?}, {left:?} left, clamped: {clamps}");
        let credentials = match left {
            Some(left) => temporary_credentials().with_expiry(now() + left),
            None => temporary_credentials(),
        };
        let mut options = PresignOptions::expires_in(asked);
        if clamps {
            options = options.clamp_to_credentials();
        }
        let presigned = signer("s3").presign(&get(URL), options, &credentials, now());
        let Some(expected) = expected else {
            let error = presigned.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Expiry, "{name}");
            continue;
        };
        let presigned = presigned.unwrap();
        assert_eq!(presigned.expires_at(), now() + seconds(expected), "{name}");
        let verified = verified_with(&sent(&presigned), Body::Unsigned);
        assert_eq!(verified.expires_in, Some(seconds(expected)), "{name}");
    }
    assert_eq!(PresignOptions::MAX_LIFETIME, seconds(WEEK));
}

#[test]
fn is_refused_with_credentials_that_have_ended() {
    let credentials = credentials().with_expiry(now() - seconds(1));
    let error = signer("s3")
        .presign(&get(URL), hour(), &credentials, now())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expiry);
}

/// The lifetime begins with the second that `X-Amz-Date` names.
#[test]
fn counts_from_the_date_that_it_carries() {
    let presigned = signer("s3")
        .presign(&get(URL), seconds(60), &credentials(), now() + millis(700))
        .unwrap();
    assert_eq!(presigned.expires_at(), now() + seconds(60));
    let verified = verified_with(&sent(&presigned), Body::Unsigned);
    assert_eq!(verified.time, now());
}

#[test]
fn is_for_one_method() {
    for method in [
        "GET", "PUT", "DELETE", "HEAD", "POST", "OPTIONS", "PROPFIND",
    ] {
        let request = Request::builder().method(method).uri(URL).body(()).unwrap();
        let presigned = signer("s3")
            .presign(&request, hour(), &credentials(), now())
            .unwrap();
        assert_eq!(presigned.method(), method);
        let mut sent = sent(&presigned);
        verified_with(&sent, Body::Unsigned);
        *sent.method_mut() = Method::from_bytes(b"OTHER").unwrap();
        assert!(oracle::verify(&sent, Body::Unsigned, SECRET_ACCESS_KEY).is_err());
    }
}

#[test]
fn covers_the_body_that_the_service_expects() {
    let body = b"Action=ListUsers";
    let options = || PresignOptions::expires_in(hour());
    let with_hash = || options().payload_sha256(Sha256::digest(body).into());
    let (nothing, hash) = (&["host"][..], &["host", "x-amz-content-sha256"][..]);
    for (name, service, options, covered, signed) in [
        ("S3", "s3", options(), Body::Unsigned, nothing),
        (
            "S3 Express",
            "s3express",
            options(),
            Body::Unsigned,
            nothing,
        ),
        ("others", "sts", options(), Body::Bytes(b""), nothing),
        (
            "others, a body",
            "iam",
            with_hash(),
            Body::Bytes(body),
            nothing,
        ),
        // The server takes the hash from nowhere else.
        ("S3, a body", "s3", with_hash(), Body::Bytes(body), hash),
        (
            "Glacier, a body",
            "glacier",
            with_hash(),
            Body::Bytes(body),
            hash,
        ),
        ("Lattice", LATTICE, options(), Body::Unsigned, hash),
        (
            "Lattice, a body",
            LATTICE,
            with_hash(),
            Body::Unsigned,
            hash,
        ),
    ] {
        let mut request = Request::post("https://host.amazonaws.com/")
            .body(())
            .unwrap();
        let stale = HeaderValue::from_static("stale");
        request.headers_mut().insert("x-amz-content-sha256", stale);
        let presigned = signer(service)
            .presign(&request, options, &credentials(), now())
            .unwrap();
        let verified = verified_with(&sent(&presigned), covered);
        assert_eq!(verified.signed_headers, signed, "{name}");
        assert_eq!(presigned.headers().len(), signed.len() - 1, "{name}");
    }
}

fn with_headers(headers: &[(&str, &str)]) -> Request<()> {
    let mut builder = Request::put(URL);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn names_the_headers_that_its_holder_has_to_send() {
    let request = with_headers(&[
        ("accept", "*/*"),
        ("content-type", "text/plain"),
        ("user-agent", "test/1"),
        ("x-amz-meta-a", "  1  2 "),
        ("x-amz-meta-a", "3"),
        ("x-amz-content-sha256", "stale"),
        ("x-amz-date", "stale"),
        ("x-amz-security-token", "stale"),
        ("authorization", "AWS4-HMAC-SHA256 stale"),
    ]);
    let presigned = signer("s3")
        .presign(&request, hour(), &credentials(), now())
        .unwrap();
    assert_eq!(names(presigned.headers()), ["content-type", "x-amz-meta-a"]);
    let values = presigned.headers().get_all("x-amz-meta-a");
    assert_eq!(values.iter().collect::<Vec<_>>(), ["  1  2 ", "3"]);
    let sent = sent(&presigned);
    let verified = verified_with(&sent, Body::Unsigned);
    assert_eq!(
        verified.signed_headers,
        ["content-type", "host", "x-amz-meta-a"]
    );

    // Without one of them the URL is worth nothing.
    for name in ["content-type", "x-amz-meta-a"] {
        let mut sent = sent.clone();
        sent.headers_mut().remove(name);
        assert!(oracle::verify(&sent, Body::Unsigned, SECRET_ACCESS_KEY).is_err());
    }
}

#[test]
fn names_the_host_where_it_is_not_that_of_the_url() {
    for (name, uri, host, expected) in [
        ("none", "https://h.com/", None, None),
        ("the same", "https://h.com/", Some("h.com"), None),
        (
            "another",
            "https://127.0.0.1:9000/",
            Some("h.com"),
            Some("h.com"),
        ),
        (
            "the same with a port",
            "https://h.com:8443/",
            Some("h.com:8443"),
            None,
        ),
    ] {
        let mut request = get(uri);
        if let Some(host) = host {
            let value = HeaderValue::from_static(host);
            request.headers_mut().insert("host", value);
        }
        let presigned = signer("s3")
            .presign(&request, hour(), &credentials(), now())
            .unwrap();
        let host = presigned.headers().get("host");
        assert_eq!(host.map(|host| host.to_str().unwrap()), expected, "{name}");
        verified_with(&sent(&presigned), Body::Unsigned);
    }
}

#[test]
fn signs_the_host_that_its_url_names() {
    for (uri, expected) in [
        ("https://localhost:9000/b/k", "https://localhost:9000/b/k?"),
        ("http://localhost:80/b/k", "http://localhost/b/k?"),
        (
            "https://user:pass@Bucket.S3.com:443/k",
            "https://bucket.s3.com/k?",
        ),
        ("https://[::1]:9000/b/k", "https://[::1]:9000/b/k?"),
    ] {
        let presigned = signer("s3")
            .presign(&get(uri), hour(), &credentials(), now())
            .unwrap();
        let url = presigned.uri().to_string();
        assert!(url.starts_with(expected), "{uri} → {url}");
        verified_with(&sent(&presigned), Body::Unsigned);
    }
}

#[test]
fn needs_an_absolute_uri() {
    for uri in ["/key", "host.com:443"] {
        let mut request = get(uri);
        let host = HeaderValue::from_static("host.com");
        request.headers_mut().insert("host", host);
        let error = signer("s3")
            .presign(&request, hour(), &credentials(), now())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestTarget, "{uri}");
    }
}

#[test]
fn replaces_an_earlier_presignature() {
    let once = signer("s3")
        .presign(
            &get(&format!("{URL}?versionId=1")),
            hour(),
            &credentials(),
            now(),
        )
        .unwrap();
    let earlier = signer("s3")
        .presign(
            &get(&format!("{URL}?versionId=1")),
            seconds(60),
            &temporary_credentials(),
            now() - seconds(100_000),
        )
        .unwrap();
    let again = signer("s3")
        .presign(&sent(&earlier), hour(), &credentials(), now())
        .unwrap();
    assert_eq!(again.uri(), once.uri());

    let spelled = format!("{URL}?versionId=1&x-amz-expires=9&X%2DAmz%2DSignature=0&X-AMZ-DATE");
    let again = signer("s3")
        .presign(&get(&spelled), hour(), &credentials(), now())
        .unwrap();
    assert_eq!(again.uri(), once.uri());
}

const S3_HEADERS: [(&str, &str); 13] = [
    ("content-type", "text/plain"),
    ("x-amz-acl", "private"),
    ("x-amz-checksum-algorithm", "SHA256"),
    ("x-amz-copy-source", "/b/k"),
    ("x-amz-grant-read", "id=1"),
    ("x-amz-meta-a", "1"),
    ("x-amz-object-lock-mode", "GOVERNANCE"),
    ("x-amz-request-payer", "requester"),
    ("x-amz-sdk-checksum-algorithm", " a&b=c d "),
    ("x-amz-server-side-encryption", "AES256"),
    ("x-amz-storage-class", "STANDARD"),
    ("x-amz-tagging", "a=b"),
    ("x-amz-website-redirect-location", "/k"),
];

#[test]
fn hoists_nothing_by_default() {
    let presigned = signer("s3")
        .presign(&with_headers(&S3_HEADERS), hour(), &credentials(), now())
        .unwrap();
    let all: Vec<&str> = S3_HEADERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(presigned.headers()), all);
    verified_with(&sent(&presigned), Body::Unsigned);
}

#[test]
fn hoists_what_s3_reads_from_a_query() {
    let options = PresignOptions::expires_in(hour()).hoist_headers();
    let presigned = signer("s3")
        .presign(&with_headers(&S3_HEADERS), options, &credentials(), now())
        .unwrap();
    let query = presigned.uri().query().unwrap();
    let hoisted = [
        "X-Amz-Checksum-Algorithm=SHA256",
        "X-Amz-Sdk-Checksum-Algorithm=a%26b%3Dc%20d",
    ];
    for parameter in hoisted {
        assert!(
            query.split('&').any(|pair| pair == parameter),
            "{parameter}"
        );
    }
    let mut kept: Vec<&str> = S3_HEADERS.iter().map(|(name, _)| *name).collect();
    kept.retain(|name| !name.ends_with("checksum-algorithm"));
    assert_eq!(names(presigned.headers()), kept);
    verified_with(&sent(&presigned), Body::Unsigned);
}

/// A header may be named like a parameter of the signature. As a parameter it would be a second
/// one: another lifetime, another signature.
#[test]
fn hoists_nothing_over_the_parameters_of_the_signature() {
    let request = with_headers(&[
        ("x-amz-algorithm", "none"),
        ("x-amz-credential", "AKIDOTHER"),
        ("x-amz-expires", "604800"),
        ("x-amz-region-set", "*"),
        ("x-amz-signature", "00"),
        ("x-amz-signedheaders", "host"),
    ]);
    let options = PresignOptions::expires_in(seconds(60)).hoist_headers();
    let presigned = signer("s3")
        .presign(&request, options, &credentials(), now())
        .unwrap();
    let query = presigned.uri().query().unwrap().to_ascii_lowercase();
    for name in [
        "algorithm",
        "credential",
        "expires",
        "signature",
        "signedheaders",
    ] {
        let name = format!("x-amz-{name}=");
        let count = query
            .split('&')
            .filter(|pair| pair.starts_with(&name))
            .count();
        assert_eq!(count, 1, "{name}");
    }
    let verified = verified_with(&sent(&presigned), Body::Unsigned);
    assert_eq!(verified.expires_in, Some(seconds(60)));
}

#[test]
fn is_in_canonical_form_unless_told_otherwise() {
    let given = "https://host.amazonaws.com/b/a@b//c?z=1&a=+";
    let presign = |wire| {
        let signer = Signer::builder("s3", REGION)
            .wire_form(wire)
            .headers(HeaderRules::all_but_never_signed())
            .build()
            .unwrap();
        signer.presign(&get(given), hour(), &credentials(), now())
    };
    let canonical = presign(WireForm::Canonical).unwrap();
    assert_eq!(canonical.uri().path(), "/b/a%40b//c");
    let query = canonical.uri().query().unwrap();
    assert!(query.contains("&a=%2B&z=1&X-Amz-Signature="), "{query}");
    verified_with(&sent(&canonical), Body::Unsigned);

    // The path is as it was; the query, which is written anew, is canonical all the same.
    let as_given = presign(WireForm::AsGiven).unwrap();
    assert_eq!(as_given.uri().path(), "/b/a@b//c");
    assert_eq!(as_given.uri().query(), canonical.uri().query());

    let refused = presign(WireForm::RefuseIfDifferent).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotCanonical);
}

#[test]
fn leaves_the_request_as_it_is() {
    let request = with_headers(&S3_HEADERS);
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let options = PresignOptions::expires_in(hour()).hoist_headers();
    signer("s3")
        .presign(&request, options, &temporary_credentials(), now())
        .unwrap();
    assert_eq!((request.uri(), request.headers()), (&uri, &headers));
}

/// The overrides are those of a signature in a header.
#[test]
fn signs_for_what_the_overrides_say() {
    let overrides = SigningOverrides::new()
        .service("s3")
        .and_then(|overrides| overrides.region("eu-central-1"))
        .unwrap()
        .plus(PlusPolicy::Space);
    let request = get("https://bucket.s3.eu-central-1.amazonaws.com/key?a=b+c");
    let (credentials, other) = (credentials(), signer("sqs"));
    let presigned = other.presign_with(&request, hour(), &credentials, now(), &overrides);
    let expected = Signer::builder("s3", "eu-central-1")
        .plus(PlusPolicy::Space)
        .build()
        .unwrap()
        .presign(&request, hour(), &credentials, now())
        .unwrap();
    assert_eq!(presigned.unwrap().uri(), expected.uri());
    assert!(expected.uri().query().unwrap().contains("a=b%20c"));

    let sets = SigningOverrides::new().region_set("*").unwrap();
    let refused = other.presign_with(&request, hour(), &credentials, now(), &sets);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::RegionSet);
}
