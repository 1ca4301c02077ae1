//! Databases: the token is the password of a connection.

use crate::error::ConfigError;
use crate::presign::PresignOptions;
use crate::signer::Signer;
use crate::tokens::input;
use crate::tokens::token::Kind;
use crate::tokens::token::QUARTER;
use crate::tokens::token::TokenSigner;
use crate::tokens::token::as_it_is;

/// Makes passwords for a database of RDS or Aurora with IAM authentication.
///
/// `host` and `port` are those of the endpoint of the instance, cluster or proxy, also where the
/// connection goes through a tunnel or another DNS name: the database compares them. `user` is the
/// user of the database. The connection must use TLS, and a MySQL client has to send the password
/// in clear text over it (`mysql_clear_password`).
///
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let host = "mydb.123456789012.us-east-1.rds.amazonaws.com";
/// let token = tokens::rds("us-east-1", host, 3306, "jane_doe")?.token(&credentials, now)?;
/// assert!(token.expose().starts_with(&format!("{host}:3306/?Action=connect&DBUser=jane_doe&")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region, the host, the port or the user cannot be one.
pub fn rds(region: &str, host: &str, port: u16, user: &str) -> Result<TokenSigner, ConfigError> {
    let signer = Signer::builder("rds-db", region).build()?;
    if port == 0 {
        return Err(ConfigError::new("port", "must be the port of the database"));
    }
    let start = format!("{}:{port}", input::host(host)?);
    let user = input::user(user)?;
    let uri = format!("https://{start}/?Action=connect&DBUser={user}");
    let kind = Kind {
        request: input::get("user", &uri)?,
        // Not the authority of the URL that is signed, which is without port 443.
        start,
        wrap: as_it_is,
        lifetime: QUARTER,
        longest: QUARTER,
        said: QUARTER,
    };
    Ok(TokenSigner::new(signer, kind))
}

/// Makes passwords for a cluster of Aurora DSQL, for any database role but `admin`.
///
/// `host` is the endpoint of the cluster. The role of the database is none of the token: IAM roles
/// are mapped to it in the cluster.
///
/// <https://docs.aws.amazon.com/aurora-dsql/latest/userguide/SECTION_authentication-token.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let host = "abcd1234.dsql.us-east-1.on.aws";
/// let token = tokens::dsql("us-east-1", host)?.token(&credentials, now)?;
/// assert!(token.expose().starts_with(&format!("{host}/?Action=DbConnect&")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region or the host cannot be one.
pub fn dsql(region: &str, host: &str) -> Result<TokenSigner, ConfigError> {
    dsql_action(region, host, "DbConnect")
}

/// Makes passwords for a cluster of Aurora DSQL, for the database role `admin`.
///
/// <https://docs.aws.amazon.com/aurora-dsql/latest/userguide/SECTION_authentication-token.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let host = "abcd1234.dsql.us-east-1.on.aws";
/// let token = tokens::dsql_admin("us-east-1", host)?.token(&credentials, now)?;
/// assert!(token.expose().starts_with(&format!("{host}/?Action=DbConnectAdmin&")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region or the host cannot be one.
pub fn dsql_admin(region: &str, host: &str) -> Result<TokenSigner, ConfigError> {
    dsql_action(region, host, "DbConnectAdmin")
}

fn dsql_action(region: &str, host: &str, action: &str) -> Result<TokenSigner, ConfigError> {
    let signer = Signer::builder("dsql", region).build()?;
    let start = input::host(host)?;
    let uri = format!("https://{start}/?Action={action}");
    let kind = Kind {
        request: input::get("host", &uri)?,
        start,
        wrap: as_it_is,
        lifetime: QUARTER,
        longest: PresignOptions::MAX_LIFETIME,
        said: PresignOptions::MAX_LIFETIME,
    };
    Ok(TokenSigner::new(signer, kind))
}
