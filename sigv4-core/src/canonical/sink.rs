//! Where canonical text goes: straight into a hash, or into a `Vec` when someone wants to read it.

use sha2::digest::Update;

/// Takes text piece by piece.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);

    fn put_str(&mut self, text: &str) {
        self.put(text.as_bytes());
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Gathers small pieces on the stack before it hands them to a hash, which is much faster at a few
/// long inputs than at many short ones.
pub(crate) struct Buffered<D> {
    digest: D,
    buffer: [u8; SIZE],
    filled: usize,
}

/// A multiple of SHA-256's block of 64 bytes that most canonical requests fit into.
const SIZE: usize = 512;

impl<D: Update> Buffered<D> {
    pub(crate) fn new(digest: D) -> Self {
        Self {
            digest,
            buffer: [0; SIZE],
            filled: 0,
        }
    }

    pub(crate) fn finish(mut self) -> D {
        self.digest.update(&self.buffer[..self.filled]);
        self.digest
    }

    #[cold]
    fn overflow(&mut self, bytes: &[u8]) {
        self.digest.update(&self.buffer[..self.filled]);
        self.filled = 0;
        if bytes.len() < SIZE {
            self.buffer[..bytes.len()].copy_from_slice(bytes);
            self.filled = bytes.len();
        } else {
            self.digest.update(bytes);
        }
    }
}

impl<D: Update> Sink for Buffered<D> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.filled..self.filled + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.filled += bytes.len();
            }
            None => self.overflow(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest;
    use sha2::Sha256;

    use super::*;

    #[test]
    fn hashes_what_was_put_whatever_the_pieces() {
        let text: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        for piece in [1, 3, 64, 511, 512, 513, 1_500, 5_000] {
            let mut sink = Buffered::new(Sha256::new());
            text.chunks(piece).for_each(|chunk| sink.put(chunk));
            assert_eq!(
                sink.finish().finalize(),
                Sha256::digest(&text),
                "pieces of {piece}"
            );
        }
    }
}
