//! Calls an API behind API Gateway: `hyper-client URL`.

#![expect(clippy::print_stdout, reason = "a program prints what it was told")]

use std::env;

use anyhow::Context;
use anyhow::Error;
use bytes::Bytes;
use http::Request;
use http::Uri;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AwsRefusal;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::light;
use sigv4_tower::RecoverLayer;
use sigv4_tower::ServiceSend;
use sigv4_tower::SigV4Layer;
use tower::ServiceBuilder;
use tower::ServiceExt;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = env::args().nth(1).filter(|url| url.contains("://"));
    let url: Uri = url.context("usage: hyper-client URL")?.parse()?;
    let host = url.authority().context("the URL names no host")?;

    let tls = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(ring::default_provider())?
        .https_or_http()
        .enable_http1()
        .build();
    let hyper = Client::builder(TokioExecutor::new());

    // Keys and region come from where AWS's own tools look for them.
    let http = ServiceSend::<_, Full<Bytes>>::new(hyper.build(tls.clone()));
    let region = light::RegionChain::new(http.clone()).region().await?;
    let region = region.context("there is no region: set AWS_REGION")?;
    let signer = Signer::builder("execute-api", region).build()?;
    let credentials = CredentialsCache::new(light::DefaultChain::new(http));

    // A signature goes to this host and to no other.
    let scope = HostScope::exact([host])?;
    let authorizer = Authorizer::builder(signer, credentials, scope).build();
    let client = ServiceBuilder::new()
        .layer(RecoverLayer::new(authorizer.clone())) // credentials that have ended: once more
        .layer(SigV4Layer::new(authorizer)) // the signer is next to the client
        .service(hyper.build(tls));

    let request = Request::get(url).body(Full::<Bytes>::default())?;
    let answer = client.oneshot(request).await.map_err(Error::from_boxed)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    println!("{}\n{}", head.status, String::from_utf8_lossy(&body));
    if let Some(refusal) = AwsRefusal::read(head.status, &head.headers, &body) {
        anyhow::bail!("{}", refusal.cause().advice());
    }
    anyhow::ensure!(head.status.is_success(), "{}", head.status);
    Ok(())
}
