//! What happens when the program knows that there are other credentials.

use sigv4_core::runtime::Readiness;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::cache;
use crate::fixture::request;
use crate::fixture::settle;

#[tokio::test(start_paused = true)]
async fn a_source_that_need_not_wait_has_answered_at_once() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Endless, Reply::Endless]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    cache.refresh();
    assert_eq!(cache.last().unwrap().generation(), 2);
    for second in 11..40 {
        time.reaches(f64::from(second)).await;
        assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    }
    assert_eq!(source.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_old_ones_are_used_until_there_are_others() {
    let time = TestTime::start();
    let source = Source::replying(
        &time,
        [
            Reply::Endless,
            Reply::Fails,
            Reply::Fails,
            Reply::Endless.after(0.5),
        ],
    );
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    cache.refresh();
    assert_eq!(cache.readiness(), Readiness::Degraded);
    let mut second = 10.0;
    while cache.last().unwrap().generation() == 1 {
        assert!(second < 120.0, "it is tried again");
        assert_eq!(time.elapsed().as_secs_f64(), second, "nobody waits");
        let served = request(&cache, &time).await.unwrap();
        assert_eq!(served.generation(), 1);
        second += 1.0;
        time.reaches(second).await;
    }
    assert_eq!(cache.readiness(), Readiness::Ready);
    assert_eq!(source.times_asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_running_already_is_followed_by_another() {
    let time = TestTime::start();
    let source = Source::replying(
        &time,
        [
            Reply::Endless,
            Reply::Same.after(5.0),
            Reply::Endless.after(0.1),
        ],
    );
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    cache.refresh();
    settle().await;
    time.reaches(11.0).await;
    cache.refresh();
    assert_eq!(source.times_asked(), 2);
    time.reaches(16.0).await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
    time.reaches(17.0).await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    time.reaches(60.0).await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    assert_eq!(source.times_asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn however_often_it_is_asked_for_the_source_is_asked_once_a_second() {
    let time = TestTime::start();
    let source = Source::new(&time, |_, _| Reply::Endless);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    for tenth in 1..=50 {
        time.reaches(f64::from(tenth) / 10.0).await;
        cache.refresh();
        request(&cache, &time).await.unwrap();
    }
    assert!(source.times_asked() <= 6, "{}", source.times_asked());
}
