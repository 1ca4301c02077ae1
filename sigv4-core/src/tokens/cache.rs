//! Caches that speak the protocol of Redis and Valkey: the token is the password of `AUTH`.

use crate::error::ConfigError;
use crate::signer::Signer;
use crate::tokens::input;
use crate::tokens::token::Kind;
use crate::tokens::token::QUARTER;
use crate::tokens::token::TokenSigner;
use crate::tokens::token::as_it_is;

/// Makes passwords for a replication group of ElastiCache with IAM authentication.
///
/// `cache` is the id of the replication group, not its endpoint; `user` is the id of the user,
/// which has to be its name as well. The connection must use TLS. ElastiCache ends it after twelve
/// hours, unless a new token is sent with `AUTH` before.
///
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let token = tokens::elasticache("us-east-1", "my-cache", "iam-user-01")?.token(&credentials, now)?;
/// assert!(token.expose().starts_with("my-cache/?Action=connect&User=iam-user-01&"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region, the cache or the user cannot be one.
pub fn elasticache(region: &str, cache: &str, user: &str) -> Result<TokenSigner, ConfigError> {
    connect("elasticache", region, cache, user, "")
}

/// Makes passwords for a serverless cache of ElastiCache, which is always one with IAM
/// authentication.
///
/// All else is as for [`elasticache`].
///
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let signer = tokens::elasticache_serverless("us-east-1", "my-cache", "iam-user-01")?;
/// let token = signer.token(&credentials, now)?;
/// assert!(token.expose().contains("&ResourceType=ServerlessCache&"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region, the cache or the user cannot be one.
pub fn elasticache_serverless(
    region: &str,
    cache: &str,
    user: &str,
) -> Result<TokenSigner, ConfigError> {
    let serverless = "&ResourceType=ServerlessCache";
    connect("elasticache", region, cache, user, serverless)
}

/// Makes passwords for a cluster of MemoryDB with IAM authentication.
///
/// `cluster` is the name of the cluster, not its endpoint. The connection must use TLS. MemoryDB
/// ends it after twelve hours, unless a new token is sent with `AUTH` before.
///
/// <https://docs.aws.amazon.com/memorydb/latest/devguide/auth-iam.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let token = tokens::memorydb("us-east-1", "my-cluster", "iam-user-01")?.token(&credentials, now)?;
/// assert!(token.expose().starts_with("my-cluster/?Action=connect&User=iam-user-01&"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region, the cluster or the user cannot be one.
pub fn memorydb(region: &str, cluster: &str, user: &str) -> Result<TokenSigner, ConfigError> {
    connect("memorydb", region, cluster, user, "")
}

fn connect(
    service: &str,
    region: &str,
    cluster: &str,
    user: &str,
    resource: &str,
) -> Result<TokenSigner, ConfigError> {
    let signer = Signer::builder(service, region).build()?;
    // The services know the names in lower case only.
    let start = input::cluster(cluster, b"")?.to_ascii_lowercase();
    let user = input::user(user)?;
    let uri = format!("https://{start}/?Action=connect&User={user}{resource}");
    let kind = Kind {
        request: input::get("user", &uri)?,
        start,
        wrap: as_it_is,
        lifetime: QUARTER,
        longest: QUARTER,
        said: QUARTER,
    };
    Ok(TokenSigner::new(signer, kind))
}
