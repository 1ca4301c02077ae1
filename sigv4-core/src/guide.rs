//! Guides: how to use what the other pages describe.
//!
//! | guide | for |
//! |---|---|
//! | [Credentials][credentials] | where they come from, and what happens at each minute |
//! | [Bodies that pass][streaming] | hashes, chunks, events |
//!
//! [credentials]: https://docs.rs/sigv4-core/latest/sigv4_core/guide/credentials/index.html
//! [streaming]: crate::guide::streaming

// In a guide links are labels, defined at the end of its file for whoever reads it in the repository. Of
// two definitions the first one counts: those of links.md lead to the same places in the documentation.

#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
#[cfg_attr(not(doctest), doc = include_str!("guide/links-runtime.md"))]
#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/credentials.md")]
pub mod credentials {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/streaming.md")]
pub mod streaming {}
