//! Credentials for what takes longer: presigned URLs and streams.

use std::time::Duration;

use sigv4_core::ErrorKind;
use sigv4_core::runtime::Clock;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::cache;

#[tokio::test(start_paused = true)]
async fn are_fetched_when_those_that_are_there_end_too_early() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    let until = |seconds| time.now() + Duration::from_secs(seconds);
    assert_eq!(
        cache
            .get_valid_until(until(900))
            .await
            .unwrap()
            .generation(),
        1
    );
    time.reaches(2000.0).await;
    assert_eq!(
        cache
            .get_valid_until(until(900))
            .await
            .unwrap()
            .generation(),
        1
    );
    assert_eq!(
        cache
            .get_valid_until(until(3000))
            .await
            .unwrap()
            .generation(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn are_not_asked_for_again_and_again_where_there_are_none() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    for second in 0..100 {
        time.reaches(f64::from(second)).await;
        let until = time.now() + Duration::from_secs(86_400);
        let error = cache.get_valid_until(until).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expiry);
    }
    assert_eq!(source.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn are_all_those_without_an_end() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Endless]);
    let cache = cache(&time, &source);
    let until = time.now() + Duration::from_secs(604_800);
    assert_eq!(cache.get_valid_until(until).await.unwrap().generation(), 1);
}
