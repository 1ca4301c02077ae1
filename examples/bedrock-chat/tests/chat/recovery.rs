//! Credentials that end.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use local_aws::LocalAws;
use local_aws::bedrock::Turn;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::fake_aws::Handout;

use crate::fixture::ANSWER;
use crate::fixture::Ticking;
use crate::fixture::builder_with;
use crate::fixture::question;
use crate::fixture::read;

/// Hands out other keys each time.
#[derive(Debug)]
struct Rotating {
    handouts: Vec<Handout>,
    fetched: Arc<AtomicUsize>,
}

impl Rotating {
    fn known_to(aws: &LocalAws) -> Self {
        let handouts: Vec<_> = ["first", "second"].map(Handout::new).into();
        for handout in &handouts {
            aws.trust(handout);
        }
        Self {
            handouts,
            fetched: Arc::default(),
        }
    }
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let fetched = self.fetched.fetch_add(1, Ordering::SeqCst);
        let handout = &self.handouts[fetched];
        let (id, secret) = (handout.access_key_id(), handout.secret_access_key());
        let token = Some(handout.session_token().to_owned());
        let end = SystemTime::now() + Duration::from_secs(3_600);
        let keys = Credentials::new(id, secret, token, Some(end), "test");
        future::ProvideCredentials::ready(Ok(keys))
    }
}

#[tokio::test]
async fn keys_that_have_ended_are_replaced() {
    let aws = LocalAws::start().await.unwrap();
    let provider = Rotating::known_to(&aws);
    let fetched = Arc::clone(&provider.fetched);
    let message = "The security token included in the request is expired";
    aws.bedrock()
        .next(Turn::refused(403, "ExpiredTokenException", message));
    // A cache asks once a second at most, and this one takes a second between any two looks.
    let cache = CredentialsCache::builder(provider).clock(Ticking::default());
    let client = builder_with(&aws.url(), cache.build()).build().unwrap();
    let mut stream = client.converse_stream(&question()).await.unwrap();
    assert_eq!(read(&mut stream).await.0, ANSWER);
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    let seen = aws.seen();
    let [first, second] = &seen[..] else {
        unreachable!("it is asked twice: {seen:?}")
    };
    let header = "x-amz-security-token";
    assert_ne!(first.headers[header], second.headers[header]);
    assert_eq!((&first.refused, &second.refused), (&None, &None));
}

#[tokio::test]
async fn what_may_not_be_done_is_not_done_twice() {
    let aws = LocalAws::start().await.unwrap();
    let provider = Rotating::known_to(&aws);
    let fetched = Arc::clone(&provider.fetched);
    aws.bedrock().next(Turn::access_denied());
    let client = builder_with(&aws.url(), CredentialsCache::new(provider));
    client
        .build()
        .unwrap()
        .converse(&question())
        .await
        .unwrap_err();
    assert_eq!((aws.seen().len(), fetched.load(Ordering::SeqCst)), (1, 1));
}
