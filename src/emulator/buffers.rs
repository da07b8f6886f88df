//! Memory for the bodies of requests, used again: a batch of records is too large for the allocator to keep at hand, and
//! fresh pages from the kernel cost more than what is done with them.

use std::sync::{Arc, Mutex, PoisonError};

/// Most buffers that are kept.
const KEPT: usize = 16;
/// Larger ones are given back: almost three times the body of 500 records of 1 KiB.
const KEPT_BYTES: usize = 2 << 20;

/// The buffers that nobody uses now.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

/// A buffer that comes back when it is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    home: Arc<Buffers>,
}

impl Buffers {
    /// An empty buffer.
    pub fn take(self: &Arc<Self>) -> Buffer {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: kept.unwrap_or_default(), home: Arc::clone(self) }
    }
}

impl Buffer {
    /// Makes room for `bytes` more, as far as a peer may be trusted that announces them but has not sent them all.
    pub fn expect(&mut self, bytes: usize) {
        // What cannot be reserved now may still fit when it comes.
        let _ = self.bytes.try_reserve(bytes.min(KEPT_BYTES));
    }

    /// Adds what has come.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT && (1..=KEPT_BYTES).contains(&bytes.capacity()) {
            kept.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_but_not_what_it_held() {
        let buffers = Arc::new(Buffers::default());
        let mut first = buffers.take();
        first.extend(b"secret");
        let place = first.as_ref().as_ptr();
        drop(first);
        let mut second = buffers.take();
        assert_eq!(second.as_ref(), b"");
        second.extend(b"other");
        assert_eq!(second.as_ref().as_ptr(), place);
    }

    #[test]
    fn few_and_small_ones_are_kept() {
        let buffers = Arc::new(Buffers::default());
        let mut taken: Vec<Buffer> = (0..KEPT + 5).map(|_| buffers.take()).collect();
        for buffer in &mut taken {
            buffer.extend(b"x");
        }
        taken[0].extend(&vec![0; KEPT_BYTES + 1]);
        drop(taken.remove(0));
        assert_eq!(buffers.0.lock().unwrap().len(), 0);
        drop(taken);
        assert_eq!(buffers.0.lock().unwrap().len(), KEPT);
    }
}
