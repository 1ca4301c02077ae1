//! What people may read of public values holds no secret: neither the secret key, nor the session
//! token, nor a signature, nor the query of a presigned URL.

use std::error::Error as StdError;
use std::fmt::Debug;

use aws_sigv4::sign::v4a::generate_signing_key;
use http::HeaderValue;
use http::Request;
use sigv4_core::Credentials;
use sigv4_core::ErrorKind;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::PayloadMode;
use sigv4_core::PlusPolicy;
use sigv4_core::PresignOptions;
use sigv4_core::RequestHead;
use sigv4_core::SessionTokenMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::SigningRules;
use sigv4_core::WireForm;
use sigv4_tests::secrets::ACCESS_KEY_ID;
use sigv4_tests::secrets::SECRET_ACCESS_KEY;
use sigv4_tests::secrets::SESSION_TOKEN;
use sigv4_tests::secrets::assert_no_secret;
use sigv4_tests::secrets::assert_no_secret_nor;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::BACKENDS;
use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::sent;
use crate::fixture::signer;

const URL: &str = "https://bucket.s3.us-east-1.amazonaws.com/key";

fn debug(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}")
}

/// An error with all its causes, as a log would have it.
fn in_full(error: &impl StdError) -> String {
    let mut text = format!("{error}\n{}", debug(error));
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("\n{cause}\n{cause:?}"));
        source = cause.source();
    }
    text
}

#[test]
fn of_what_signs() {
    let credentials = temporary_credentials().with_expiry(now() + hour());
    // The derived key is there too.
    signer("s3")
        .sign(&mut get(URL), Payload::EMPTY, &credentials, now())
        .unwrap();
    let text = debug(&credentials);
    assert_no_secret(&text);
    assert!(text.contains("AKIDEXAMPLE"));

    let rules = HeaderRules::minimal().include(HeaderMatch::exact("accept").unwrap());
    let builder = Signer::builder("s3", REGION).headers(rules.clone());
    let overrides = SigningOverrides::new().payload(PayloadMode::Hashed);
    for text in [
        debug(&builder),
        debug(&builder.build().unwrap()),
        debug(&rules),
        debug(&SigningRules::standard()),
        debug(&overrides),
        debug(&PresignOptions::expires_in(hour())),
        debug(&Payload::Bytes(SECRET_ACCESS_KEY.as_bytes())),
    ] {
        assert_no_secret(&text);
    }
}

#[test]
fn of_a_request_that_was_signed() {
    for service in ["s3", "s3express", "iotdevicegateway"] {
        let mut request = get(URL);
        let signed = signer(service)
            .sign(
                &mut request,
                Payload::EMPTY,
                &temporary_credentials(),
                now(),
            )
            .unwrap();
        let signature = signed.signature().unwrap();
        for text in [
            debug(&signed),
            debug(&request),
            debug(request.headers()),
            debug(&request.headers().get("authorization")),
        ] {
            assert_no_secret_nor(&text, &[signature]);
        }
        assert_eq!(
            format!("{:?}", request.headers()["authorization"]),
            "Sensitive"
        );
        let (mut parts, ()) = request.into_parts();
        let head = RequestHead::new(&parts.method, &mut parts.uri, &mut parts.headers);
        assert_no_secret_nor(&debug(&head), &[signature]);
    }
}

#[test]
fn of_a_presigned_url() {
    for mode in [SessionTokenMode::Signed, SessionTokenMode::Appended] {
        let signer = Signer::builder("s3", REGION)
            .session_token(mode)
            .build()
            .unwrap();
        let mut request = get(URL);
        let key = HeaderValue::from_static(SECRET_ACCESS_KEY);
        let name = "x-amz-server-side-encryption-customer-key";
        request.headers_mut().insert(name, key);
        let presigned = signer
            .presign(&request, hour(), &temporary_credentials(), now())
            .unwrap();
        let url = presigned.uri().to_string();
        let (_, signature) = url.rsplit_once("X-Amz-Signature=").unwrap();
        let text = debug(&presigned);
        assert_no_secret_nor(&text, &[signature]);
        assert!(!text.contains("X-Amz-"), "{text}");
        assert!(!text.contains("/key"), "{text}");
        assert!(
            text.contains("x-amz-server-side-encryption-customer-key"),
            "{text}"
        );
    }
}

