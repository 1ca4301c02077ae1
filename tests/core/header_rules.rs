//! Which headers are signed, as the request that arrives says.

use http::HeaderValue;
use http::Request;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ContentSha256;
use sigv4_core::ErrorKind;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::NEVER_SIGNED;
use sigv4_core::NEVER_SIGNED_PREFIXES;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_core::UnsignedPayload;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::now;
use crate::fixture::verified;
use crate::fixture::verified_with;

fn signed_headers(rules: HeaderRules, headers: &[(&str, &str)]) -> Vec<String> {
    let signer = Signer::builder("sqs", REGION)
        .headers(rules)
        .build()
        .unwrap();
    let mut builder = Request::get("https://sqs.us-east-1.amazonaws.com/");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let mut request = builder.body(()).unwrap();
    signer
        .sign(&mut request, Payload::EMPTY, &credentials(), now())
        .unwrap();
    verified(&request).signed_headers
}

/// What many clients and proxies send.
const USUAL: [(&str, &str); 14] = [
    ("accept", "*/*"),
    ("accept-encoding", "gzip"),
    ("connection", "keep-alive, X-Hop"),
    ("content-length", "0"),
    ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
    ("content-type", "application/json"),
    ("if-match", "\"a\""),
    ("user-agent", "test/1"),
    ("x-amz-meta-a", "1"),
    ("x-amz-target", "Service.Operation"),
    ("x-amzn-trace-id", "Root=1"),
    ("x-custom", "1"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-hop", "1"),
];

fn exact(name: &str) -> HeaderMatch {
    HeaderMatch::exact(name).unwrap()
}

#[test]
fn signs_an_allow_list_by_default() {
    let expected = [
        "content-md5",
        "content-type",
        "host",
        "x-amz-date",
        "x-amz-meta-a",
        "x-amz-target",
    ];
    assert_eq!(signed_headers(HeaderRules::default(), &USUAL), expected);
    assert_eq!(signed_headers(HeaderRules::minimal(), &USUAL), expected);
}

#[test]
fn signs_all_but_what_hops_are_known_to_change() {
    let expected = [
        "accept",
        "content-md5",
        "content-type",
        "host",
        "if-match",
        "x-amz-date",
        "x-amz-meta-a",
        "x-amz-target",
        "x-custom",
    ];
    let rules = HeaderRules::all_but_never_signed();
    assert_eq!(signed_headers(rules, &USUAL), expected);
}

/// The union of what the SDKs and botocore leave out, and of what proxies rewrite, written down
/// apart from the list of the crate.
#[test]
fn leaves_out_what_every_reference_leaves_out() {
    let never = [
        "accept-encoding",
        "b3",
        "baggage",
        "cache-control",
        "connection",
        "content-length",
        "expect",
        "forwarded",
        "from",
        "keep-alive",
        "max-forwards",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "referer",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-amzn-trace-id",
        "x-b3-traceid",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    let headers: Vec<(&str, &str)> = never.iter().map(|name| (*name, "1")).collect();
    let rules = HeaderRules::all_but_never_signed;
    assert_eq!(signed_headers(rules(), &headers), ["host", "x-amz-date"]);
    for name in never {
        let prefixes = NEVER_SIGNED_PREFIXES.iter();
        let is_listed = NEVER_SIGNED.contains(&name)
            || prefixes.into_iter().any(|prefix| name.starts_with(prefix));
        assert!(is_listed, "{name}");
        // Whoever names it, gets it.
        let named = signed_headers(rules().include(exact(name)), &[(name, "1")]);
        assert!(named.contains(&name.to_owned()), "{name}");
    }
}

#[test]
fn every_kind_of_match_includes_and_excludes() {
    let headers = [
        ("x-one-a", "1"),
        ("x-one-b", "1"),
        ("x-two-a", "1"),
        ("y-two-b", "1"),
    ];
    for (name, matched, included) in [
        ("exact", exact("X-One-A"), &["x-one-a"][..]),
        (
            "prefix",
            HeaderMatch::prefix("X-One-").unwrap(),
            &["x-one-a", "x-one-b"],
        ),
        (
            "suffix",
            HeaderMatch::suffix("-A").unwrap(),
            &["x-one-a", "x-two-a"],
        ),
        (
            "contains",
            HeaderMatch::contains("-TWO-").unwrap(),
            &["x-two-a", "y-two-b"],
        ),
        (
            "regex",
            HeaderMatch::regex("[xy]-two-[ab]").unwrap(),
            &["x-two-a", "y-two-b"],
        ),
        ("regex of a part", HeaderMatch::regex("x-one").unwrap(), &[]),
    ] {
        let without = |names: &[String]| -> Vec<String> {
            let own = ["host", "x-amz-date"];
            let others = names.iter().filter(|name| !own.contains(&name.as_str()));
            others.cloned().collect()
        };
        let minimal = HeaderRules::minimal().include(matched.clone());
        assert_eq!(
            without(&signed_headers(minimal, &headers)),
            included,
            "{name}"
        );

        let all = HeaderRules::all_but_never_signed().exclude(matched);
        let mut expected: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        expected.retain(|header| !included.contains(header));
        assert_eq!(without(&signed_headers(all, &headers)), expected, "{name}");
    }
}

#[test]
fn an_inclusion_wins_over_an_exclusion_whatever_their_order() {
    let meta = || HeaderMatch::prefix("x-amz-meta-").unwrap();
    let headers = [("x-amz-meta-a", "1"), ("x-amz-meta-b", "1")];
    let expected = ["host", "x-amz-date", "x-amz-meta-b"];
    for rules in [
        HeaderRules::minimal()
            .exclude(meta())
            .include(exact("x-amz-meta-b")),
        HeaderRules::minimal()
            .include(exact("x-amz-meta-b"))
            .exclude(meta()),
    ] {
        assert_eq!(signed_headers(rules, &headers), expected);
    }
}

#[test]
fn what_the_signer_adds_is_signed_whatever_the_rules_say() {
    let everything = HeaderMatch::regex(".*").unwrap();
    let rules = HeaderRules::all_but_never_signed().exclude(everything);
    let signer = Signer::builder("s3", REGION)
        .headers(rules)
        .build()
        .unwrap();
    let mut request = get("https://b.s3.amazonaws.com/k");
    request
        .headers_mut()
        .insert("accept", "*/*".parse().unwrap());
    let credentials = temporary_credentials();
    signer
        .sign(&mut request, Payload::EMPTY, &credentials, now())
        .unwrap();
    assert_eq!(
        verified(&request).signed_headers,
        [
            "host",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-security-token"
        ]
    );
}

#[test]
fn values_are_trimmed_and_folded_and_repetitions_keep_their_order() {
    let headers = [
        ("x-amz-meta-a", "  b \t  c  "),
        ("x-amz-meta-a", "\"a   b   c\""),
        ("x-amz-meta-a", ""),
        ("x-amz-meta-a", "a"),
        ("x-amz-meta-b", "ünïcode  ✓"),
    ];
    let expected = ["host", "x-amz-date", "x-amz-meta-a", "x-amz-meta-b"];
    assert_eq!(signed_headers(HeaderRules::minimal(), &headers), expected);
}

/// `x-amz-content-sha256` by service, payload and what the program wants.
#[test]
fn the_hash_of_the_payload_is_sent_where_it_is_wanted() {
    let (auto, always, never) = (
        ContentSha256::Auto,
        ContentSha256::Always,
        ContentSha256::Never,
    );
    let body = b"body";
    let unsigned = "UNSIGNED-PAYLOAD";
    let hash = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
    for (service, wanted, payload, given, expected) in [
        ("sqs", auto, Payload::Bytes(body), None, None),
        ("sqs", auto, Payload::Bytes(body), Some("stale"), Some(hash)),
        ("sqs", always, Payload::Bytes(body), None, Some(hash)),
        ("sqs", never, Payload::Bytes(body), Some("stale"), None),
        ("s3", auto, Payload::Bytes(body), None, Some(hash)),
        ("s3", auto, Payload::Unsigned, Some("stale"), Some(unsigned)),
        ("s3express", auto, Payload::Bytes(body), None, Some(hash)),
        ("s3-outposts", auto, Payload::Bytes(body), None, Some(hash)),
        (
            "s3-object-lambda",
            auto,
            Payload::Bytes(body),
            None,
            Some(hash),
        ),
        ("glacier", auto, Payload::Bytes(body), None, Some(hash)),
        ("aoss", auto, Payload::Bytes(body), None, Some(hash)),
        ("aoss", auto, Payload::Unsigned, None, Some(unsigned)),
        (
            "vpc-lattice-svcs",
            auto,
            Payload::Bytes(body),
            None,
            Some(unsigned),
        ),
    ] {
        let signer = Signer::builder(service, REGION)
            .content_sha256(wanted)
            .build()
            .unwrap();
        let mut request = Request::post("https://host.amazonaws.com/")
            .body(())
            .unwrap();
        if let Some(given) = given {
            let value = HeaderValue::from_static(given);
            request.headers_mut().insert("x-amz-content-sha256", value);
        }
        signer
            .sign(&mut request, payload, &credentials(), now())
            .unwrap();
        let name = format!("{service} {wanted:?} {payload:?}");
        let sent = request.headers().get("x-amz-content-sha256");
        assert_eq!(
            sent.map(|value| value.to_str().unwrap()),
            expected,
            "{name}"
        );
        let covered = if expected == Some(unsigned) {
            Body::Unsigned
        } else {
            Body::Bytes(body)
        };
        let verified = verified_with(&request, covered);
        assert!(verified.unsigned_amz_headers.is_empty(), "{name}");
    }
}

#[test]
fn an_unsigned_payload_is_refused_where_the_service_does() {
    let sign = |signer: &Signer| {
        let mut request = get("https://host.amazonaws.com/");
        let signed = signer.sign(&mut request, Payload::Unsigned, &credentials(), now());
        if signed.is_err() {
            assert!(request.headers().is_empty());
        }
        signed.map(|_| request)
    };
    for service in ["sqs", "bedrock", "execute-api", "glacier"] {
        let signer = Signer::builder(service, REGION).build().unwrap();
        let error = sign(&signer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Payload, "{service}");
    }
    let rules = SigningRules::standard().unsigned_payload(UnsignedPayload::Allowed);
    let signer = Signer::builder("sqs", REGION).rules(rules).build().unwrap();
    let request = sign(&signer).unwrap();
    verified_with(&request, Body::Unsigned);
    // The server cannot know it from anything else.
    let sent = &request.headers()["x-amz-content-sha256"];
    assert_eq!(sent, "UNSIGNED-PAYLOAD");
}

#[test]
fn a_hash_that_was_computed_elsewhere_gives_the_signature_of_the_bytes() {
    let body = b"a body that was hashed as it was read";
    let mut request = Request::put("https://b.s3.amazonaws.com/k")
        .body(())
        .unwrap();
    let hash = Sha256::digest(body).into();
    Signer::builder("s3", REGION)
        .build()
        .unwrap()
        .sign(&mut request, Payload::Sha256(hash), &credentials(), now())
        .unwrap();
    verified_with(&request, body);
}
