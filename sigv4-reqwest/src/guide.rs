//! Guides: how to use what the other pages describe.
//!
//! | guide | for |
//! |---|---|
//! | [Getting started][getting-started] | from an empty folder to the first answer |
//! | [Which crate][which-crate] | what to depend on, and what each feature costs |
//! | [What is signed][what-is-signed] | the canonical request, part by part |
//! | [Ordering][ordering] | retries, timeouts, redirects, compression, tracing |
//! | [Credentials][credentials] | where they come from, and what happens at each minute |
//! | [Bodies that pass][streaming] | hashes, chunks, events |
//! | [S3][s3] | uploads, links, other kinds of buckets, other stores |
//! | [Bedrock][bedrock] | models, streams, throttling, keys |
//! | [Troubleshooting][troubleshooting] | what a refusal or an error means, by symptom |
//! | [From aws-sigv4][from-aws-sigv4] | each setting there, and what it is here |
//! | [From reqsign][from-reqsign] | signers, loaders, behaviour |
//! | [From SignatureV4][from-js-signaturev4] | the signer of the SDK for JavaScript |
//! | [From Envoy][from-envoy] | the filter `aws_request_signing` |
//!
//! [getting-started]: crate::guide::getting_started
//! [which-crate]: sigv4_core::guide::which_crate
//! [what-is-signed]: sigv4_core::guide::what_is_signed
//! [ordering]: crate::guide::ordering
//! [credentials]: sigv4_core::guide::credentials
//! [streaming]: sigv4_core::guide::streaming
//! [s3]: crate::guide::s3
//! [bedrock]: crate::guide::bedrock
//! [troubleshooting]: sigv4_core::guide::troubleshooting
//! [from-aws-sigv4]: sigv4_core::guide::from_aws_sigv4
//! [from-reqsign]: crate::guide::from_reqsign
//! [from-js-signaturev4]: sigv4_core::guide::from_js_signaturev4
//! [from-envoy]: https://docs.rs/sigv4-tower/latest/sigv4_tower/guide/from_envoy/index.html

// In a guide links are labels, defined at the end of its file for whoever reads it in the repository. Of
// two definitions the first one counts: those of links.md lead to the same places in the documentation.

#[cfg(not(doctest))] // compiled with the tests of the workspace, which have all crates
#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/getting-started.md")]
pub mod getting_started {}

#[cfg(not(doctest))] // compiled with the tests of the workspace, which have all crates
#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/ordering.md")]
pub mod ordering {}

#[cfg(not(doctest))] // compiled with the tests of the workspace, which have all crates
#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/s3.md")]
pub mod s3 {}

#[cfg(not(doctest))] // compiled with the tests of the workspace, which have all crates
#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/bedrock.md")]
pub mod bedrock {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/from-reqsign.md")]
pub mod from_reqsign {}