/// The private key of SigV4A is as secret as what it is derived from.
#[test]
fn of_what_signs_with_sigv4a() {
    for backend in BACKENDS {
        let builder = Signer::builder("s3", "*").sigv4a(backend);
        let signer = builder.clone().build().unwrap();
        let credentials = temporary_credentials();
        let mut request = get(URL);
        let signed = signer
            .sign(&mut request, Payload::EMPTY, &credentials, now())
            .unwrap();
        let signature = signed.signature().unwrap();
        let presigned = signer
            .presign(&get(URL), hour(), &credentials, now())
            .unwrap();
        let url = presigned.uri().to_string();
        let (_, in_url) = url.rsplit_once("X-Amz-Signature=").unwrap();
        let overrides = SigningOverrides::new().region_set("us-*").unwrap();
        let header = signer.trace(&get(URL), Payload::EMPTY, &credentials, now());
        let query = signer.trace_presign(&get(URL), hour(), &credentials, now());
        let (header, query) = (header.unwrap(), query.unwrap());
        let private = generate_signing_key(ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        let private: String = private.as_ref()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        for text in [
            debug(&backend),
            debug(&builder),
            debug(&signer),
            debug(&credentials),
            debug(&overrides),
            debug(&signed),
            debug(&request),
            debug(&presigned),
            debug(&header),
            debug(&query),
            header.to_string(),
            query.to_string(),
            in_full(
                &Signer::builder("s3", SESSION_TOKEN)
                    .sigv4a(backend)
                    .build()
                    .unwrap_err(),
            ),
            in_full(
                &SigningOverrides::new()
                    .region_set(SECRET_ACCESS_KEY)
                    .unwrap_err(),
            ),
        ] {
            assert_no_secret_nor(&text, &[signature, in_url]);
            assert!(!text.to_lowercase().contains(&private), "{text}");
        }
        let error = self::signer("s3")
            .sign_with(
                &mut request,
                Payload::EMPTY,
                &credentials,
                now(),
                &overrides,
            )
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RegionSet);
        assert_no_secret_nor(&in_full(&error), &[signature]);
    }
}

/// A URL that someone else presigned, and that is handed in to be signed anew.
#[test]
fn of_the_head_of_a_request_whose_url_is_presigned() {
    let presigned = signer("s3")
        .presign(&get(URL), hour(), &temporary_credentials(), now())
        .unwrap();
    let url = presigned.uri().to_string();
    let (_, signature) = url.rsplit_once("X-Amz-Signature=").unwrap();
    let (mut parts, ()) = sent(&presigned).into_parts();
    let head = RequestHead::new(&parts.method, &mut parts.uri, &mut parts.headers);
    assert_no_secret_nor(&debug(&head), &[signature]);
}

#[test]
fn of_a_trace_that_is_displayed() {
    let keys = [
        "x-amz-server-side-encryption-customer-key",
        "x-amz-copy-source-server-side-encryption-customer-key",
    ];
    for service in ["s3", "s3express", "sqs", "iotdevicegateway"] {
        let mut request = get(&format!("{URL}?prefix=a"));
        for name in keys {
            let key = HeaderValue::from_static(SECRET_ACCESS_KEY);
            request.headers_mut().insert(name, key);
        }
        let signer = signer(service);
        let credentials = temporary_credentials();
        let mut signed = request.clone();
        let signature = signer
            .sign(&mut signed, Payload::EMPTY, &credentials, now())
            .unwrap();
        let header = signer
            .trace(&request, Payload::EMPTY, &credentials, now())
            .unwrap();
        let query = signer
            .trace_presign(&request, hour(), &credentials, now())
            .unwrap();
        for trace in [&header, &query] {
            for text in [
                trace.to_string(),
                debug(trace),
                trace.string_to_sign().to_owned(),
            ] {
                assert_no_secret_nor(&text, &[signature.signature().unwrap()]);
            }
            // What is not secret is still there to be read.
            let text = trace.to_string();
            assert!(text.contains("prefix=a"), "{text}");
            assert!(
                text.contains("\nhost:bucket.s3.us-east-1.amazonaws.com\n"),
                "{text}"
            );
            assert!(text.ends_with(trace.string_to_sign()), "{text}");
        }
        // The methods do not redact: that is what they are for.
        if service != "iotdevicegateway" {
            assert!(
                header.canonical_request().contains(SESSION_TOKEN),
                "{service}"
            );
        }
    }
}

