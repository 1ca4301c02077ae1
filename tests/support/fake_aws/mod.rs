//! STS, the instance metadata service and the container credential service on loopback, scripted
//! with faults.
//!
//! Each is a server of its own that records what it was asked. Without a script it answers as AWS
//! does; with one, every answer is what the next [`Step`] says, so that a test is in charge of
//! failures, slowness and recovery without any sleep.
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use sigv4_tests::fake_aws::{FakeContainer, Handout, Script, Step};
//!
//! let container = FakeContainer::start().await;
//! container.answer_with(Script::first([Step::SERVER_ERROR, Step::Hang]).then(Step::Good));
//! // … let a provider ask container.url() …
//! assert_eq!(container.requests().len(), 0);
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod container;
mod handout;
mod imds;
mod loopback;
mod script;
mod server;
mod sts;
#[cfg(test)]
mod tests;

pub use self::container::FakeContainer;
pub use self::handout::Handout;
pub use self::imds::FakeImds;
pub use self::loopback::LoopbackHttp;
pub use self::script::Gate;
pub use self::script::Script;
pub use self::script::Step;
pub use self::server::SeenRequest;
pub use self::sts::FakeSts;
