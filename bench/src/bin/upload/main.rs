//! Uploads a gibibyte that comes in pieces, and tells how much memory that took.
//!
//! The client is a process of its own for each upload; the server, which counts what arrives and
//! verifies it if it is told to, is this one.

mod client;
mod judge;
mod server;

use std::env;
use std::error::Error;

use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use tokio::process::Command;

use crate::server::Server;

type BoxError = Box<dyn Error + Send + Sync>;

/// The credentials of AWS's examples.
const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const REGION: &str = "us-east-1";

fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // A single thread for either side.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match arguments[..] {
        ["client", adapter, encoding, mebibytes, host] => {
            let length = mebibytes.parse::<u64>()? << 20;
            runtime.block_on(client::upload(adapter, encoding, length, host))
        }
        [] => runtime.block_on(measure("1024", false)),
        ["--verify"] => runtime.block_on(measure("1024", true)),
        [mebibytes] => runtime.block_on(measure(mebibytes, false)),
        ["--verify", mebibytes] => runtime.block_on(measure(mebibytes, true)),
        _ => Err("usage: upload [--verify] [MEBIBYTES]".into()),
    }
}

const ADAPTERS: [&str; 2] = ["tower", "reqwest"];
const ENCODINGS: [&str; 3] = ["signed", "signed+crc64nvme", "unsigned+crc32"];

fn by_name(encoding: &str) -> Result<AwsChunked, BoxError> {
    match encoding {
        "signed" => Ok(AwsChunked::signed()),
        "signed+crc64nvme" => Ok(AwsChunked::signed().trailer(Checksum::Crc64Nvme)),
        "unsigned+crc32" => Ok(AwsChunked::unsigned(Checksum::Crc32)),
        _ => Err("no such encoding".into()),
    }
}

async fn measure(mebibytes: &str, verifies: bool) -> Result<(), BoxError> {
    println!("| adapter | body of {mebibytes} MiB | KiB before | KiB at most | growth | seconds |");
    println!("|---|---|---|---|---|---|");
    let server = Server::start(verifies).await?;
    for adapter in ADAPTERS {
        for encoding in ENCODINGS {
            let mut client = Command::new(env::current_exe()?);
            client.args(["client", adapter, encoding, mebibytes, server.host()]);
            if !client.status().await?.success() {
                return Err("an upload failed".into());
            }
        }
    }
    Ok(())
}
