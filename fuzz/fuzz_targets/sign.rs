//! Any request with any configuration: signing, presigning and tracing never panic, change nothing
//! when they fail, and give the same once more when they succeed.

#![no_main]

use std::time::Duration;
use std::time::SystemTime;

use libfuzzer_sys::arbitrary;
use libfuzzer_sys::arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sigv4_core::Payload;
use sigv4_core::PresignOptions;
use sigv4_core::WireForm;
use sigv4_fuzz::AnyRequest;
use sigv4_fuzz::AnySigner;
use sigv4_fuzz::credentials;
use sigv4_fuzz::head;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    request: AnyRequest<'a>,
    signer: AnySigner,
    wire: Wire,
    payload: AnyPayload<'a>,
    has_token: bool,
    seconds: u64,
    lifetime: u32,
    clamps: bool,
    hoists: bool,
}

#[derive(Arbitrary, Debug)]
enum Wire {
    Canonical,
    AsGiven,
    RefuseIfDifferent,
}

#[derive(Arbitrary, Debug)]
enum AnyPayload<'a> {
    Bytes(&'a [u8]),
    Sha256([u8; 32]),
    Unsigned,
}

fuzz_target!(|input: Input<'_>| {
    let Some(request) = input.request.build() else {
        return;
    };
    let Some(now) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(input.seconds)) else {
        return;
    };
    let signer = input.signer.build(match input.wire {
        Wire::Canonical => WireForm::Canonical,
        Wire::AsGiven => WireForm::AsGiven,
        Wire::RefuseIfDifferent => WireForm::RefuseIfDifferent,
    });
    let credentials = credentials(input.has_token);
    let payload = match input.payload {
        AnyPayload::Bytes(bytes) => Payload::Bytes(bytes),
        AnyPayload::Sha256(hash) => Payload::Sha256(hash),
        AnyPayload::Unsigned => Payload::Unsigned,
    };

    let trace = signer.trace(&request, payload, &credentials, now);
    let mut signed = request.clone();
    match signer.sign(&mut signed, payload, &credentials, now) {
        Err(_) => {
            assert_eq!(head(&signed), head(&request), "a failure changes nothing");
        }
        Ok(output) if output.signature().is_none() => {
            assert_eq!(head(&signed), head(&request), "what is kept is not changed");
        }
        Ok(output) => {
            let trace = trace.expect("what can be signed can be traced");
            drop((format!("{trace}"), format!("{trace:?}{output:?}")));
            if input.signer.keeps_authorization() {
                return;
            }
            let mut again = signed.clone();
            let second = signer
                .sign(&mut again, payload, &credentials, now)
                .expect("what was signed can be signed again");
            assert_eq!(second.signature(), output.signature(), "signing is stable");
            assert_eq!(head(&again), head(&signed), "signing again changes nothing");
        }
    }

    let mut options = PresignOptions::expires_in(Duration::from_secs(input.lifetime.into()));
    if input.clamps {
        options = options.clamp_to_credentials();
    }
    if input.hoists {
        options = options.hoist_headers();
    }
    let trace = signer.trace_presign(&request, options.clone(), &credentials, now);
    let presigned = signer.presign(&request, options, &credentials, now);
    assert_eq!(trace.is_ok(), presigned.is_ok(), "what is traced is done");
    if let Ok(presigned) = presigned {
        assert!(presigned.uri().query().is_some_and(|query| {
            query.contains("X-Amz-Signature=") && query.contains("X-Amz-SignedHeaders=")
        }));
        drop(format!("{presigned:?}"));
    }
});
