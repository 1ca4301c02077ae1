//! Bodies in `aws-chunked`: the published examples to the byte, and random ones before a judge that
//! reads them as a server does.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::HeaderName;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ChunkEncoder;
use sigv4_core::ChunkSigner;
use sigv4_core::Credentials;
use sigv4_core::Error;
use sigv4_core::Signer;
use sigv4_tests::aws_chunked::Announced;
use sigv4_tests::aws_chunked::Chain;
use sigv4_tests::aws_chunked::Decoded;
use sigv4_tests::aws_chunked::decode;

use crate::property::cases;

/// Of the example in the documentation of S3.
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(crate) const SEED: &str = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";

pub(crate) const CHECKSUMS: [Checksum; 5] = [
    Checksum::Crc32,
    Checksum::Crc32c,
    Checksum::Crc64Nvme,
    Checksum::Sha1,
    Checksum::Sha256,
];

/// The day of the example: 2013-05-24.
pub(crate) fn day() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_369_353_600)
}

pub(crate) fn signer(seed: &str) -> ChunkSigner {
    let signer = Signer::builder("s3", "us-east-1").build().unwrap();
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SECRET).unwrap();
    ChunkSigner::new(&signer, &credentials, day(), seed).unwrap()
}

pub(crate) fn encoder(config: AwsChunked, length: Option<u64>) -> ChunkEncoder {
    let signer = config.is_signed().then(|| signer(SEED));
    ChunkEncoder::new(config, signer, length).unwrap()
}

pub(crate) fn pull_all(encoder: &mut ChunkEncoder) -> Result<Vec<Bytes>, Error> {
    std::iter::from_fn(|| encoder.pull().transpose()).collect()
}

pub(crate) fn encode_by(
    mut encoder: ChunkEncoder,
    pieces: impl IntoIterator<Item = Bytes>,
) -> Vec<u8> {
    let mut sent = Vec::new();
    for piece in pieces {
        encoder.push(piece).unwrap();
        sent.extend(pull_all(&mut encoder).unwrap());
    }
    encoder.finish().unwrap();
    sent.extend(pull_all(&mut encoder).unwrap());
    assert!(encoder.is_ended());
    sent.concat()
}

