//! Blocked gzip (SAM specification, section 4.1): gzip members of at most 64 KiB whose header says
//! how long they are, ended by an empty block. Each block inflates alone, so blocks inflate in
//! parallel, and a file that lacks the empty block at its end was cut.

mod block;
mod writer;

pub(crate) use block::{Span, has_end_marker, is_block_header, read_block};
pub use writer::Writer;

/// The empty block that ends a file.
pub(crate) const END: [u8; 28] = [
    0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, b'B', b'C', 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0,
    0, 0,
];

/// The most that a block holds once inflated.
pub(crate) const MAX_BLOCK: usize = 65_536;
