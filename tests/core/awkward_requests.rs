//! Requests that `http` lets through and that other signers panic at: each is signed as AWS expects
//! or refused with an error that names the part, and then it is as it was.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use sigv4_core::Error;
use sigv4_core::ErrorKind;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::WireForm;
use sigv4_tests::oracle;
use sigv4_tests::secrets;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::signer;
use crate::fixture::verified;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Signs, and checks that a request that was refused is as it was.
fn sign(service: &str, request: &mut Request<()>) -> Result<String, Error> {
    let before = request.clone();
    let signed = signer(service).sign(request, Payload::EMPTY, &credentials(), now());
    if signed.is_err() {
        assert_eq!(request.method(), before.method());
        assert_eq!(request.uri().to_string(), before.uri().to_string());
        assert_eq!(request.headers(), before.headers());
    }
    signed.map(|signed| signed.signature().unwrap().to_owned())
}

fn with_host(uri: &str, hosts: &[&[u8]]) -> Request<()> {
    let mut request = get(uri);
    for host in hosts {
        let host = HeaderValue::from_bytes(host).unwrap();
        request.headers_mut().append("host", host);
    }
    request
}

#[test]
fn targets_that_name_no_resource_are_refused() {
    for (name, method, uri) in [
        ("asterisk form", Method::OPTIONS, "*"),
        ("asterisk form of any method", Method::GET, "*"),
        ("authority form", Method::CONNECT, "host.com:443"),
        ("authority form of any method", Method::GET, "host.com:443"),
        (
            "a tunnel with a path",
            Method::CONNECT,
            "https://host.com/path",
        ),
    ] {
        for service in ["sqs", "s3"] {
            let mut request = with_host(uri, &[b"host.com"]);
            *request.method_mut() = method.clone();
            let error = sign(service, &mut request).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RequestTarget, "{name}");
            let payload = Payload::EMPTY;
            let traced = signer(service).trace(&request, payload, &credentials(), now());
            assert_eq!(
                traced.unwrap_err().kind(),
                ErrorKind::RequestTarget,
                "{name}"
            );
            let presigned = signer(service).presign(&request, hour(), &credentials(), now());
            assert_eq!(
                presigned.unwrap_err().kind(),
                ErrorKind::RequestTarget,
                "{name}"
            );
        }
    }
}

#[test]
fn an_origin_form_is_signed_with_its_host_header_or_not_at_all() {
    let mut request = with_host("/a/b?c", &[b"host.amazonaws.com:8443"]);
    sign("sqs", &mut request).unwrap();
    verified(&request);
    assert_eq!(request.uri().to_string(), "/a/b?c=");

    let error = sign("sqs", &mut get("/a/b")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingHost);
}

#[test]
fn a_host_header_is_signed_as_it_is() {
    for (uri, host) in [
        ("https://dialled.com/", "Signed.COM"),
        ("https://dialled.com/", "signed.com:443"),
        ("/", "[::1]:9000"),
        ("/", "signed.com"),
        ("/", " \tsigned.com  "),
    ] {
        let mut request = with_host(uri, &[host.as_bytes()]);
        let trace = signer("sqs")
            .trace(&request, Payload::EMPTY, &credentials(), now())
            .unwrap();
        let line = format!("\nhost:{}\n", host.trim());
        assert!(trace.canonical_request().contains(&line), "{host}");
        sign("sqs", &mut request).unwrap();
        verified(&request);
        assert_eq!(request.headers()["host"], host);
    }
}

#[test]
fn a_host_header_that_is_none_is_refused() {
    for hosts in [
        &[&b""[..]][..],
        &[b" "],
        &[b"a b"],
        &[b"user@host"],
        &[b"host/path"],
        &[b"host?query"],
        &[b"h\xff"],
        &["höst".as_bytes()],
        &[b"a,b\\c"],
        &[b"a", b"a"],
        &[b"a", b"b"],
    ] {
        let error = sign("sqs", &mut with_host("https://h.com/", hosts)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidHost, "{hosts:?}");
    }
}

/// `http` takes for a port what no client does.
#[test]
fn a_port_that_is_none_is_refused() {
    for uri in [
        "https://h.com:99999/",
        "https://h.com:x/",
        "https://u:1@h.com:+443/",
    ] {
        let error = sign("sqs", &mut get(uri)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidHost, "{uri}");
        let presigned = signer("s3").presign(&get(uri), hour(), &credentials(), now());
        assert_eq!(
            presigned.unwrap_err().kind(),
            ErrorKind::InvalidHost,
            "{uri}"
        );
    }
}

