//! Presigned URLs of any scheme and port, with more in the signature, or less.
//!
//! Signatures are compared with those of botocore (`tests/vectors/tokens.md`) and `aws-sigv4`.

use http::HeaderValue;
use http::Request;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ErrorKind;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::PresignOptions;
use sigv4_core::SessionTokenMode;
use sigv4_core::Signer;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle::Reference;
use sigv4_tests::secrets::SESSION_TOKEN;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::signer;
use crate::token_facts;
use crate::token_facts::LONG_TERM;
use crate::token_facts::SESSION;
use crate::token_facts::both;

const FIVE_MINUTES: std::time::Duration = std::time::Duration::from_secs(300);

/// The host that is signed is the one that a client sends, which leaves out the default port of the
/// scheme. The URL leaves it out as well, so that it does not matter whether a client does.
#[test]
fn signs_the_host_that_clients_of_the_scheme_send() {
    for (authority, sent, fact) in [
        (
            "https://host.example.com",
            "https://host.example.com",
            "no port",
        ),
        (
            "https://host.example.com:443",
            "https://host.example.com",
            "no port",
        ),
        (
            "wss://host.example.com",
            "wss://host.example.com",
            "no port",
        ),
        (
            "wss://host.example.com:443",
            "wss://host.example.com",
            "no port",
        ),
        (
            "wss://host.example.com:",
            "wss://host.example.com",
            "no port",
        ),
        (
            "WSS://Host.Example.com:0443",
            "WSS://host.example.com",
            "no port",
        ),
        (
            "ws://host.example.com:80",
            "ws://host.example.com",
            "no port",
        ),
        (
            "http://host.example.com:80",
            "http://host.example.com",
            "no port",
        ),
        (
            "wss://host.example.com:80",
            "wss://host.example.com:80",
            "port 80",
        ),
        (
            "https://host.example.com:80",
            "https://host.example.com:80",
            "port 80",
        ),
        (
            "ws://host.example.com:443",
            "ws://host.example.com:443",
            "port 443",
        ),
        (
            "http://host.example.com:443",
            "http://host.example.com:443",
            "port 443",
        ),
        (
            "wss://host.example.com:8443",
            "wss://host.example.com:8443",
            "port 8443",
        ),
        (
            "http://host.example.com:8443",
            "http://host.example.com:8443",
            "port 8443",
        ),
        // Nobody knows their default ports, which are therefore written and signed.
        (
            "mysql://host.example.com:3306",
            "mysql://host.example.com:3306",
            "port 3306",
        ),
        (
            "mysql://host.example.com:443",
            "mysql://host.example.com:443",
            "port 443",
        ),
        (
            "redis+tls://host.example.com:80",
            "redis+tls://host.example.com:80",
            "port 80",
        ),
        (
            "mysql://host.example.com",
            "mysql://host.example.com",
            "no port",
        ),
    ] {
        let request = get(&format!("{authority}/s?a=b"));
        for (name, credentials) in both() {
            let presigned = signer("transcribe")
                .presign(&request, FIVE_MINUTES, &credentials, now())
                .unwrap();
            let expected = token_facts::text(&format!("presigned, {fact}"), name);
            assert_eq!(presigned.signature(), expected, "{authority}, {name}");
            let url = presigned.uri().to_string();
            assert!(url.starts_with(&format!("{sent}/s?")), "{authority}: {url}");
            let end = format!("&X-Amz-Signature={expected}");
            assert!(url.ends_with(&end), "{authority}: {url}");
            assert!(presigned.headers().is_empty(), "{authority}");
        }
    }
}

