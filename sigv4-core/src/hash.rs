//! SHA-256 and HMAC-SHA-256 over text that comes in many small pieces.
//!
//! `sha2::Sha256` and `hmac::Hmac` are made for input of any length that comes in any way. What is
//! signed is a few hundred octets, so that their book-keeping costs about as much as two blocks
//! of hashing. Here the text is gathered on the stack, its padding is put behind it, and all blocks
//! go to the compression function of `sha2` at once.
//!
//! FIPS 180-4, section 5 (padding and initial state), and FIPS 198-1, section 4 (HMAC).

use sha2::block_api::compress256;
use zeroize::Zeroizing;

use crate::canonical::sink::Sink;

type State = [u32; 8];
type Block = [u8; 64];

/// Text that is hashed as it is written. Up to `BLOCKS` blocks with the padding, all is hashed in
/// one go at the end; of longer text, what does not fit is hashed before.
pub(crate) struct Hasher<const BLOCKS: usize> {
    state: State,
    /// The octets that the state has taken in.
    taken: u64,
    /// Zeros behind what is filled.
    buffer: [Block; BLOCKS],
    filled: usize,
}

impl<const BLOCKS: usize> Hasher<BLOCKS> {
    /// All but the last block, which is left for the padding.
    const ROOM: usize = (BLOCKS - 1) * size_of::<Block>();

    #[inline]
    pub(crate) fn new() -> Self {
        Self::with_state(INITIAL, 0)
    }

    #[inline]
    fn with_state(state: State, taken: u64) -> Self {
        Self {
            state,
            taken,
            buffer: [[0; 64]; BLOCKS],
            filled: 0,
        }
    }

    /// Returns the hash of what was written.
    #[inline]
    pub(crate) fn finish(&mut self) -> Sha256Digest {
        Sha256Digest(self.finish_state())
    }

    #[inline]
    fn finish_state(&mut self) -> State {
        let bits = (self.taken + self.filled as u64) * 8;
        let blocks = (self.filled + PADDING).div_ceil(size_of::<Block>());
        self.buffer.as_flattened_mut()[self.filled] = 0x80;
        let blocks = &mut self.buffer[..blocks];
        if let Some(length) = blocks.last_mut().and_then(|block| block.last_chunk_mut()) {
            *length = bits.to_be_bytes();
        }
        compress256(&mut self.state, blocks);
        self.state
    }

    #[cold]
    fn overflow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled == Self::ROOM {
                compress256(&mut self.state, &self.buffer[..BLOCKS - 1]);
                self.taken += Self::ROOM as u64;
                self.buffer = [[0; 64]; BLOCKS];
                self.filled = 0;
            }
            if self.filled == 0 {
                let (blocks, rest) = bytes.as_chunks();
                compress256(&mut self.state, blocks);
                self.taken += (bytes.len() - rest.len()) as u64;
                bytes = rest;
            }
            let (now, later) = bytes.split_at(bytes.len().min(Self::ROOM - self.filled));
            self.buffer.as_flattened_mut()[self.filled..][..now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
        }
    }
}

impl<const BLOCKS: usize> Sink for Hasher<BLOCKS> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let room = &mut self.buffer.as_flattened_mut()[..Self::ROOM];
        match room.get_mut(self.filled..self.filled + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.filled += bytes.len();
            }
            None => self.overflow(bytes),
        }
    }
}

/// A SHA-256 hash, or an HMAC.
#[derive(Clone, Copy)]
pub(crate) struct Sha256Digest(State);

impl Sha256Digest {
    pub(crate) fn to_hex(self) -> [u8; 64] {
        hex_of(self.0.map(u32::to_be_bytes).as_flattened())
    }
}

/// A SHA-256 hash or an HMAC in hex, as part of what is handed on.
///
/// Aligned, since it is moved several times on its way into a request. Behind the tag of an enum it
/// would be copied in overlapping pieces otherwise, and reading what was just written in other
/// pieces makes the processor wait, each time for about as long as a tenth of a block of hashing.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(align(8))]
pub(crate) struct Hex(pub(crate) [u8; 64]);