/// `aws-sigv4` takes headers as text only, so that the canonical request is written out here.
#[test]
fn header_values_that_are_not_text_are_signed_as_octets() {
    for value in [
        &b"caf\xe9"[..],
        b"\xff\xfe",
        "ünïcødé ✓".as_bytes(),
        b"\x80",
    ] {
        let mut request = get("https://sqs.us-east-1.amazonaws.com/");
        let header = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().insert("x-amz-meta-a", header);
        let mut canonical = Vec::new();
        canonical.extend_from_slice(
            b"GET\n/\n\nhost:sqs.us-east-1.amazonaws.com\nx-amz-date:20150830T123600Z\nx-amz-meta-a:",
        );
        canonical.extend_from_slice(value);
        canonical.extend_from_slice(b"\n\nhost;x-amz-date;x-amz-meta-a\n");
        canonical.extend_from_slice(EMPTY.as_bytes());

        let trace = signer("sqs")
            .trace(&request, Payload::EMPTY, &credentials(), now())
            .unwrap();
        assert_eq!(trace.canonical_request_bytes(), canonical, "{value:?}");
        let expected = oracle::signature_of_canonical_request(
            &canonical,
            secrets::SECRET_ACCESS_KEY,
            ("20150830", "123600"),
            REGION,
            "sqs",
        );
        assert_eq!(sign("sqs", &mut request).unwrap(), expected, "{value:?}");
    }
}

/// `aws-sigv4` replaces escapes that are not UTF-8, so that the canonical request is written out.
#[test]
fn queries_that_are_not_text_are_signed_as_octets() {
    let mut request = get("https://sqs.us-east-1.amazonaws.com/?b=%e9&%ff%FE=a");
    let canonical = format!(
        "GET\n/\n%FF%FE=a&b=%E9\nhost:sqs.us-east-1.amazonaws.com\n\
         x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n{EMPTY}"
    );
    let expected = oracle::signature_of_canonical_request(
        canonical.as_bytes(),
        secrets::SECRET_ACCESS_KEY,
        ("20150830", "123600"),
        REGION,
        "sqs",
    );
    assert_eq!(sign("sqs", &mut request).unwrap(), expected);
    assert_eq!(request.uri().query(), Some("%FF%FE=a&b=%E9"));
}

#[test]
fn empty_and_repeated_values_are_signed() {
    let mut request = get("https://sqs.us-east-1.amazonaws.com/?a&a=&a=1&=");
    let headers = request.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(""));
    for number in 0..40 {
        let value = HeaderValue::from(number % 3);
        headers.append("x-amz-meta-many", value);
    }
    sign("sqs", &mut request).unwrap();
    verified(&request);
}

#[test]
fn methods_are_signed_as_they_are_spelled() {
    for method in ["get", "M-SEARCH", "PROPFIND", "!#$%&'*+-.^_`|~"] {
        let mut request = get("https://sqs.us-east-1.amazonaws.com/");
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        sign("sqs", &mut request).unwrap();
        verified(&request);
    }
}

#[test]
fn hundreds_of_headers_are_signed() {
    let mut request = get("https://sqs.us-east-1.amazonaws.com/");
    for number in 0..600 {
        let name: HeaderName = format!("x-amz-meta-{:03}", (number * 7) % 600)
            .parse()
            .unwrap();
        request
            .headers_mut()
            .append(name, HeaderValue::from(number));
    }
    sign("sqs", &mut request).unwrap();
    assert_eq!(verified(&request).signed_headers.len(), 602);
}

/// One header with so many values that the map counts more headers than it has room for names.
#[test]
fn many_values_of_one_header_are_signed() {
    for count in [1, 2, 6, 7, 8, 13, 100, 5_000] {
        let mut request = get("https://sqs.us-east-1.amazonaws.com/");
        for number in 0..count {
            let value = HeaderValue::from(number);
            request.headers_mut().append("x-custom", value);
        }
        sign("sqs", &mut request).unwrap();
        verified(&request);
    }
}

