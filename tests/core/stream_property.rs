//! Random requests with bodies that are signed as they pass: signed as `aws-sigv4` signs the same
//! headers, or left as they are.

use std::time::Duration;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::HeaderName;
use http::Method;
use http::Request;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sigv4_core::AwsChunked;
use sigv4_core::EventMessage;
use sigv4_core::Payload;
use sigv4_core::WireForm;
use sigv4_tests::aws_chunked::Announced;
use sigv4_tests::aws_chunked::Chain;
use sigv4_tests::aws_chunked::decode;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;

use crate::aws_chunked::CHECKSUMS;
use crate::aws_chunked::encode_by;
use crate::property::Plan;
use crate::property::any_signer;
use crate::property::anything;
use crate::property::cases;
use crate::property::credentials;
use crate::property::plan;
use crate::property::state;

proptest! {
    #![proptest_config(cases(256))]

    /// Random paths, queries, hosts, headers, tokens: whatever `aws-sigv4` can sign as well.
    #[test]
    fn the_seed_is_that_of_aws_sigv4(
        plan in plan(),
        payload in payload(),
        codings in vec(select(&["gzip", "br, x-a", "aws-chunked", "AWS-Chunked,gzip"][..]), 0..3),
        data in vec(any::<u8>(), 0..40),
    ) {
        let plan = taking(plan, payload);
        let payload = of_length(payload, data.len());
        let mut request = plan.request();
        for coding in &codings {
            request.headers_mut().append("content-encoding", coding.parse().unwrap());
        }
        let before = state(&request);
        let signer = plan.signer(WireForm::Canonical);
        let trace = signer.trace(&request, payload, &plan.credentials(), plan.time());
        let result = signer.sign(&mut request, payload, &plan.credentials(), plan.time());
        let signed = match result {
            Ok(signed) => signed,
            Err(error) => {
                prop_assert_eq!(trace.unwrap_err().kind(), error.kind());
                prop_assert_eq!(state(&request), before);
                return Ok(());
            }
        };
        let verified = judged(&request, payload);
        prop_assert_eq!(signed.signature(), Some(&*verified.signature));

        if matches!(payload, Payload::Events) {
            let mut events = signed.event_signer().unwrap();
            let message = EventMessage::new(data).encode().unwrap();
            events.sign_message(&message, plan.time()).unwrap();
            prop_assert!(!request.headers().contains_key("content-length"));
            prop_assert!(request.headers().contains_key("content-type"));
            return Ok(());
        }
        let Payload::AwsChunked { encoding, .. } = payload else { unreachable!() };
        let length = request.headers()["content-length"].to_str().unwrap().to_owned();
        let decoded_length = &request.headers()["x-amz-decoded-content-length"];
        prop_assert_eq!(decoded_length.to_str().unwrap(), data.len().to_string());
        let codings = request.headers().get_all("content-encoding").iter();
        let codings: Vec<_> = codings.map(|value| value.to_str().unwrap()).collect();
        prop_assert_eq!(codings.len(), 1);
        prop_assert!(codings[0].starts_with("aws-chunked"));
        prop_assert_eq!(codings[0].to_ascii_lowercase().matches("aws-chunked").count(), 1);

        let wire = encode_by(signed.chunk_encoder().unwrap(), [Bytes::from(data.clone())]);
        prop_assert_eq!(wire.len().to_string(), length);
        let trailer = encoding.checksum().map(|checksum| checksum.header_name());
        let announced = Announced {
            signed: encoding.is_signed(),
            trailer: trailer.as_ref().map(HeaderName::as_str),
        };
        let decoded = decode(&wire, announced).unwrap();
        prop_assert_eq!(decoded.data(), data);
        if encoding.is_signed() {
            let chain = Chain {
                secret: secrets::SECRET_ACCESS_KEY,
                region: &verified.region,
                service: &verified.service,
                time: plan.time(),
                seed: &verified.signature,
            };
            decoded.verify(chain).unwrap();
        }
    }

    #[test]
    fn signing_again_is_signing_once(
        plan in plan(),
        first in payload(),
        second in payload(),
        seconds in 0..1_000_000_000_u64,
    ) {
        // The signer of the second one takes the first as well only if it is of the same kind.
        prop_assume!(matches!(first, Payload::Events) == matches!(second, Payload::Events));
        let plan = taking(plan, second);
        let (first, second) = (of_length(first, 5), of_length(second, 7));
        let signer = plan.signer(WireForm::Canonical);
        let sign = |request: &mut Request<()>| {
            signer.sign(request, second, &plan.credentials(), plan.time()).map(|_| ())
        };
        let mut once = plan.request();
        prop_assume!(sign(&mut once).is_ok());
        let mut twice = plan.request();
        let earlier = UNIX_EPOCH + Duration::from_secs(seconds);
        let temporary = credentials(Some("an-earlier-token"));
        signer.sign(&mut twice, first, &temporary, earlier).unwrap();
        sign(&mut twice).unwrap();
        prop_assert_eq!(state(&twice), state(&once));
    }
}

