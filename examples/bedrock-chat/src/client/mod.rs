//! [`BedrockClient`], which talks to Amazon Bedrock.
//!
//! ```no_run
//! use bedrock_chat::client::{BedrockClient, ConverseRequest, Message, StreamEvent, use_ring};
//! use sigv4_core::runtime::{CredentialsCache, light};
//! use sigv4_reqwest::CredentialsClient;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use_ring();
//! let credentials = CredentialsCache::new(light::DefaultChain::new(CredentialsClient::new()?));
//! let bedrock = BedrockClient::builder("us-east-1", credentials).build()?;
//!
//! let messages = vec![Message::user("Why is the sky blue?")];
//! let request = ConverseRequest::new("amazon.nova-lite-v1:0", messages);
//! let mut stream = bedrock.converse_stream(&request).await?;
//! while let Some(event) = stream.next().await? {
//!     if let StreamEvent::Text { text, .. } = event {
//!         print!("{text}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod bedrock;
mod builder;
mod endpoints;
mod error;
mod invoke;
mod json;
mod message;
mod models;
mod refusal;
mod retry;
mod send;
mod stream;
mod tls;

pub use self::answer::ConverseAnswer;
pub use self::answer::Metrics;
pub use self::answer::StopReason;
pub use self::answer::Usage;
pub use self::bedrock::BedrockClient;
pub use self::builder::BedrockClientBuilder;
pub use self::endpoints::Endpoints;
pub use self::error::Error;
pub use self::error::ServiceError;
pub use self::invoke::InvokeAnswer;
pub use self::invoke::InvokeRequest;
pub use self::invoke::InvokeStream;
pub use self::message::ContentBlock;
pub use self::message::ConverseRequest;
pub use self::message::InferenceConfig;
pub use self::message::Message;
pub use self::message::Role;
pub use self::models::FoundationModel;
pub use self::retry::Retry;
pub use self::retry::RetryPolicy;
pub use self::stream::ConverseStream;
pub use self::stream::StreamEvent;
pub use self::tls::use_ring;
