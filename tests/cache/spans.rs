//! What `tracing` is told: of fetches, and of nothing else.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;

use tracing::Metadata;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::span;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::request;
use crate::fixture::settle;

/// Writes down the names of spans that are about [`SOURCE`]: other tests run at the same time.
#[derive(Clone, Debug, Default)]
struct Spans {
    names: Arc<Mutex<Vec<&'static str>>>,
}

const SOURCE: &str = "the source of this test";

/// Looks for the source in the fields of a span.
struct IsOurs(bool);

impl Visit for IsOurs {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 |= field.name() == "source" && format!("{value:?}").contains(SOURCE);
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sigv4")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut ours = IsOurs(false);
        attributes.record(&mut ours);
        if ours.0 {
            let name = attributes.metadata().name();
            self.names.lock().unwrap().push(name);
        }
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn are_around_fetches_only() {
    let spans = Spans::default();
    tracing::subscriber::set_global_default(spans.clone()).unwrap();
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::Fails, Reply::New(60.0)]);
    let cache = builder(&time, &source).name(SOURCE).build();
    for second in 0..60 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    let names = spans.names.lock().unwrap().clone();
    assert_eq!(names, vec!["refresh_credentials"; source.times_asked()]);
    assert_eq!(names.len(), 3);
}
