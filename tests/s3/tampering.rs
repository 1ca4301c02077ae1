//! A request that is changed on its way is refused, and what is stored stays as it is.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::Uri;
use sigv4_core::Credentials;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_tests::secrets;

use crate::server::BUCKET;
use crate::server::Server;
use crate::server::credentials;
use crate::server::now;
use crate::server::presigned;
use crate::server::sign;
use crate::server::signer;

const CONTENT: &str = "what is stored";

async fn with_object() -> (Server, String) {
    let server = Server::start().await;
    let target = format!("/{BUCKET}/a@b");
    let answer = server
        .send_signed(server.request("PUT", &target, CONTENT))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    (server, target)
}

async fn is_unchanged(server: &Server, target: &str) {
    let answer = server.send_signed(server.request("GET", target, "")).await;
    assert_eq!(answer.body, CONTENT);
}

fn signed_put(server: &Server, target: &str) -> Request<Bytes> {
    let mut request = server.request("PUT", target, "another content");
    let headers = request.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    headers.insert("x-amz-meta-a", HeaderValue::from_static("1"));
    sign(&mut request);
    request
}

fn set(request: &mut Request<Bytes>, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).unwrap();
    request.headers_mut().insert(name, value);
}

/// Replaces a part of a header's value, which has to be there.
fn forge(request: &mut Request<Bytes>, name: &'static str, from: &str, to: &str) {
    let value = request.headers()[name].to_str().unwrap().to_owned();
    assert!(value.contains(from), "{from} is in {name}");
    set(request, name, &value.replacen(from, to, 1));
}

/// Replaces a part of the path and query, which has to be there.
fn redirect(request: &mut Request<Bytes>, from: &str, to: &str) {
    let uri = request.uri().to_string();
    assert!(uri.contains(from), "{from} is in the URI");
    *request.uri_mut() = uri.replacen(from, to, 1).parse::<Uri>().unwrap();
}

/// Another digit at the end of a signature.
fn other_last_digit(signature: &str) -> String {
    let (start, last) = signature.split_at(signature.len() - 1);
    format!("{start}{}", if last == "0" { "1" } else { "0" })
}

type Tamper = fn(&mut Request<Bytes>);