/// As many headers of different names as are asked for, or as a map takes.
fn headers(count: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for number in 0..count {
        let name: HeaderName = format!("x-{number}").parse().unwrap();
        if headers.try_append(name, HeaderValue::from(number)).is_err() {
            break;
        }
    }
    headers
}

/// A map that is full panics when something is added to it, and one that is nearly full may.
#[test]
fn more_headers_than_a_map_can_safely_take_more_of_are_refused() {
    let signer = Signer::builder("s3", REGION)
        .headers(HeaderRules::all_but_never_signed())
        .build()
        .unwrap();
    let (payload, credentials) = (Payload::EMPTY, temporary_credentials());
    for (count, expected) in [
        (6_000, None),
        (6_001, Some(ErrorKind::TooManyHeaders)),
        (24_572, Some(ErrorKind::TooManyHeaders)),
        (usize::MAX, Some(ErrorKind::TooManyHeaders)),
    ] {
        let mut request = get("https://s3.us-east-1.amazonaws.com/b/a@b");
        *request.headers_mut() = headers(count);
        let before = request.clone();
        let presigned = signer.presign(&request, hour(), &credentials, now());
        assert_eq!(
            presigned.err().map(|error| error.kind()),
            expected,
            "{count}"
        );
        let traced = signer.trace(&request, payload, &credentials, now());
        assert_eq!(traced.err().map(|error| error.kind()), expected, "{count}");
        let signed = signer.sign(&mut request, payload, &credentials, now());
        assert_eq!(signed.err().map(|error| error.kind()), expected, "{count}");
        if expected.is_none() {
            verified(&request);
        } else {
            assert_eq!(request.headers(), before.headers(), "{count}");
            assert_eq!(request.uri().path(), "/b/a@b", "{count}");
        }
    }
    assert!(headers(usize::MAX).len() > 24_000);
}

#[test]
fn a_canonical_target_that_does_not_fit_into_a_uri_is_refused() {
    let braces = "{".repeat(60_000);
    let plain = "a".repeat(65_400);
    for (name, service, uri) in [
        ("path", "sqs", format!("https://h.com/{braces}")),
        ("key", "s3", format!("https://h.com/{braces}")),
        ("query", "sqs", format!("https://h.com/?{braces}")),
    ] {
        let mut request = get(&uri);
        let error = sign(service, &mut request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestTarget, "{name}");
        // Nobody has to send it where the URI stays as it is.
        let signer = Signer::builder(service, REGION)
            .wire_form(WireForm::AsGiven)
            .build()
            .unwrap();
        signer
            .sign(&mut request, Payload::EMPTY, &credentials(), now())
            .unwrap();
    }
    let request = get(&format!("https://h.com/{plain}"));
    let error = signer("s3")
        .presign(&request, hour(), &credentials(), now())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestTarget);
}

#[test]
fn times_that_a_signature_cannot_name_are_refused() {
    let sign_at = |time: SystemTime| {
        let mut request = get("https://h.com/");
        let signed = signer("sqs").sign(&mut request, Payload::EMPTY, &credentials(), time);
        assert_eq!(signed.is_err(), request.headers().is_empty());
        signed.map(|_| request).map_err(|error| error.kind())
    };
    let after = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(
        verified(&sign_at(UNIX_EPOCH).unwrap()).date,
        "19700101T000000Z"
    );
    let last = after(253_402_300_799);
    assert_eq!(verified(&sign_at(last).unwrap()).date, "99991231T235959Z");
    let fraction = now() + Duration::from_millis(999);
    let signed = signer("sqs")
        .sign(
            &mut get("https://h.com/"),
            Payload::EMPTY,
            &credentials(),
            fraction,
        )
        .unwrap();
    assert_eq!(signed.signing_time(), now());
    let before = UNIX_EPOCH - Duration::from_nanos(1);
    for time in [before, last + Duration::from_secs(1)] {
        assert_eq!(sign_at(time).unwrap_err(), ErrorKind::Time);
    }
}

#[test]
fn a_uri_that_is_put_together_from_parts_is_signed() {
    for target in ["/", "/a?b=1", "?b=1", "/?"] {
        let uri = Uri::builder()
            .scheme("https")
            .authority("sqs.us-east-1.amazonaws.com")
            .path_and_query(target)
            .build()
            .unwrap();
        let mut request = Request::get(uri).body(()).unwrap();
        sign("sqs", &mut request).unwrap();
        verified(&request);
    }
}
