//! Asks AWS who is calling, or calls another URL: `reqwest-quickstart [URL SERVICE]`.

#![expect(clippy::print_stdout, reason = "a program prints what it was told")]

use std::env;

use anyhow::Context;
use reqwest::Url;
use reqwest_middleware::ClientBuilder;
use sigv4_core::Signer;
use sigv4_core::dns_suffix;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AwsRefusal;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::light;
use sigv4_reqwest::CredentialsClient;
use sigv4_reqwest::SigV4Middleware;
use sigv4_reqwest::redirect_policy;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let other = match &arguments[..] {
        [] => None,
        [url, service] if url.contains("://") => Some((url.clone(), service.clone())),
        _ => anyhow::bail!("usage: reqwest-quickstart [URL SERVICE]"),
    };

    // Keys and region come from where AWS's own tools look for them.
    let http = CredentialsClient::new()?;
    let region = light::RegionChain::new(http.clone()).region().await?;
    let region = region.context("there is no region: set AWS_REGION")?;
    let credentials = CredentialsCache::new(light::DefaultChain::new(http));

    let who_am_i = || {
        let endpoint = env::var("AWS_ENDPOINT_URL_STS")
            .or_else(|_| env::var("AWS_ENDPOINT_URL"))
            .unwrap_or_else(|_| format!("https://sts.{region}.{}", dns_suffix(&region)));
        let url = format!("{endpoint}/?Action=GetCallerIdentity&Version=2011-06-15");
        (url, "sts".to_owned())
    };
    let (url, service) = other.unwrap_or_else(who_am_i);
    let url: Url = url.parse()?;

    // A signature is for one service in one region, and goes to no other host.
    let signer = Signer::builder(&service, &region).build()?;
    let scope = HostScope::exact([url.authority()])?;
    let authorizer = Authorizer::builder(signer, credentials, scope).build();
    let client = reqwest::Client::builder()
        .redirect(redirect_policy())
        .build()?;
    let client = ClientBuilder::new(client)
        .with(SigV4Middleware::new(authorizer))
        .build();

    // From here on it is reqwest as you know it.
    let answer = client.get(url).send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.text().await?;
    println!("{status}\n{body}");
    if let Some(refusal) = AwsRefusal::read(status, &headers, body.as_bytes()) {
        anyhow::bail!("{}", refusal.cause().advice());
    }
    anyhow::ensure!(status.is_success(), "{status}");
    Ok(())
}
