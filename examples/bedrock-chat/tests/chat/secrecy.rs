//! No secret is shown.

use std::error::Error as StdError;

use bedrock_chat::client::ConverseRequest;
use bedrock_chat::client::InvokeRequest;
use bedrock_chat::client::Message;
use local_aws::LocalAws;
use local_aws::bedrock::Break;
use local_aws::bedrock::Turn;
use sigv4_core::Credentials;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;

use crate::fixture::MODEL;
use crate::fixture::builder_with;
use crate::fixture::read;

const QUESTION: &str = "a confidential question";

#[tokio::test]
async fn neither_errors_nor_debug_show_a_secret_or_what_was_asked() {
    let aws = LocalAws::start().await.unwrap();
    let credentials = Credentials::new(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    let credentials = credentials
        .unwrap()
        .with_session_token(secrets::SESSION_TOKEN)
        .unwrap();
    let builder = builder_with(&aws.url(), CredentialsCache::new(credentials));
    let mut shown = vec![format!("{builder:?}")];
    let client = builder.build().unwrap();
    shown.push(format!("{client:?}"));
    let request = ConverseRequest::new(MODEL, vec![Message::user(QUESTION)]);
    // The token is not one that the services know.
    let refused = client.converse(&request).await.unwrap_err();
    let error_with_source = |error: &dyn StdError| {
        let mut text = format!("{error} {error:?}");
        let mut source = error.source();
        while let Some(error) = source {
            text += &format!(" {error} {error:?}");
            source = error.source();
        }
        text
    };
    shown.push(error_with_source(&refused));

    let client = crate::fixture::client(&aws);
    for how in [Break::Truncated, Break::Cut, Break::Ended] {
        aws.bedrock().next(Turn::Breaks { after: 3, how });
        let mut stream = client.converse_stream(&request).await.unwrap();
        shown.push(format!("{stream:?}"));
        shown.push(error_with_source(&read(&mut stream).await.1.unwrap_err()));
    }
    let invoke = InvokeRequest::new(MODEL, QUESTION);
    shown.push(format!("{invoke:?}"));
    for text in &shown {
        for secret in [secrets::SECRET_ACCESS_KEY, secrets::SESSION_TOKEN, QUESTION] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
