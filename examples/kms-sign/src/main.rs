//! Signs a file with a key in KMS, and checks the signature here.

#![expect(clippy::print_stdout, reason = "a program prints what it was told")]

use std::env;
use std::error::Error;
use std::iter;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use kms_sign::Algorithm;
use kms_sign::KmsClient;
use kms_sign::mistakes::Mistake;
use kms_sign::mistakes::Mistakes;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::light;
use sigv4_reqwest::CredentialsClient;
use tokio::fs;
use tokio::io;
use tokio::io::AsyncReadExt;

/// Signs a file with a key in KMS, and checks the signature here.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    sign: Option<Sign>,
    /// The region of the key, instead of that of the environment or the profile.
    #[arg(long, global = true)]
    region: Option<String>,
}

#[derive(Debug, Args)]
struct Sign {
    /// The key: its id, its ARN, or an alias (`alias/...`).
    #[arg(long)]
    key_id: String,
    /// What to sign with; the key has to be one for it.
    #[arg(long, default_value = "ECDSA_SHA_256")]
    algorithm: Algorithm,
    /// Where to write the signature, instead of printing it as base64.
    #[arg(long)]
    out: Option<PathBuf>,
    /// What to sign. Default: standard input.
    file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes the mistakes of calls that are built by hand, and shows what comes back.
    Mistakes {
        /// One of them only.
        name: Option<Mistake>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = iter::successors(Some(&*error), |&error| error.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            eprintln!("error: {}", causes.join(": "));
            let refused = error.downcast_ref::<kms_sign::Error>();
            if let Some(refusal) = refused.and_then(kms_sign::Error::refusal) {
                if let Some(id) = refusal.request_id() {
                    eprintln!("request id: {id}");
                }
                if let Some(advice) = refusal.advice() {
                    eprintln!("{advice}");
                }
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let http = CredentialsClient::new()?;
    let region = match arguments.region {
        Some(region) => region,
        None => {
            let found = light::RegionChain::new(http.clone()).region().await?;
            found.ok_or("there is no region: set AWS_REGION, or give --region")?
        }
    };
    let endpoint = env::var("AWS_ENDPOINT_URL_KMS")
        .or_else(|_| env::var("AWS_ENDPOINT_URL"))
        .unwrap_or_else(|_| KmsClient::endpoint_of(&region));
    let credentials = CredentialsCache::new(light::DefaultChain::new(http));
    match (arguments.command, arguments.sign) {
        (Some(Command::Mistakes { name }), _) => {
            let mistakes = Mistakes::new(&endpoint, &region, credentials)?;
            let names = name.map_or_else(|| Mistake::ALL.to_vec(), |name| vec![name]);
            show(&mistakes, &names).await
        }
        (None, Some(arguments)) => {
            let kms = KmsClient::with_endpoint(&endpoint, &region, credentials)?;
            sign(&kms, &arguments).await
        }
        (None, None) => Err("give --key-id, and what to sign".into()),
    }
}

async fn sign(kms: &KmsClient, arguments: &Sign) -> Result<(), Box<dyn Error>> {
    let (key_id, algorithm) = (&arguments.key_id, arguments.algorithm);
    let message = read(arguments.file.as_deref()).await?;
    let signed = kms.sign(key_id, &message, algorithm).await?;
    // Nobody gets a signature that has not been checked.
    let key = kms.public_key(&signed.key_id).await?;
    key.verify(algorithm, &message, &signed.signature)?;
    match &arguments.out {
        Some(path) => fs::write(path, &signed.signature).await?,
        None => println!("{}", BASE64_STANDARD.encode(&signed.signature)),
    }
    let (message_type, key) = (signed.message_type, signed.key_id);
    eprintln!("verified: {algorithm} of {message_type}, by {key}");
    Ok(())
}

async fn read(file: Option<&Path>) -> Result<Vec<u8>, Box<dyn Error>> {
    let Some(path) = file else {
        let mut message = Vec::new();
        io::stdin().read_to_end(&mut message).await?;
        return Ok(message);
    };
    let read = fs::read(path).await;
    read.map_err(|error| format!("{}: {error}", path.display()).into())
}

async fn show(mistakes: &Mistakes, names: &[Mistake]) -> Result<(), Box<dyn Error>> {
    for mistake in names {
        let refusal = mistakes.make(*mistake).await?;
        println!("{mistake}\n  answer:  {refusal}");
        println!("  because: {}", mistake.reason());
        println!("  instead: {}", mistake.remedy());
    }
    Ok(())
}
