//! Event streams over a WebSocket: the chain begins with the signature of a presigned URL.
//!
//! <https://docs.aws.amazon.com/transcribe/latest/dg/streaming-websocket.html>

use std::borrow::Cow;
use std::time::Duration;

use aws_sigv4::event_stream;
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use sigv4_core::EventMessage;
use sigv4_core::EventSigner;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Reference;
use sigv4_tests::secrets;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::event_pieces;
use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::now;
use crate::fixture::sent;
use crate::fixture::signer;

const URL: &str = "wss://transcribestreaming.us-east-1.amazonaws.com:8443\
                   /stream-transcription-websocket?language-code=en-US\
                   &media-encoding=pcm&sample-rate=16000";

#[test]
fn a_presigned_url_is_the_seed_of_its_events() {
    for (credentials, token) in [
        (credentials(), None),
        (temporary_credentials(), Some(secrets::SESSION_TOKEN)),
    ] {
        let signer = signer("transcribe");
        let lifetime = Duration::from_secs(300);
        let presigned = signer
            .presign(&get(URL), lifetime, &credentials, now())
            .unwrap();

        let mut reference = Reference::new("transcribe", REGION, now());
        reference.uri = Cow::Borrowed(URL);
        reference.expires_in = Some(lifetime);
        reference.token = token;
        let mut previous = reference.signature().unwrap();
        assert_eq!(presigned.signature(), previous);
        let url = presigned.uri().to_string();
        assert!(url.starts_with("wss://transcribestreaming.us-east-1.amazonaws.com:8443/stream"));
        assert!(url.ends_with(&format!("&X-Amz-Signature={previous}")));
        assert!(presigned.headers().is_empty());
        // And as the server sees it, which hears of no scheme.
        let sent = sent(&presigned);
        oracle::verify(&sent, b"", secrets::SECRET_ACCESS_KEY).unwrap();

        let identity = identity(token);
        let mut events = EventSigner::new(&signer, &credentials, presigned.signature()).unwrap();
        // A client may take a while to connect, and midnight may pass meanwhile.
        for (seconds, payload) in [
            (1, Some("a few milliseconds of audio")),
            (280, Some("more of it")),
            (86_400, Some("tomorrow's")),
            (86_401, None),
        ] {
            let time = now() + Duration::from_secs(seconds);
            let params = v4::SigningParams::builder()
                .identity(&identity)
                .region(REGION)
                .name("transcribe")
                .time(time)
                .settings(())
                .build()
                .unwrap();
            let message = payload.map(|payload| {
                let message = EventMessage::new(payload)
                    .with_header(":message-type", "event")
                    .with_header(":event-type", "AudioEvent");
                message.encode().unwrap()
            });
            let (expected, found) = match &message {
                Some(message) => (
                    event_stream::sign_message(&event_pieces::read(message), &previous, &params),
                    events.sign_message(message, time),
                ),
                None => (
                    event_stream::sign_empty_message(&previous, &params),
                    events.end(time),
                ),
            };
            let (expected, signature) = expected.unwrap().into_parts();
            let found = event_pieces::read(&found.unwrap());
            assert_eq!(found.payload(), expected.payload());
            for header in expected.headers() {
                assert!(found.headers().contains(header), "{header:?}");
            }
            previous = signature;
        }
    }
}

fn identity(token: Option<&str>) -> Identity {
    let (id, secret) = (secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    let token = token.map(str::to_owned);
    aws_credential_types::Credentials::new(id, secret, token, None, "judge").into()
}