/// What a program marks as sensitive is not for people either, nor are cookies and codes.
#[test]
fn of_the_headers_of_a_trace_that_are_sensitive() {
    let signer = Signer::builder("s3", REGION)
        .headers(HeaderRules::all_but_never_signed())
        .build()
        .unwrap();
    let mut request = get(URL);
    for name in ["cookie", "x-amz-mfa", "x-api-key"] {
        let mut value = HeaderValue::from_static(SECRET_ACCESS_KEY);
        value.set_sensitive(name == "x-api-key");
        request.headers_mut().insert(name, value);
    }
    let credentials = temporary_credentials();
    for trace in [
        signer.trace(&request, Payload::EMPTY, &credentials, now()),
        signer.trace_presign(&request, hour(), &credentials, now()),
    ] {
        let trace = trace.unwrap();
        assert_no_secret(&trace.to_string());
        assert_no_secret(&debug(&trace));
        assert!(trace.canonical_request().contains(SECRET_ACCESS_KEY));
    }
}

#[test]
fn of_every_error() {
    let token = SESSION_TOKEN;
    let mut texts = Vec::new();
    for error in [
        Credentials::new("", SECRET_ACCESS_KEY).unwrap_err(),
        Credentials::new("AKID", format!("{SECRET_ACCESS_KEY}\n")).unwrap_err(),
        Credentials::new(SECRET_ACCESS_KEY, "").unwrap_err(),
        credentials()
            .with_session_token(format!("{token} "))
            .unwrap_err(),
        credentials()
            .with_session_token(format!("{token}\n{token}"))
            .unwrap_err(),
        Signer::builder(SECRET_ACCESS_KEY, REGION)
            .build()
            .unwrap_err(),
        Signer::builder("s3", SECRET_ACCESS_KEY)
            .build()
            .unwrap_err(),
        Signer::builder("s3", format!("{token},*"))
            .build()
            .unwrap_err(),
        SigningOverrides::new()
            .service(SECRET_ACCESS_KEY)
            .unwrap_err(),
        HeaderMatch::exact(SECRET_ACCESS_KEY).unwrap_err(),
    ] {
        texts.push(in_full(&error));
    }

    let with = |uri: &str, headers: &[(&'static str, &str)]| {
        let mut request = get(uri);
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request
    };
    let query = format!("token={token}&key={SECRET_ACCESS_KEY}");
    let braces = "{".repeat(40_000);
    let cases: [(ErrorKind, Request<()>); 10] = [
        (ErrorKind::RequestTarget, get("*")),
        (
            ErrorKind::RequestTarget,
            get(&format!("{URL}{braces}?{query}")),
        ),
        (ErrorKind::MissingHost, get(&format!("/?{query}"))),
        (
            ErrorKind::InvalidHost,
            with("/", &[("host", &format!("{token}@{token}/"))]),
        ),
        (
            ErrorKind::InvalidHost,
            with("/", &[("host", token), ("host", token)]),
        ),
        (ErrorKind::AmbiguousPlus, get(&format!("{URL}?{query}"))),
        (
            ErrorKind::NotCanonical,
            get(&format!("{URL}?b=%2F&a={token}").replace('+', "")),
        ),
        (
            ErrorKind::ExistingAuthorization,
            with(URL, &[("authorization", token)]),
        ),
        (
            ErrorKind::ExistingAuthorization,
            get(&format!("{URL}?X-Amz-Signature=1")),
        ),
        (ErrorKind::Payload, get(URL)),
    ];
    for (kind, request) in cases {
        let wire = match kind {
            ErrorKind::NotCanonical | ErrorKind::ExistingAuthorization => {
                WireForm::RefuseIfDifferent
            }
            _ => WireForm::Canonical,
        };
        let plus = match kind {
            ErrorKind::AmbiguousPlus => PlusPolicy::Reject,
            _ => PlusPolicy::Space,
        };
        let payload = match kind {
            ErrorKind::Payload => Payload::Unsigned,
            _ => Payload::EMPTY,
        };
        let signer = Signer::builder("sqs", REGION)
            .wire_form(wire)
            .plus(plus)
            .build()
            .unwrap();
        let mut request = request;
        let error = signer
            .sign(&mut request, payload, &temporary_credentials(), now())
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        texts.push(in_full(&error));
    }
    let ended = temporary_credentials().with_expiry(now());
    for credentials in [ended.clone(), ended.with_expiry(now() + hour() / 2)] {
        let error = signer("s3")
            .presign(&get(URL), hour(), &credentials, now())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expiry);
        texts.push(in_full(&error));
    }
    for text in texts {
        assert_no_secret(&text);
        assert!(!text.contains("token="), "{text}");
    }
}
