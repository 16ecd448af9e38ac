//! SHA-256 that can be put aside half way and taken up again, in another process if need be.

use sha2::compress256;
use sha2::digest::generic_array::GenericArray;
use sha2::digest::typenum::U64;

const BLOCK: usize = 64;
/// The initial state (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A hash being computed.
#[derive(Clone)]
pub struct Hash {
    state: [u32; 8],
    /// Bytes so far.
    length: u64,
    /// The last of them, which don't fill a block.
    pending: Vec<u8>,
}

impl Default for Hash {
    fn default() -> Self {
        Self { state: INITIAL, length: 0, pending: Vec::with_capacity(BLOCK) }
    }
}

impl Hash {
    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if !self.pending.is_empty() {
            let (head, rest) = bytes.split_at(bytes.len().min(BLOCK - self.pending.len()));
            self.pending.extend_from_slice(head);
            bytes = rest;
            if self.pending.len() < BLOCK {
                return;
            }
            compress256(&mut self.state, &[*GenericArray::from_slice(&self.pending)]);
            self.pending.clear();
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for block in blocks {
            compress256(&mut self.state, std::slice::from_ref(GenericArray::<u8, U64>::from_slice(block)));
        }
        self.pending.extend_from_slice(rest);
    }

    /// The hash of all bytes.
    pub fn finish(mut self) -> [u8; 32] {
        let bits = self.length * 8;
        let zeros = (2 * BLOCK - 9 - self.pending.len()) % BLOCK;
        let mut end = vec![0x80];
        end.resize(1 + zeros, 0);
        end.extend_from_slice(&bits.to_be_bytes());
        self.update(&end);
        debug_assert!(self.pending.is_empty(), "the end fills the last block");
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }

    /// All that is needed to go on: length, state and the bytes that don't fill a block, in big-endian order.
    pub fn save(&self) -> Vec<u8> {
        let words = self.state.iter().flat_map(|word| word.to_be_bytes());
        self.length.to_be_bytes().into_iter().chain(words).chain(self.pending.iter().copied()).collect()
    }

    /// What was saved; `None` if it can't have been.
    pub fn restore(saved: &[u8]) -> Option<Self> {
        let (length, rest) = saved.split_first_chunk()?;
        let length = u64::from_be_bytes(*length);
        let (words, pending) = rest.split_first_chunk::<32>()?;
        let mut state = [0; 8];
        for (word, bytes) in state.iter_mut().zip(words.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        let is_consistent = pending.len() as u64 == length % BLOCK as u64;
        is_consistent.then(|| Self { state, length, pending: pending.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    proptest! {
        /// However the bytes are cut, and wherever it was put aside, it is the library's own SHA-256.
        #[test]
        fn is_sha256(bytes: Vec<u8>, repeat in 1_usize..40, cuts: Vec<prop::sample::Index>) {
            let bytes = bytes.repeat(repeat);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut hash = Hash::default();
            for part in cuts.windows(2) {
                hash.update(&bytes[part[0]..part[1]]);
                hash = Hash::restore(&hash.save()).expect("what was saved");
                prop_assert_eq!(hash.length(), part[1] as u64);
            }
            prop_assert_eq!(hash.finish(), <[u8; 32]>::from(Sha256::digest(&bytes)));
        }

        #[test]
        fn damaged_state_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 1_usize..40) {
            let mut hash = Hash::default();
            hash.update(&bytes);
            let saved = hash.save();
            prop_assert!(Hash::restore(&saved[..saved.len() - cut]).is_none());
        }
    }
}
