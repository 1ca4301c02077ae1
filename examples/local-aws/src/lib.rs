//! Services of AWS on loopback, to try the examples without an account.
//!
//! Whatever arrives has its signature checked, before a service sees it, by another implementation
//! than the one that signed: the crate `aws-sigv4`. A request that is not signed, or not signed
//! right, or more than five minutes ago, is refused with the words that AWS would use.
//!
//! All services share one address. Which one is meant says the credential scope of the signature,
//! which every request has.
//!
//! | signing name | what it is |
//! |---|---|
//! | `bedrock` | [`Bedrock`]: Converse, ConverseStream, InvokeModel and its stream, the list of models |
//! | `kms` | [`Kms`]: Sign, Verify and GetPublicKey with a key that is made anew at each start |
//! | `s3` | [`S3`]: `s3s-fs`, a bucket `example-bucket` in a temporary folder |
//! | `execute-api` | [`ExecuteApi`]: an API that tells who called it |
//! | `sts` | the security token service of the tests, at an address of its own |
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! let aws = local_aws::LocalAws::start().await?;
//! // AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and what else a program needs to use it.
//! for (name, value) in aws.environment() {
//!     eprintln!("{name}={value}");
//! }
//! # Ok(())
//! # }
//! ```

pub mod bedrock;
mod execute_api;
mod kms;
pub mod readme;
mod refusal;
mod s3;
mod server;

pub use self::bedrock::Bedrock;
pub use self::execute_api::ExecuteApi;
pub use self::kms::Kms;
pub use self::s3::BUCKET;
pub use self::s3::S3;
pub use self::s3::S3Fault;
pub use self::server::Call;
pub use self::server::LocalAws;
pub use self::server::Seen;
