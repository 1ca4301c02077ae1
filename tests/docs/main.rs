//! What the guides say of things that change: links, names, versions, numbers of crates.

#![expect(
    clippy::unwrap_used,
    reason = "a file of the repository that cannot be read fails the test"
)]

mod guides;
mod links;
mod page;
mod trees;
mod versions;
