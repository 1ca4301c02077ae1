//! What `tracing` is told: of fetches, and of nothing else.

use std::sync::Arc;
use std::sync::Mutex;

use tracing::Metadata;
use tracing::Subscriber;
use tracing::span;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::cache;
use crate::fixture::request;
use crate::fixture::settle;

/// Writes down the names of spans.
#[derive(Clone, Debug, Default)]
struct Spans {
    names: Arc<Mutex<Vec<&'static str>>>,
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sigv4")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        self.names
            .lock()
            .unwrap()
            .push(attributes.metadata().name());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        self.names.lock().unwrap().push(event.metadata().name());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn are_around_fetches_only() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::Fails, Reply::New(60.0)]);
    let cache = cache(&time, &source);
    for second in 0..60 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    let names = spans.names.lock().unwrap().clone();
    assert_eq!(names, vec!["refresh_credentials"; source.times_asked()]);
    assert_eq!(names.len(), 3);
}