#[tokio::test]
async fn with_a_signed_request_is_refused() {
    const MISMATCH: &str = "SignatureDoesNotMatch";
    let (server, target) = with_object().await;
    let cases: [(&str, &str, Tamper); 16] = [
        ("the path", MISMATCH, |r| redirect(r, "a%40b", "a%40c")),
        ("an escape", MISMATCH, |r| redirect(r, "a%40b", "a%41b")),
        ("a query", MISMATCH, |r| redirect(r, "a%40b", "a%40b?acl")),
        ("the method", MISMATCH, |r| *r.method_mut() = Method::DELETE),
        ("a header of S3", MISMATCH, |r| set(r, "x-amz-meta-a", "2")),
        ("the content type", MISMATCH, |r| {
            set(r, "content-type", "text/html");
        }),
        ("another value", MISMATCH, |r| {
            let value = HeaderValue::from_static("2");
            r.headers_mut().append("x-amz-meta-a", value);
        }),
        ("a signed header away", MISMATCH, |r| {
            r.headers_mut().remove("x-amz-meta-a");
        }),
        ("the hash of the body", MISMATCH, |r| {
            set(r, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        }),
        ("the host", MISMATCH, |r| set(r, "host", "localhost")),
        ("the second", MISMATCH, |r| {
            // The last digit before the Z.
            let date = r.headers()["x-amz-date"].to_str().unwrap().to_owned();
            let other = other_last_digit(&date[..15]);
            set(r, "x-amz-date", &format!("{other}Z"));
        }),
        ("the day", "RequestTimeTooSkewed", |r| {
            let date = r.headers()["x-amz-date"].to_str().unwrap()[..8].to_owned();
            forge(r, "x-amz-date", &date, "20200101");
            forge(r, "authorization", &date, "20200101");
        }),
        ("the access key id", "NotSignedUp", |r| {
            forge(r, "authorization", "AKIDEXAMPLE", "AKIDOTHER");
        }),
        ("the region", MISMATCH, |r| {
            forge(r, "authorization", "us-east-1", "us-west-1");
        }),
        ("the signed headers", MISMATCH, |r| {
            forge(r, "authorization", ";x-amz-meta-a", "");
        }),
        ("the signature", MISMATCH, |r| {
            let value = r.headers()["authorization"].to_str().unwrap().to_owned();
            let (_, signature) = value.rsplit_once("Signature=").unwrap();
            forge(r, "authorization", signature, &other_last_digit(signature));
        }),
    ];
    for (name, code, tamper) in cases {
        let mut request = signed_put(&server, &target);
        tamper(&mut request);
        let answer = server.send(request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {answer:?}");
        assert_eq!(answer.code().as_deref(), Some(code), "{name}");
        is_unchanged(&server, &target).await;
    }
    // And without any change it is accepted.
    let answer = server.send(signed_put(&server, &target)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// The hash that is signed is compared with that of the body as it is read.
#[tokio::test]
async fn with_a_body_is_refused() {
    let (server, target) = with_object().await;
    for body in ["another-content", "another content!", ""] {
        let request = signed_put(&server, &target).map(|_| Bytes::from_static(body.as_bytes()));
        let answer = server.send(request).await;
        let is_error = answer.status.is_client_error() || answer.status.is_server_error();
        assert!(is_error, "{body}: {answer:?}");
        is_unchanged(&server, &target).await;
    }
}

#[tokio::test]
async fn with_a_presigned_url_is_refused() {
    let (server, target) = with_object().await;
    let cases: [(&str, Tamper); 12] = [
        ("the path", |r| redirect(r, "a%40b", "a%40c")),
        ("the lifetime", |r| {
            redirect(r, "X-Amz-Expires=60", "X-Amz-Expires=600");
        }),
        ("the access key id", |r| {
            redirect(r, "AKIDEXAMPLE", "AKIDOTHER");
        }),
        ("the region", |r| redirect(r, "us-east-1", "us-west-1")),
        ("the service", |r| redirect(r, "%2Fs3%2F", "%2Fsts%2F")),
        ("the signed headers", |r| redirect(r, "x-amz-meta-a%3B", "")),
        ("a parameter", |r| redirect(r, "versionId=1", "versionId=2")),
        ("another parameter", |r| {
            redirect(r, "versionId=1", "versionId=1&acl=");
        }),
        ("the method", |r| *r.method_mut() = Method::DELETE),
        ("a header", |r| set(r, "x-amz-meta-a", "2")),
        ("the host", |r| set(r, "host", "localhost")),
        ("the signature", |r| {
            let uri = r.uri().to_string();
            let (_, signature) = uri.rsplit_once("X-Amz-Signature=").unwrap();
            redirect(r, signature, &other_last_digit(signature));
        }),
    ];
    let put = || {
        let mut request = server.request("PUT", &format!("{target}?versionId=1"), "another");
        set(&mut request, "x-amz-meta-a", "1");
        set(&mut request, "x-amz-meta-b", "1");
        presigned(&request)
    };
    for (name, tamper) in cases {
        let mut request = put();
        tamper(&mut request);
        let answer = server.send(request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {answer:?}");
        is_unchanged(&server, &target).await;
    }
    let answer = server.send(put()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn nothing_else_than_the_right_secret_and_time_is_accepted() {
    let (server, target) = with_object().await;
    let other_secret = Credentials::new(secrets::ACCESS_KEY_ID, "another secret").unwrap();
    let other_region = Signer::builder("s3", "eu-central-1").build().unwrap();
    let day = Duration::from_secs(86_400);
    for (name, signer, credentials, time, expected) in [
        (
            "another secret",
            signer(),
            &other_secret,
            now(),
            "SignatureDoesNotMatch",
        ),
        (
            "yesterday",
            signer(),
            &credentials(),
            now() - day,
            "RequestTimeTooSkewed",
        ),
        (
            "tomorrow",
            signer(),
            &credentials(),
            now() + day,
            "RequestTimeTooSkewed",
        ),
        ("the right one", signer(), &credentials(), now(), ""),
        ("any region", other_region, &credentials(), now(), ""),
    ] {
        let mut request = server.request("GET", &target, "");
        signer
            .sign(&mut request, Payload::EMPTY, credentials, time)
            .unwrap();
        let answer = server.send(request).await;
        let code = answer.code().unwrap_or_default();
        assert_eq!(code, expected, "{name}: {answer:?}");
        assert_eq!(answer.is_refused(), !expected.is_empty(), "{name}");
    }

    let unsigned = server.request("GET", &target, "");
    assert!(server.send(unsigned).await.is_refused());

    let request = server.request("GET", &target, "");
    let lifetime = Duration::from_secs(60);
    let ended = signer()
        .presign(&request, lifetime, &credentials(), now() - 2 * lifetime)
        .unwrap();
    let url = ended.uri().path_and_query().unwrap().to_string();
    let answer = server.send(server.request("GET", &url, "")).await;
    assert_eq!(answer.code().as_deref(), Some("AccessDenied"));
}
