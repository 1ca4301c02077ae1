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
//! # Examples
//!
//! Programs in the folder `examples/` of the repository, each with a README. They need no AWS account:
//!
//! | program | what it shows |
//! |---|---|
//! | `reqwest-quickstart` | the smallest program with reqwest: who is calling |
//! | `hyper-client` | the smallest program with hyper and tower: an API behind API Gateway |
//! | `bedrock-chat` | a chat with the models of Bedrock; a typed client; event streams, retries, Ctrl-C |
//! | `s3-upload` | files and standard input to S3: signed chunks, parts, going on where it broke off, links |
//! | `kms-sign` | a signature made in KMS; why calls that are built by hand get 403 and 400 |
//! | `sign-function` | signing for programs that cannot: lines of JSON, over HTTP, as an Azure Function |
//! | `axum-gateway` | a gateway to deploy: routes, callers with keys, limits, metrics |
//! | `local-aws` | what the others run against without an account: it checks every signature |
//!
//! [getting-started]: https://docs.rs/sigv4-reqwest/latest/sigv4_reqwest/guide/getting_started/index.html
//! [which-crate]: crate::guide::which_crate
//! [what-is-signed]: crate::guide::what_is_signed
//! [ordering]: https://docs.rs/sigv4-reqwest/latest/sigv4_reqwest/guide/ordering/index.html
//! [credentials]: https://docs.rs/sigv4-core/latest/sigv4_core/guide/credentials/index.html
//! [streaming]: crate::guide::streaming
//! [s3]: https://docs.rs/sigv4-reqwest/latest/sigv4_reqwest/guide/s3/index.html
//! [bedrock]: https://docs.rs/sigv4-reqwest/latest/sigv4_reqwest/guide/bedrock/index.html
//! [troubleshooting]: https://docs.rs/sigv4-core/latest/sigv4_core/guide/troubleshooting/index.html
//! [from-aws-sigv4]: crate::guide::from_aws_sigv4
//! [from-reqsign]: https://docs.rs/sigv4-reqwest/latest/sigv4_reqwest/guide/from_reqsign/index.html
//! [from-js-signaturev4]: crate::guide::from_js_signaturev4
//! [from-envoy]: https://docs.rs/sigv4-tower/latest/sigv4_tower/guide/from_envoy/index.html

// In a guide links are labels, defined at the end of its file for whoever reads it in the repository. Of
// two definitions the first one counts: those of links.md lead to the same places in the documentation.

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/which-crate.md")]
pub mod which_crate {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/what-is-signed.md")]
pub mod what_is_signed {}

#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
#[cfg_attr(not(doctest), doc = include_str!("guide/links-runtime.md"))]
#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/credentials.md")]
pub mod credentials {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/streaming.md")]
pub mod streaming {}

#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
#[cfg_attr(not(doctest), doc = include_str!("guide/links-runtime.md"))]
#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/troubleshooting.md")]
pub mod troubleshooting {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/from-aws-sigv4.md")]
pub mod from_aws_sigv4 {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/from-js-signaturev4.md")]
pub mod from_js_signaturev4 {}
