//! What an adapter does with a body. For the adapters of this family: it may change in any release.

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
