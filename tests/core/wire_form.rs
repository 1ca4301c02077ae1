//! What becomes of the URI: what is signed, and what is sent.

use http::Request;
use sigv4_core::Error;
use sigv4_core::ErrorKind;
use sigv4_core::Payload;
use sigv4_core::PlusPolicy;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::SigningRules;
use sigv4_core::WireForm;
use sigv4_tests::oracle::Reference;
use sigv4_tests::secrets::credentials;

use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::signer;
use crate::fixture::verified;

/// Given and sent, as written down by hand. What arrives there is judged by `aws-sigv4`.
const CANONICAL: [(&str, &str, &str); 33] = [
    // Most services: the path is normalised, and only what no URI may hold is escaped.
    (
        "bedrock",
        "/model/a.b-v2:1/converse",
        "/model/a.b-v2:1/converse",
    ),
    (
        "bedrock",
        "/model/a.b-v2%3A1/converse",
        "/model/a.b-v2%3A1/converse",
    ),
    (
        "bedrock",
        "/model/arn%3aaws%3Ap%2Fx/converse",
        "/model/arn%3aaws%3Ap%2Fx/converse",
    ),
    ("bedrock", "/a//b/./c/../d/", "/a/b/d/"),
    ("bedrock", "/a/..", "/"),
    ("bedrock", "/a/.", "/a"),
    ("bedrock", "/a/%2e%2e/b", "/a/%2e%2e/b"),
    ("bedrock", "/{id}/a|b\"c", "/%7Bid%7D/a%7Cb%22c"),
    ("bedrock", "/%zz/100%", "/%25zz/100%25"),
    ("bedrock", "/é", "/%C3%A9"),
    ("bedrock", "/!$&'()*+,;=:@", "/!$&'()*+,;=:@"),
    ("bedrock", "?a=b", "/?a=b"),
    // The S3 family: the path is a key, of which nothing is lost and which has one spelling.
    ("s3", "/bucket/a%20b", "/bucket/a%20b"),
    ("s3", "/b/a@b+c=d;e:f,g", "/b/a%40b%2Bc%3Dd%3Be%3Af%2Cg"),
    ("s3", "/b/a%20b@c", "/b/a%20b%40c"),
    ("s3", "/b//k/../.", "/b//k/../."),
    ("s3", "/b/x%2Fy%2fz", "/b/x/y/z"),
    ("s3", "/b/%7e%41", "/b/~A"),
    ("s3", "/b/%c3%a9é", "/b/%C3%A9%C3%A9"),
    ("s3", "/b/%ff", "/b/%FF"),
    ("s3", "/b/%zz%", "/b/%25zz%25"),
    ("s3", "/b/{k}|\"[]^\\", "/b/%7Bk%7D%7C%22%5B%5D%5E%5C"),
    ("s3-outposts", "/b/a@b", "/b/a%40b"),
    ("s3-object-lambda", "/b/a@b", "/b/a%40b"),
    ("s3express", "/b//a@b", "/b//a%40b"),
    // Queries: sorted by encoded name and value, encoded once.
    ("sqs", "/?b=2&a=1&a&c=", "/?a=&a=1&b=2&c="),
    (
        "sqs",
        "/?Param-3=3&Param=2&%E1%88%B4=1",
        "/?%E1%88%B4=1&Param=2&Param-3=3",
    ),
    (
        "sqs",
        "/?a=b=c&x=/?:@!$'()*,;[]",
        "/?a=b%3Dc&x=%2F%3F%3A%40%21%24%27%28%29%2A%2C%3B%5B%5D",
    ),
    ("sqs", "/?a=%7e%2f%zz&&b", "/?a=~%2F%25zz&b="),
    ("sqs", "/?=v", "/?=v"),
    // An empty query means nothing, with or without its question mark, which stays.
    ("sqs", "/?", "/?"),
    ("sqs", "/?&", "/"),
    ("sqs", "/?é={|}", "/?%C3%A9=%7B%7C%7D"),
];

fn with(service: &str, wire: WireForm) -> Signer {
    Signer::builder(service, REGION)
        .wire_form(wire)
        .build()
        .unwrap()
}

fn sign(signer: &Signer, request: &mut Request<()>) -> Result<String, Error> {
    let signed = signer.sign(request, Payload::EMPTY, &credentials(), now())?;
    Ok(signed.signature().unwrap().to_owned())
}

