//! The program on standard input: what it signs, and what it says is wrong.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that unwraps what cannot be says where the test failed"
)]

mod comparison;
mod faults;
mod lines;
mod plan;
mod program;
