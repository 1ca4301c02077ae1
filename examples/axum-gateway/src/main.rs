//! A gateway that signs requests to one AWS service, for clients without AWS keys.
//!
//! Without arguments it demonstrates itself, with no AWS account: see [`demo`]. With `--upstream`
//! it is a proxy that signs with the credentials that AWS's own tools would find.
//!
//! [`gateway`] is what to read first: the stack of layers.

#![expect(
    clippy::print_stdout,
    reason = "a program that people run tells them what it does"
)]

mod demo;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use axum_gateway::credentials;
use axum_gateway::gateway;
use axum_gateway::guard::Guard;
use clap::Parser;
use http::HeaderMap;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_tower::UpstreamLayer;
use tokio::net::TcpListener;
use tower::layer::util::Identity;

/// Signs requests to one AWS service. Without arguments: a demonstration that needs no account.
#[derive(Parser, Debug)]
#[command(version)]
struct Args {
    /// Where to forward to, for example `https://bedrock-runtime.us-east-1.amazonaws.com`
    #[arg(long, requires_all = ["service", "region"])]
    upstream: Option<String>,
    /// The signing name of the service, for example bedrock
    #[arg(long, requires = "upstream")]
    service: Option<String>,
    /// The region to sign for, for example us-east-1
    #[arg(long, requires = "upstream")]
    region: Option<String>,
    /// Serve only what is below this path, and remove it
    #[arg(long, requires = "upstream", default_value = "/")]
    strip_prefix: String,
    /// Let this x-amz-* header of a client pass, and sign it (may be repeated)
    #[arg(long = "allow-amz-header", value_name = "NAME", requires = "upstream")]
    allowed_headers: Vec<String>,
    /// The address to listen on; loopback only, since there is no authentication
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Serve requests with this Host header, too, besides loopback names (may be repeated)
    #[arg(long = "allow-host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Run the demonstration's requests, print the verdicts, and exit
    #[arg(long, conflicts_with = "upstream")]
    once: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("axum-gateway: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    if !args.listen.ip().is_loopback() {
        return Err(format!(
            "--listen {}: this gateway has no authentication; whoever can reach it can have \
             requests signed. Listen on loopback, and put a proxy with authentication before it",
            args.listen
        )
        .into());
    }
    let guard = Guard::new(&args.hosts)?;
    match (&args.upstream, &args.service, &args.region) {
        (Some(upstream), Some(service), Some(region)) => {
            serve(&args, guard, upstream, service, region).await?;
            Ok(ExitCode::SUCCESS)
        }
        _ => demo::run(args.listen, guard, args.once).await,
    }
}

/// Forwards to a real upstream, signed with the credentials of the default chain.
async fn serve(
    args: &Args,
    guard: Guard,
    upstream: &str,
    service: &str,
    region: &str,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let layer = UpstreamLayer::new(upstream)?
        .strip_path_prefix(&args.strip_prefix)
        .allow_amz_headers(&args.allowed_headers);

    let signer = Signer::builder(service, region).build()?;
    let scope = layer.host_scope()?;
    // Plain http beyond loopback is never signed for; that, too, is to be known at once.
    scope.check(&upstream.parse()?, &HeaderMap::new())?;
    let credentials = credentials::from_the_default_chain()?.build();
    // A gateway that can never sign says so when it starts, and not at the first request. A source
    // that is away will be back.
    if let Err(error) = credentials.get().await {
        if credentials::is_configuration(&error) {
            return Err(error.into());
        }
        eprintln!("credentials: none yet: {}", credentials::chain(&error));
    }
    tokio::spawn(credentials.keep_warm());
    let authorizer = Authorizer::builder(signer, credentials, scope).build();

    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()?
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .build();
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let router = gateway::router(guard, layer, authorizer, Identity::new(), client);

    let listener = TcpListener::bind(args.listen).await?;
    println!(
        "signing for {service} in {region}: http://{} -> {upstream}",
        listener.local_addr()?
    );
    axum::serve(listener, router)
        .with_graceful_shutdown(interrupted())
        .await?;
    Ok(())
}

/// Completes when the user ends the program.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the default action ends the program all the same.
        std::future::pending::<()>().await;
    }
}