#[test]
fn canonical_is_what_is_sent_and_what_was_signed() {
    for (service, given, expected) in CANONICAL {
        let mut request = get(&format!("https://host.amazonaws.com{given}"));
        sign(&signer(service), &mut request).unwrap();
        let target = request.uri().path_and_query().unwrap();
        assert_eq!(target.to_string(), expected, "{service} {given}");
        verified(&request);
    }
}

#[test]
fn canonical_authority_is_what_clients_make_a_host_header_of() {
    for (given, expected) in [
        ("https://host.amazonaws.com/", "host.amazonaws.com"),
        (
            "https://user:pass@Host.AmazonAWS.com:443/",
            "host.amazonaws.com",
        ),
        ("http://localhost:80/", "localhost"),
        ("http://localhost:443/", "localhost:443"),
        (
            "https://host.amazonaws.com:8182/",
            "host.amazonaws.com:8182",
        ),
        ("https://[2001:DB8::1]:443/", "[2001:db8::1]"),
        ("http://user@[::1]:9000/", "[::1]:9000"),
        ("https://host.amazonaws.com:/", "host.amazonaws.com"),
        ("https://host.amazonaws.com:0443/", "host.amazonaws.com"),
        (
            "https://host.amazonaws.com:08182/",
            "host.amazonaws.com:8182",
        ),
    ] {
        let mut request = get(given);
        let signature = sign(&signer("sqs"), &mut request).unwrap();
        assert_eq!(
            request.uri().authority().unwrap().as_str(),
            expected,
            "{given}"
        );
        assert_eq!(verified(&request).signature, signature, "{given}");
        // Nobody asked for a Host header: over HTTP/2 there must be none.
        assert!(!request.headers().contains_key("host"), "{given}");

        let mut request = get(given);
        let as_given = sign(&with("sqs", WireForm::AsGiven), &mut request).unwrap();
        assert_eq!(request.uri().to_string(), given);
        assert_eq!(as_given, signature, "{given}");
    }
}

#[test]
fn as_given_leaves_the_uri_and_signs_the_canonical_form_that_a_server_derives() {
    for (service, given, derived) in [
        (
            "bedrock",
            "/a//b/../{c}|d?b=2&a=1",
            "/a//b/../{c}|d?b=2&a=1",
        ),
        ("bedrock", "/é%zz", "/é%zz"),
        ("bedrock", "/a/b/.", "/a/b"),
        ("bedrock", "/a/b/..", "/a"),
        ("s3", "/b/a@b%2Fc", "/b/a%40b/c"),
        ("s3", "/b//k?b=+&a", "/b//k?a&b=%2B"),
    ] {
        let given = format!("https://host.amazonaws.com{given}");
        let mut request = get(&given);
        let signature = sign(&with(service, WireForm::AsGiven), &mut request).unwrap();
        assert_eq!(request.uri().to_string(), given);

        let mut reference = Reference::new(service, REGION, now());
        reference.uri = format!("https://host.amazonaws.com{derived}").into();
        reference.adds_content_sha256 = service == "s3";
        assert_eq!(signature, reference.signature().unwrap(), "{given}");
    }
}

#[test]
fn refuses_a_uri_that_is_not_canonical_where_it_may_not_change_it() {
    for (service, given, part) in [
        ("bedrock", "https://h.com/a/../b", "path"),
        ("bedrock", "https://h.com/{a}", "path"),
        ("s3", "https://h.com/b/a@b", "path"),
        ("s3", "https://h.com/b/%2F", "path"),
        ("sqs", "https://h.com/?b=1&a=1", "query"),
        ("sqs", "https://h.com/?a", "query"),
        ("sqs", "https://h.com/?a=+", "query"),
        ("sqs", "https://h.com/?", ""),
        ("sqs", "https://H.com/", "authority"),
        ("sqs", "https://u@h.com/", "authority"),
        ("sqs", "https://h.com:443/", "authority"),
        ("sqs", "https://h.com/a/b%20c?a=1&b=%2F", ""),
        ("s3", "https://h.com/b//%40?list-type=2", ""),
    ] {
        let signer = with(service, WireForm::RefuseIfDifferent);
        let mut request = get(given);
        let signed = sign(&signer, &mut request);
        assert_eq!(request.uri().to_string(), given);
        if part.is_empty() {
            signed.unwrap();
            verified(&request);
        } else {
            let error = signed.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotCanonical, "{given}");
            assert!(error.to_string().contains(part), "{given}: {error}");
            assert!(request.headers().is_empty(), "{given}");
            let presigned = signer.presign(&request, hour(), &credentials(), now());
            assert_eq!(
                presigned.unwrap_err().kind(),
                ErrorKind::NotCanonical,
                "{given}"
            );
        }
    }
}

