//! What a body costs that is signed chunk by chunk, beside one SHA-256 over all of it.
//!
//! All in turns; a ratio is the median over the rounds of the ratio within a round.

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use bytes::Bytes;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ChunkEncoder;
use sigv4_core::ChunkSigner;
use sigv4_core::Credentials;
use sigv4_core::Signer;

fn main() {
    // As criterion: `--test` only tries whether everything works.
    let tries = std::env::args().any(|argument| argument == "--test");
    let rounds = if tries { 1 } else { ROUNDS };
    let data: Bytes = (0..=250).cycle().take(LENGTH).collect();
    let signed = AwsChunked::signed();
    let cases = [
        ("signed", signed),
        ("signed, CRC-32", signed.trailer(Checksum::Crc32)),
        ("signed, CRC-32C", signed.trailer(Checksum::Crc32c)),
        ("signed, CRC-64/NVME", signed.trailer(Checksum::Crc64Nvme)),
        ("unsigned, CRC-32C", AwsChunked::unsigned(Checksum::Crc32c)),
        (
            "unsigned, CRC-64/NVME",
            AwsChunked::unsigned(Checksum::Crc64Nvme),
        ),
    ];

    let mut hashing = Vec::new();
    let mut encoding = [const { Vec::new() }; 6];
    for _ in 0..rounds {
        hashing.push(seconds(|| {
            black_box(Sha256::digest(black_box(&data)));
        }));
        for ((_, config), times) in cases.iter().zip(&mut encoding) {
            times.push(seconds(|| encode(*config, &data)));
        }
    }

    if tries {
        println!("\nOnly tried: the numbers of a single round mean nothing.");
    }
    println!("\n64 MiB in chunks of 64 KiB, pieces of 1 MiB, medians of {rounds} rounds:\n");
    println!("| case | GB/s | throughput / that of SHA-256 |");
    println!("|---|---|---|");
    println!("| SHA-256 | {:.2} | |", throughput(hashing.clone()));
    for ((name, _), times) in cases.iter().zip(encoding) {
        let ratios = hashing.iter().zip(&times).map(|(hash, time)| hash / time);
        let ratio = median(ratios.collect());
        println!("| {name} | {:.2} | {ratio:.3} |", throughput(times));
    }
}

/// Encodes the body as it would come from a client, and drops what is to be sent.
fn encode(config: AwsChunked, data: &Bytes) {
    let signer = config.is_signed().then(chunk_signer);
    let length = data.len() as u64;
    let mut encoder = ChunkEncoder::new(config, signer, Some(length)).expect("it is configured");
    let mut sent = 0;
    let mut rest = data.clone();
    loop {
        while let Some(piece) = encoder.pull().expect("the length is right") {
            sent += black_box(piece).len();
        }
        if encoder.is_ended() {
            break;
        }
        if rest.is_empty() {
            encoder.finish().expect("the length is right");
        } else {
            let piece = rest.split_to(PIECE.min(rest.len()));
            encoder.push(piece).expect("the length is right");
        }
    }
    assert_eq!(config.encoded_length(length), Some(sent as u64));
}

fn chunk_signer() -> ChunkSigner {
    let signer = Signer::builder("s3", "us-east-1")
        .build()
        .expect("both are names");
    let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        .expect("both are credentials");
    let seed = "0123456789abcdef".repeat(4);
    ChunkSigner::new(&signer, &credentials, SystemTime::now(), &seed).expect("the seed is hex")
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

fn throughput(times: Vec<f64>) -> f64 {
    LENGTH as f64 / median(times) / 1e9
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const ROUNDS: usize = 41;
const LENGTH: usize = 64 * 1024 * 1024;
const PIECE: usize = 1024 * 1024;