/// Writes octets in hex.
#[cfg(feature = "sigv4a")]
pub(crate) fn to_hex(octets: &[u8]) -> Box<[u8]> {
    let pairs = octets
        .iter()
        .map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]);
    pairs
        .collect::<Vec<_>>()
        .into_flattened()
        .into_boxed_slice()
}

/// Returns the digits of a SHA-256 hash, whose 32 octets these are.
#[inline]
pub(crate) fn hex_of(octets: &[u8]) -> [u8; 64] {
    let mut text = [0; 64];
    for (pair, byte) in text.as_chunks_mut().0.iter_mut().zip(octets) {
        *pair = [hex_digit(byte >> 4), hex_digit(byte & 15)];
    }
    text
}

/// Without a table or a branch, so that it compiles to vector instructions.
const fn hex_digit(nibble: u8) -> u8 {
    nibble + b'0' + (nibble > 9) as u8 * (b'a' - b'9' - 1)
}

/// A key of HMAC-SHA-256, as the states that it brings the inner and the outer hash into.
pub(crate) struct MacKey(Zeroizing<[State; 2]>);

impl MacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut states = Zeroizing::new([INITIAL; 2]);
        for (state, pad) in states.iter_mut().zip([0x36, 0x5c]) {
            let mut block = Zeroizing::new([pad; 64]);
            block
                .iter_mut()
                .zip(key)
                .for_each(|(byte, key)| *byte ^= key);
            compress256(state, std::slice::from_ref(&*block));
        }
        Self(states)
    }

    /// Begins a text that is to be authenticated.
    #[inline]
    pub(crate) fn begin<const BLOCKS: usize>(&self) -> Hasher<BLOCKS> {
        Hasher::with_state(self.0[0], size_of::<Block>() as u64)
    }

    /// Returns the HMAC of a text that was [begun](Self::begin) with this key.
    #[inline]
    pub(crate) fn finish<const BLOCKS: usize>(&self, text: &mut Hasher<BLOCKS>) -> Sha256Digest {
        let mut outer = Hasher::<1>::with_state(self.0[1], size_of::<Block>() as u64);
        let inner = text.finish_state().map(u32::to_be_bytes);
        outer.buffer.as_flattened_mut()[..32].copy_from_slice(inner.as_flattened());
        outer.filled = 32;
        outer.finish()
    }
}

/// The least that comes behind a text: a bit, and the number of bits.
const PADDING: usize = 1 + 8;

/// The fractional parts of the square roots of the first eight primes.
const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[cfg(test)]
mod tests {
    use hmac::Hmac;
    use hmac::KeyInit;
    use hmac::Mac;
    use sha2::Digest;
    use sha2::Sha256;

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn write(mut hasher: Hasher<4>, text: &[u8], piece: usize) -> Hasher<4> {
        text.chunks(piece).for_each(|piece| hasher.put(piece));
        hasher
    }

    #[test]
    fn agrees_with_sha2_and_hmac_at_every_length_and_in_every_piece() {
        let text: Vec<u8> = (0..=250).cycle().take(1_000).collect();
        let key = *b"0123456789abcdef0123456789ABCDEF";
        let mac = MacKey::new(&key);
        for length in (0..=600).chain([1_000]) {
            let text = &text[..length];
            let hash = hex(&Sha256::digest(text));
            let tag = Hmac::<Sha256>::new_from_slice(&key)
                .unwrap()
                .chain_update(text);
            let tag = hex(&tag.finalize().into_bytes());
            for piece in [1, 63, 64, 65, 191, 192, 193, 1_000] {
                let name = format!("{length} octets in pieces of {piece}");
                let hashed = write(Hasher::new(), text, piece).finish().to_hex();
                assert_eq!(hash.as_bytes(), hashed, "{name}");
                let signed = mac.finish(&mut write(mac.begin(), text, piece)).to_hex();
                assert_eq!(tag.as_bytes(), signed, "{name}");
            }
        }
    }
}