#[test]
fn a_raw_plus_is_what_the_service_or_the_program_says() {
    let overrides = |plus| SigningOverrides::new().plus(plus);
    let (literal, space) = (PlusPolicy::Literal, PlusPolicy::Space);
    for (name, service, configured, overrides, expected) in [
        ("S3", "s3", None, None, "q=a%2Bb"),
        ("S3 Express", "s3express", None, None, "q=a%2Bb"),
        ("others", "es", None, None, "q=a%20b"),
        ("S3, configured", "s3", Some(space), None, "q=a%20b"),
        ("others, configured", "es", Some(literal), None, "q=a%2Bb"),
        (
            "this request",
            "es",
            Some(space),
            Some(overrides(literal)),
            "q=a%2Bb",
        ),
    ] {
        let mut builder = Signer::builder(service, REGION);
        if let Some(plus) = configured {
            builder = builder.plus(plus);
        }
        let signer = builder.build().unwrap();
        let mut request = get("https://host.amazonaws.com/?q=a+b");
        let (payload, credentials) = (Payload::EMPTY, credentials());
        match overrides {
            None => signer.sign(&mut request, payload, &credentials, now()),
            Some(overrides) => {
                signer.sign_with(&mut request, payload, &credentials, now(), &overrides)
            }
        }
        .unwrap();
        assert_eq!(request.uri().query(), Some(expected), "{name}");
        verified(&request);
    }
}

#[test]
fn a_raw_plus_can_be_refused() {
    let signer = Signer::builder("es", REGION)
        .plus(PlusPolicy::Reject)
        .build()
        .unwrap();
    for given in ["https://h.com/?q=a+b", "https://h.com/?a+b=c"] {
        let mut request = get(given);
        let error = sign(&signer, &mut request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AmbiguousPlus, "{given}");
        assert_eq!(request.uri().to_string(), given);
        assert!(request.headers().is_empty(), "{given}");
    }
    // A plus in a path is no question of meaning, and an escaped one is clear.
    sign(&signer, &mut get("https://h.com/a+b?q=a%2Bb")).unwrap();
}

#[test]
fn rules_of_a_service_can_be_other_than_those_of_its_name() {
    for (name, rules, given, expected) in [
        (
            "S3 by another name",
            SigningRules::for_service("s3"),
            "/b//a@b",
            "/b//a%40b",
        ),
        (
            "neither normalised nor encoded twice",
            SigningRules::standard()
                .normalize_path(false)
                .double_encode_path(false),
            "/b/../a%3ab",
            "/b/../a%3Ab",
        ),
        (
            // A server that decodes first sees dot segments here.
            "normalised and encoded once",
            SigningRules::standard().double_encode_path(false),
            "/x/%2E%2e/y//@",
            "/y/%40",
        ),
        (
            "encoded twice and not normalised",
            SigningRules::standard().normalize_path(false),
            "/b//../a%3Ab",
            "/b//../a%3Ab",
        ),
    ] {
        let signer = Signer::builder("storage", REGION)
            .rules(rules.clone())
            .build()
            .unwrap();
        assert_eq!(*signer.rules(), rules);
        let mut request = get(&format!("https://host.amazonaws.com{given}"));
        let signature = sign(&signer, &mut request).unwrap();
        assert_eq!(request.uri().path(), expected, "{name}");

        let mut reference = Reference::new("storage", REGION, now());
        reference.uri = format!("https://host.amazonaws.com{expected}").into();
        reference.double_encodes = name.starts_with("encoded twice");
        reference.normalizes = false;
        reference.adds_content_sha256 = name.starts_with("S3");
        assert_eq!(signature, reference.signature().unwrap(), "{name}");
    }
}
