//! Any query: its canonical form means the same, is a fixed point, and is what was signed.

#![no_main]

use http::Request;
use http::Uri;
use libfuzzer_sys::fuzz_target;
use sigv4_core::ErrorKind;
use sigv4_core::Payload;
use sigv4_core::PlusPolicy;
use sigv4_core::Signer;
use sigv4_core::WireForm;
use sigv4_fuzz::credentials;
use sigv4_fuzz::decoded;
use sigv4_fuzz::is_encoded;
use sigv4_fuzz::noon;

fuzz_target!(|query: &[u8]| {
    let uri = [b"https://example.com/?", query].concat();
    let Ok(uri) = Uri::try_from(uri.as_slice()) else {
        return;
    };
    let given = uri.query().unwrap_or_default();

    for plus in [PlusPolicy::Literal, PlusPolicy::Space, PlusPolicy::Reject] {
        let (canonical, signature) = match sign(plus, WireForm::Canonical, &uri) {
            Ok(signed) => signed,
            Err(kind) => {
                assert_eq!((plus, kind), (PlusPolicy::Reject, ErrorKind::AmbiguousPlus));
                assert!(given.contains('+'), "only a plus is refused: {given}");
                continue;
            }
        };
        let sent = canonical.query().unwrap_or_default();
        for wire in [
            WireForm::Canonical,
            WireForm::AsGiven,
            WireForm::RefuseIfDifferent,
        ] {
            let again = sign(plus, wire, &canonical);
            assert_eq!(again, Ok((canonical.clone(), signature.clone())), "{sent}");
        }
        match sign(plus, WireForm::AsGiven, &uri) {
            Ok((same, signed)) => assert_eq!((same, signed), (uri.clone(), signature)),
            // An earlier signature cannot be taken out.
            Err(kind) => assert_eq!(kind, ErrorKind::ExistingAuthorization),
        }

        let encoded: Vec<_> = sent
            .split('&')
            .filter(|_| !sent.is_empty())
            .map(|pair| pair.split_once('=').expect("each name has a value"))
            .collect();
        assert!(encoded.is_sorted(), "{sent}");
        assert!(
            encoded
                .iter()
                .all(|(name, value)| is_encoded(name) && is_encoded(value)),
            "{sent}"
        );

        let space = plus == PlusPolicy::Space;
        let mut expected = pairs(given, space);
        expected.retain(|(name, _)| !OWN.iter().any(|own| name.eq_ignore_ascii_case(own)));
        expected.sort();
        let mut pairs = pairs(sent, false);
        pairs.sort();
        assert_eq!(pairs, expected, "{given} -> {sent}");
    }
});

fn sign(plus: PlusPolicy, wire: WireForm, uri: &Uri) -> Result<(Uri, String), ErrorKind> {
    let signer = Signer::builder("execute-api", "us-east-1")
        .plus(plus)
        .wire_form(wire)
        .build()
        .expect("service and region are names");
    let mut request = Request::new(());
    *request.uri_mut() = uri.clone();
    let signed = signer
        .sign(&mut request, Payload::EMPTY, &credentials(false), noon())
        .map_err(|error| error.kind())?;
    let signature = signed.signature().expect("it was signed");
    Ok((request.uri().clone(), signature.to_owned()))
}

/// What a server reads out of a query.
fn pairs(query: &str, plus_is_space: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    let decoded = |text: &str| {
        if plus_is_space {
            decoded(&text.replace('+', "%20"))
        } else {
            decoded(text)
        }
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// The parameters that carry a signature.
const OWN: [&[u8]; 9] = [
    b"X-Amz-Algorithm",
    b"X-Amz-Credential",
    b"X-Amz-Date",
    b"X-Amz-Expires",
    b"X-Amz-SignedHeaders",
    b"X-Amz-Signature",
    b"X-Amz-Security-Token",
    b"X-Amz-S3session-Token",
    b"X-Amz-Region-Set",
];
