//! What an adapter does with bodies and answers. For the adapters of this family: it may change in
//! any release.

pub use crate::pieces::Pieces;
pub use crate::runtime::framing::agreed_length;
pub use crate::runtime::framing::declared_length;
pub use crate::runtime::framing::into_bytes;
pub use crate::runtime::framing::is_chunked_at_most;
pub use crate::runtime::framing::set_length;
pub use crate::runtime::framing::trailers_refused;
pub use crate::runtime::framing::unreadable_body;
pub use crate::runtime::held_body::BodyHolder;
pub use crate::runtime::held_body::HeldBody;
pub use crate::runtime::length_checked::LengthChecked;
pub use crate::runtime::recovery::Inquiry;
pub use crate::runtime::recovery::PATIENCE;
pub use crate::runtime::recovery::Peek;
pub use crate::runtime::recovery::PeekedBody;
pub use crate::runtime::recovery::Remedy;
pub use crate::runtime::recovery::Replacement;
pub use crate::runtime::recovery::patience;
pub use crate::runtime::recovery::replay_limit;
