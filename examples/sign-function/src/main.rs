//! Signs requests.

fn main() {}