pub(crate) fn judge(wire: &[u8], config: AwsChunked) -> Result<Decoded, String> {
    let name = config.checksum().map(Checksum::header_name);
    let announced = Announced {
        signed: config.is_signed(),
        trailer: name.as_ref().map(HeaderName::as_str),
    };
    let decoded = decode(wire, announced)?;
    if config.is_signed() {
        decoded.verify(Chain {
            secret: SECRET,
            region: "us-east-1",
            service: "s3",
            time: day(),
            seed: SEED,
        })?;
    }
    if config.checksum().is_some() {
        decoded.verify_checksum()?;
    }
    Ok(decoded)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
#[test]
fn signs_the_example_of_the_documentation() {
    let data = Bytes::from(vec![b'a'; 66_560]);
    let wire = encode_by(encoder(AwsChunked::signed(), Some(66_560)), [data.clone()]);
    let expected = [
        b"10000;chunk-signature=\
          ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
        &data[..65_536],
        b"\r\n400;chunk-signature=\
          0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
        &data[65_536..],
        b"\r\n0;chunk-signature=\
          b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
    ];
    assert!(wire == expected.concat());
    assert_eq!(wire.len(), 66_824);
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
#[test]
fn signs_the_example_with_a_trailer() {
    let data = Bytes::from(vec![b'a'; 66_560]);
    let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let config = AwsChunked::signed().trailer(Checksum::Crc32c);
    let encoder = ChunkEncoder::new(config, Some(signer(seed)), None).unwrap();
    let wire = encode_by(encoder, [data.clone()]);
    let expected = [
        b"10000;chunk-signature=\
          b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n",
        &data[..65_536],
        b"\r\n400;chunk-signature=\
          1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n",
        &data[65_536..],
        b"\r\n0;chunk-signature=\
          2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n\
          x-amz-checksum-crc32c:sOO8/Q==\r\n\
          x-amz-trailer-signature:\
          d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
    ];
    assert!(wire == expected.concat());
    assert_eq!(wire.len(), 66_946);
}

/// How one body goes through the encoder.
#[derive(Clone, Debug)]
struct Job {
    config: AwsChunked,
    data: Bytes,
    /// The sizes of the pieces, again and again.
    framing: Vec<usize>,
    declared: bool,
    /// How much is pulled after each push, again and again.
    pulls: Vec<usize>,
}

impl Job {
    fn run(&self) -> Vec<u8> {
        let length = self.data.len() as u64;
        let mut encoder = encoder(self.config, self.declared.then_some(length));
        let mut expected = encoder.remaining_length();
        assert_eq!(expected.is_some(), self.declared);
        let mut sent = Vec::new();
        let mut pull = |encoder: &mut ChunkEncoder| {
            let piece = encoder.pull().unwrap()?;
            assert!(!piece.is_empty());
            if let Some(expected) = &mut expected {
                *expected -= piece.len() as u64;
            }
            assert_eq!(encoder.remaining_length(), expected);
            sent.extend_from_slice(&piece);
            Some(())
        };
        let mut rest = self.data.clone();
        let mut framing = self.framing.iter().cycle();
        let mut pulls = self.pulls.iter().cycle();
        while !rest.is_empty() {
            let size = *framing.next().unwrap();
            encoder.push(rest.split_to(size.min(rest.len()))).unwrap();
            for _ in 0..*pulls.next().unwrap() {
                if pull(&mut encoder).is_none() {
                    break;
                }
            }
        }
        assert!(!encoder.is_ended());
        encoder.finish().unwrap();
        while !encoder.is_ended() {
            pull(&mut encoder).expect("more is to come");
        }
        assert!(encoder.pull().unwrap().is_none());
        assert!(matches!(encoder.remaining_length(), None | Some(0)));
        sent
    }
}

fn config() -> impl Strategy<Value = AwsChunked> {
    let size = prop_oneof![
        Just(64 * 1024),
        Just(8192),
        8192..=8300_u32,
        8192..=300_000_u32,
    ];
    let checksum = || select(&CHECKSUMS[..]);
    let kind = prop_oneof![
        Just(AwsChunked::signed()),
        checksum().prop_map(|checksum| AwsChunked::signed().trailer(checksum)),
        checksum().prop_map(AwsChunked::unsigned),
    ];
    (kind, size).prop_map(|(kind, size)| kind.chunk_size(size).unwrap())
}

fn data() -> impl Strategy<Value = Bytes> {
    let length = prop_oneof![
        1 => Just(0),
        3 => 0..=100_usize,
        3 => (1..=16_usize, 0..=2_usize).prop_map(|(chunks, off)| chunks * 8192 + off - 1),
        3 => (1..=8_usize, 0..=2_usize).prop_map(|(chunks, off)| chunks * 65_536 + off - 1),
        6 => 0..=1_048_576_usize,
    ];
    (length, any::<[u8; 32]>()).prop_map(|(length, seed)| {
        // Not periodic, so that no chunk can stand for another.
        let blocks = (0..length.div_ceil(32) as u64).flat_map(|at| {
            let mut block = seed;
            for (byte, at) in block.iter_mut().zip(at.to_le_bytes()) {
                *byte ^= at;
            }
            block
        });
        blocks.take(length).collect()
    })
}

fn framing() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![
        Just(1),
        1..=100_usize,
        4090..=4100_usize,
        8190..=8200_usize,
        1..=200_000_usize,
        Just(usize::MAX),
    ];
    vec(size, 1..=6)
}

fn job() -> impl Strategy<Value = Job> {
    let pulls = prop_oneof![Just(vec![usize::MAX]), vec(0..=3_usize, 1..=4)];
    (config(), data(), framing(), any::<bool>(), pulls).prop_map(
        |(config, data, framing, declared, pulls)| Job {
            config,
            data,
            framing,
            declared,
            pulls,
        },
    )
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn what_is_decoded_is_what_was_encoded(job in job()) {
        let wire = job.run();
        let length = job.config.encoded_length(job.data.len() as u64);
        prop_assert_eq!(length, Some(wire.len() as u64));
        let decoded = judge(&wire, job.config).unwrap();
        prop_assert!(decoded.data() == job.data);
    }

    #[test]
    fn pieces_make_no_difference(job in job(), framing in framing(), declared in any::<bool>()) {
        let other = Job { framing, declared, ..job.clone() };
        prop_assert!(job.run() == other.run());
    }
}

#[test]
fn every_chunk_but_the_last_is_full() {
    let data: VecDeque<_> = [Bytes::from(vec![7; 10_000]), Bytes::from(vec![8; 15_001])].into();
    let config = AwsChunked::signed().chunk_size(10_001).unwrap();
    let wire = encode_by(encoder(config, None), data);
    let decoded = judge(&wire, config).unwrap();
    let sizes: Vec<_> = decoded
        .chunks
        .iter()
        .map(|chunk| chunk.data.len())
        .collect();
    assert_eq!(sizes, [10_001, 10_001, 4_999]);
}

#[test]
fn an_empty_body_is_the_last_chunk_alone() {
    for declared in [None, Some(0)] {
        let unsigned = AwsChunked::unsigned(Checksum::Crc64Nvme);
        let wire = encode_by(encoder(unsigned, declared), []);
        let expected = "0\r\nx-amz-checksum-crc64nvme:AAAAAAAAAAA=\r\n\r\n";
        assert_eq!(String::from_utf8(wire).unwrap(), expected);
        let signed = AwsChunked::signed();
        let wire = encode_by(encoder(signed, declared), [Bytes::new()]);
        assert!(judge(&wire, signed).unwrap().chunks.is_empty());
    }
}

#[test]
fn no_byte_can_be_changed() {
    for config in [
        AwsChunked::signed(),
        AwsChunked::signed().trailer(Checksum::Crc32),
        AwsChunked::unsigned(Checksum::Sha256),
    ] {
        let config = config.chunk_size(8192).unwrap();
        let data: Bytes = (0..=250).cycle().take(8_192 + 50).collect();
        let wire = encode_by(encoder(config, None), [data]);
        judge(&wire, config).unwrap();
        // All that is between the data, and a part of the data.
        let framing = |at: &usize| *at < 200 || *at > 8_000 || at.is_multiple_of(17);
        for at in (0..wire.len()).filter(framing) {
            for flip in [0x01, 0x20] {
                let mut tampered = wire.clone();
                tampered[at] ^= flip;
                assert!(
                    judge(&tampered, config).is_err(),
                    "{config:?}: {flip} at {at}"
                );
            }
            assert!(
                judge(&wire[..at], config).is_err(),
                "{config:?}: cut at {at}"
            );
        }
    }
}
