//! The cases that signers are measured with, and the signers.
//!
//! What is timed, and why so, is in `README.md`.

mod aws_sigv4;
mod bare;
mod case;
mod check;
mod contender;
mod floor;
mod ours;
mod reqsign;
mod turns;

pub use crate::aws_sigv4::AwsSigV4;
pub use crate::bare::BareP256;
pub use crate::bare::BareRing;
pub use crate::case::Body;
pub use crate::case::Case;
pub use crate::check::check;
pub use crate::check::check_sigv4a;
pub use crate::contender::Contender;
pub use crate::floor::Floor;
pub use crate::ours::Ours;
pub use crate::ours::OursPresigned;
pub use crate::reqsign::Reqsign;
pub use crate::turns::Turns;
pub use crate::turns::round;
