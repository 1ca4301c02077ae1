//! Any path: its canonical form means the same, is a fixed point, and is what was signed.

#![no_main]

use http::Request;
use http::Uri;
use libfuzzer_sys::fuzz_target;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::WireForm;
use sigv4_fuzz::credentials;
use sigv4_fuzz::decoded;
use sigv4_fuzz::is_encoded;
use sigv4_fuzz::noon;

fuzz_target!(|path: &[u8]| {
    let uri = [b"https://example.com/", path].concat();
    let Ok(uri) = Uri::try_from(uri.as_slice()) else {
        return;
    };
    if uri.query().is_some() {
        return;
    }
    for service in ["s3", "execute-api"] {
        let (canonical, signature) = sign(service, WireForm::Canonical, &uri);
        assert!(
            is_legal(canonical.path()),
            "what is sent is legal: {canonical}"
        );
        for wire in [
            WireForm::Canonical,
            WireForm::AsGiven,
            WireForm::RefuseIfDifferent,
        ] {
            let (again, same) = sign(service, wire, &canonical);
            assert_eq!(again, canonical, "a canonical form is a fixed point");
            assert_eq!(same, signature, "what is sent is what was signed");
        }

        if service == "s3" {
            assert_eq!(
                decoded(canonical.path()),
                decoded(uri.path()),
                "the key is the same"
            );
            assert!(canonical.path().split('/').all(is_encoded), "{canonical}");
            let (_, same) = sign(service, WireForm::AsGiven, &uri);
            assert_eq!(same, signature, "a key has one canonical form");
        } else {
            let mut segments = canonical.path()[1..].split('/').rev();
            let last = segments.next();
            assert!(
                segments.all(|segment| !matches!(segment, "" | "." | ".."))
                    && !matches!(last, Some("." | "..")),
                "no segment is empty or dots: {canonical}"
            );
        }
    }
});

fn sign(service: &str, wire: WireForm, uri: &Uri) -> (Uri, String) {
    let signer = Signer::builder(service, "us-east-1")
        .wire_form(wire)
        .build()
        .expect("service and region are names");
    let mut request = Request::new(());
    *request.uri_mut() = uri.clone();
    let signed = signer
        .sign(&mut request, Payload::EMPTY, &credentials(false), noon())
        .expect("every path can be signed");
    let signature = signed.signature().expect("it was signed");
    (request.uri().clone(), signature.to_owned())
}

/// RFC 3986, section 3.3.
fn is_legal(path: &str) -> bool {
    let bytes = path.as_bytes();
    (0..bytes.len()).all(|at| match bytes[at] {
        b'%' => bytes
            .get(at + 1..at + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte),
    })
}
