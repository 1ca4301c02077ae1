//! What the guides say of things that change: links, names, versions, numbers of crates;
//! and what readers copy out of them.

#![expect(
    clippy::unwrap_used,
    reason = "a file of the repository that cannot be read fails the test"
)]

mod blocks;
mod commands;
mod dependencies;
mod guides;
mod links;
mod page;
mod trees;
mod versions;
