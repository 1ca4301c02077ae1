//! Elastic Kubernetes Service: the bearer token of its API.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderName;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::header_rules::HeaderMatch;
use crate::header_rules::HeaderRules;
use crate::partition;
use crate::signer::Signer;
use crate::tokens::input;
use crate::tokens::token::Kind;
use crate::tokens::token::QUARTER;
use crate::tokens::token::TokenSigner;

/// Makes bearer tokens for the API of a Kubernetes cluster of EKS.
///
/// `cluster` is its name; that of a local cluster on an Outpost is its id. A token is a presigned
/// `GetCallerIdentity`, by which the cluster learns who asks. It says that it holds for a minute,
/// and is taken for fifteen; like `aws eks get-token`, this one
/// [ends](crate::tokens::Token::expires_at) a minute before that.
///
/// <https://docs.aws.amazon.com/cli/latest/reference/eks/get-token.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let token = tokens::eks("us-east-1", "my-cluster")?.token(&credentials, now)?;
/// let authorization = format!("Bearer {}", token.expose());
/// assert!(authorization.starts_with("Bearer k8s-aws-v1."));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region or the cluster cannot be one.
pub fn eks(region: &str, cluster: &str) -> Result<TokenSigner, ConfigError> {
    // Without the name of the cluster in the signature, a token for one would open all.
    let headers = HeaderRules::minimal().include(HeaderMatch::exact(CLUSTER.as_str())?);
    let signer = Signer::builder("sts", region).headers(headers).build()?;
    let cluster = HeaderValue::from_str(input::cluster(cluster, b"_")?)
        .map_err(|error| ConfigError::new("cluster", "must be a header value").because(error))?;
    let start = format!("https://sts.{region}.{}", partition::dns_suffix(region));
    let uri = format!("{start}/?Action=GetCallerIdentity&Version=2011-06-15");
    let mut request = input::get("region", &uri)?;
    request.headers_mut().insert(CLUSTER, cluster);
    let kind = Kind {
        request,
        start,
        wrap: |url| {
            let mut token = Zeroizing::new(String::from("k8s-aws-v1."));
            BASE64_URL_SAFE_NO_PAD.encode_string(&*url, &mut token);
            token
        },
        lifetime: Duration::from_secs(14 * 60),
        longest: QUARTER,
        // Old clusters take no more, new ones do not look at it.
        said: Duration::from_secs(60),
    };
    Ok(TokenSigner::new(signer, kind))
}

const CLUSTER: HeaderName = HeaderName::from_static("x-k8s-aws-id");