#[test]
fn signs_the_headers_that_it_is_told_to() {
    let mut request =
        get("https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15");
    let cluster = HeaderValue::from_static("my-cluster");
    request.headers_mut().insert("x-k8s-aws-id", cluster);
    let with = HeaderRules::minimal().include(HeaderMatch::exact("x-k8s-aws-id").unwrap());
    for (rules, fact, to_send) in [
        (with, "presigned, a header", &["my-cluster"][..]),
        (HeaderRules::minimal(), "presigned, no header", &[]),
    ] {
        let signer = Signer::builder("sts", REGION).headers(rules).build();
        let signer = signer.unwrap();
        for (name, credentials) in both() {
            let minute = PresignOptions::expires_in(FIVE_MINUTES / 5);
            let presigned = signer.presign(&request, minute, &credentials, now());
            let presigned = presigned.unwrap();
            assert_eq!(presigned.signature(), token_facts::text(fact, name));
            let headers: Vec<_> = presigned.headers().values().collect();
            assert_eq!(headers, to_send, "{fact}");
        }
    }
}

#[test]
fn puts_the_token_where_it_is_told_to() {
    let request = Request::post("https://bedrock.amazonaws.com/?Action=CallWithBearerToken");
    let request = request.body(()).unwrap();
    let escaped = SESSION_TOKEN
        .replace('/', "%2F")
        .replace('+', "%2B")
        .replace('=', "%3D");
    // An appended token, or none, leaves the signature of credentials without one.
    for (mode, same_as, sends) in [
        (SessionTokenMode::Signed, SESSION, true),
        (SessionTokenMode::Appended, LONG_TERM, true),
        (SessionTokenMode::Omitted, LONG_TERM, false),
    ] {
        let signer = Signer::builder("bedrock", REGION).session_token(mode);
        let signer = signer.build().unwrap();
        let presigned = signer
            .presign(&request, FIVE_MINUTES, &temporary_credentials(), now())
            .unwrap();
        let expected = token_facts::text("presigned, POST", same_as);
        assert_eq!(presigned.signature(), expected, "{mode:?}");
        let query = presigned.uri().query().unwrap();
        let token = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("X-Amz-Security-Token="));
        assert_eq!(token, sends.then_some(escaped.as_str()), "{mode:?}");
        assert_eq!(presigned.method(), "POST");
    }
}

#[test]
fn covers_the_body_of_any_scheme_and_method() {
    let body = b"Action=ListUsers&Version=2010-05-08";
    for (uri, as_http) in [
        ("https://iam.amazonaws.com/", "https://iam.amazonaws.com/"),
        ("http://127.0.0.1:4566/", "http://127.0.0.1:4566/"),
        ("wss://host:8443/a//b/../c", "https://host:8443/a//b/../c"),
        ("mysql://host:443/", "http://host:443/"),
    ] {
        for method in ["POST", "PUT", "GET"] {
            for covered in [&b""[..], body] {
                let mut reference = Reference::new("iam", REGION, now());
                reference.method = method;
                reference.uri = as_http.into();
                reference.body = Body::Bytes(covered);
                reference.expires_in = Some(hour());

                let request = Request::builder().method(method).uri(uri);
                let request = request.body(()).unwrap();
                let mut options = PresignOptions::expires_in(hour());
                if !covered.is_empty() {
                    options = options.payload_sha256(Sha256::digest(covered).into());
                }
                let presigned = signer("iam").presign(&request, options, &credentials(), now());
                let presigned = presigned.unwrap();
                let expected = reference.signature().unwrap();
                assert_eq!(presigned.signature(), expected, "{method} {uri}");
            }
        }
    }
}

#[test]
fn is_bounded_by_the_credentials_under_any_scheme() {
    let credentials = temporary_credentials().with_expiry(now() + FIVE_MINUTES);
    for uri in [
        "wss://host:8443/",
        "mysql://host:3306/",
        "http://host:8182/",
    ] {
        let signer = signer("neptune-db");
        let refused = signer.presign(&get(uri), hour(), &credentials, now());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Expiry, "{uri}");
        let clamped = PresignOptions::expires_in(hour()).clamp_to_credentials();
        let presigned = signer.presign(&get(uri), clamped, &credentials, now());
        let presigned = presigned.unwrap();
        assert_eq!(presigned.expires_at(), now() + FIVE_MINUTES, "{uri}");
        assert!(
            presigned
                .uri()
                .query()
                .unwrap()
                .contains("X-Amz-Expires=300&")
        );
    }
}