proptest! {
    #![proptest_config(cases(256))]

    /// Whatever a request holds: no panic, and either a signature or an error that changed nothing.
    #[test]
    fn any_request_is_signed_or_left_as_it_is(
        mut request in anything(),
        is_upload in any::<bool>(),
        signers in vec(any_signer(), 3),
        payload in payload(),
        length in option::of(any::<u64>()),
        has_token in any::<bool>(),
        nanos in any::<u64>(),
    ) {
        if is_upload {
            *request.method_mut() = Method::PUT;
        }
        let time = UNIX_EPOCH + Duration::from_nanos(nanos);
        let credentials = credentials(has_token.then_some(secrets::SESSION_TOKEN));
        let payload = match payload {
            Payload::AwsChunked { encoding, .. } => Payload::AwsChunked { encoding, length },
            payload => payload,
        };
        for signer in &signers {
            let mut signed = request.clone();
            let result = signer.sign(&mut signed, payload, &credentials, time);
            let trace = signer.trace(&request, payload, &credentials, time);
            match result {
                Ok(result) if result.signature().is_some() => {
                    let trace = trace.unwrap();
                    prop_assert!(!trace.to_string().is_empty());
                    let again = signer.trace(&signed, payload, &credentials, time).unwrap();
                    prop_assert_eq!(trace.string_to_sign(), again.string_to_sign());
                    let is_events = matches!(payload, Payload::Events);
                    prop_assert_eq!(result.event_signer().is_some(), is_events);
                    prop_assert_eq!(result.chunk_encoder().is_some(), !is_events);

                    // And plain again, unless it keeps the signature that it has.
                    let plain = signer.sign(&mut signed, Payload::EMPTY, &credentials, time);
                    if plain.unwrap().signature().is_none() {
                        continue;
                    }
                    let headers = signed.headers();
                    prop_assert!(!headers.contains_key("x-amz-decoded-content-length"));
                    prop_assert!(!headers.contains_key("x-amz-trailer"));
                    let hash = headers.get("x-amz-content-sha256");
                    prop_assert!(hash.is_none_or(|hash| !hash.as_bytes().starts_with(b"STREAMING")));
                }
                result => {
                    prop_assert_eq!(state(&signed), state(&request));
                    if let (Err(error), Err(traced)) = (result, trace) {
                        prop_assert_eq!(error.kind(), traced.kind());
                    }
                }
            }
        }
    }
}

fn payload() -> impl Strategy<Value = Payload<'static>> {
    let chunked = |encoding| Payload::AwsChunked {
        encoding,
        length: None,
    };
    let checksum = || select(&CHECKSUMS[..]);
    prop_oneof![
        Just(chunked(AwsChunked::signed())),
        checksum().prop_map(move |checksum| chunked(AwsChunked::signed().trailer(checksum))),
        checksum().prop_map(move |checksum| chunked(AwsChunked::unsigned(checksum))),
        Just(Payload::Events),
    ]
}

fn of_length(payload: Payload<'static>, length: usize) -> Payload<'static> {
    match payload {
        Payload::AwsChunked { encoding, .. } => Payload::AwsChunked {
            encoding,
            length: Some(length as u64),
        },
        payload => payload,
    }
}

/// Has a plan be for a signature in the header, and a service and a method that take such a body.
fn taking(mut plan: Plan, payload: Payload<'_>) -> Plan {
    plan.service = match (payload, plan.service) {
        (Payload::Events, "sqs" | "s3" | "glacier") => "transcribe",
        (Payload::Events, _) => "bedrock",
        (_, "s3express" | "aoss" | "iotdevicegateway") => "s3express",
        (_, "s3-outposts" | "execute-api") => "s3-outposts",
        _ => "s3",
    };
    plan.method = "PUT";
    plan.lifetime = None;
    plan
}

fn judged(request: &Request<()>, payload: Payload<'_>) -> Verified {
    let announced = match payload {
        Payload::AwsChunked { encoding, .. } => match (encoding.is_signed(), encoding.checksum()) {
            (true, None) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            (true, Some(_)) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            (false, _) => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        },
        _ => "STREAMING-AWS4-HMAC-SHA256-EVENTS",
    };
    let body = Body::Announced(announced);
    oracle::verify(request, body, secrets::SECRET_ACCESS_KEY).unwrap()
}
