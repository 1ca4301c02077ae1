//! What the tests of the sigv4 crates share: an independent verifier, the official vectors, a
//! server that records bytes, and the credentials of the fixtures.
//!
//! | module | for |
//! |---|---|
//! | [`oracle`] | signatures computed by another implementation, the crate `aws-sigv4` |
//! | [`oracle_v4a`] | the same for SigV4A, where signatures are verified with a public key |
//! | [`suite`] | the cases of AWS's own test suite |
//! | [`aws_chunked`] | what a body in chunks holds, and whether its signatures fit |
//! | [`wire`] | what a client really put on the wire, byte for byte |
//! | [`fake_aws`] | STS, IMDS and container credentials on loopback, scripted with faults |
//! | [`patience`] | waits that fail their test after a minute, and do not hang |
//! | [`secrets`] | fixture credentials, and a check that nothing prints them |
//! | [`time`] | instants as signatures write them |

pub mod aws_chunked;
pub mod fake_aws;
pub mod oracle;
pub mod oracle_v4a;
pub mod patience;
pub mod secrets;
pub mod suite;
pub mod time;
pub mod wire;

/// The programs of the workspace's README, which have to compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The programs of the guides that need more than one crate, which have to compile.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../docs/bedrock.md")]
    mod bedrock {}
    #[doc = include_str!("../../docs/getting-started.md")]
    mod getting_started {}
    #[doc = include_str!("../../docs/ordering.md")]
    mod ordering {}
    #[doc = include_str!("../../docs/s3.md")]
    mod s3 {}
}
