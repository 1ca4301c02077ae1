//! Passwords, tokens and forms that services take in place of a signed request.
//!
//! Databases, caches, brokers and clusters do not speak HTTP, or not with AWS: their clients send a
//! presigned URL as a password. AWS makes these with its SDKs; the functions here make them without
//! one. As everywhere in this crate, credentials and time are arguments.
//!
//! | what it opens | function | it holds (at most) | where it goes |
//! |---|---|---|---|
//! | RDS, Aurora | [`rds`] | 15 min (15 min) | password of the MySQL, MariaDB or PostgreSQL connection, over TLS |
//! | Aurora DSQL | [`dsql`], [`dsql_admin`] | 15 min (7 days) | password of the PostgreSQL connection |
//! | ElastiCache | [`elasticache`], [`elasticache_serverless`] | 15 min (15 min) | password of `AUTH` or `HELLO`, over TLS |
//! | MemoryDB | [`memorydb`] | 15 min (15 min) | password of `AUTH` or `HELLO`, over TLS |
//! | MSK | [`msk`] | 15 min (15 min) | token of SASL/OAUTHBEARER |
//! | EKS | [`eks`] | 14 min (15 min) | `Authorization: Bearer` of the Kubernetes API |
//! | Bedrock | [`bedrock`] | 12 h (12 h) | `Authorization: Bearer` of the Bedrock APIs |
//! | IoT Core | [`iot`] | 15 min (7 days) | URL of the WebSocket that carries MQTT |
//! | SES over SMTP | [`ses_smtp_password`] | as long as the access key | password of SMTP `AUTH`; its user is the access key id |
//! | uploads to S3 | [`PostPolicy`] | 1 h (7 days) | fields of a `multipart/form-data` form |
//!
//! A password counts when a connection is made, a bearer token with each request. Make a
//! [`TokenSigner`] once and have it make a token for each connection: that costs microseconds, and
//! a pool that keeps a token will use it when it has ended.
//!
//! ```
//! use std::time::SystemTime;
//! use sigv4_core::{Credentials, tokens};
//!
//! # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
//! let host = "mydb.123456789012.us-east-1.rds.amazonaws.com";
//! let signer = tokens::rds("us-east-1", host, 3306, "jane_doe")?;
//!
//! // For each connection:
//! let token = signer.token(&credentials, SystemTime::now())?;
//! let password = token.expose(); // A credential: keep it out of logs.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Lifetimes
//!
//! No token outlives the credentials it is made with. One that would is an error, unless
//! [clamped](TokenSigner::clamp_to_credentials) by name: a token that stops working before its time
//! is found out in production. Credentials that do not [say](crate::Credentials::with_expiry) when
//! they end bound nothing.
//!
//! # Compared with the tokens of the SDKs
//!
//! Those that are URLs have their parameters sorted, as in the signature. The SDKs send the same
//! parameters with the same signature, some in another order, which no service looks at.

mod bedrock;
mod cache;
mod database;
mod eks;
mod input;
mod iot;
mod msk;
mod post_policy;
mod ses;
mod token;

pub use self::bedrock::bedrock;
pub use self::cache::elasticache;
pub use self::cache::elasticache_serverless;
pub use self::cache::memorydb;
pub use self::database::dsql;
pub use self::database::dsql_admin;
pub use self::database::rds;
pub use self::eks::eks;
pub use self::iot::iot;
pub use self::msk::msk;
pub use self::post_policy::PostForm;
pub use self::post_policy::PostPolicy;
pub use self::ses::SmtpPassword;
pub use self::ses::ses_smtp_password;
pub use self::token::Token;
pub use self::token::TokenSigner;
