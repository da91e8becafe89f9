//! Packed genotypes and the kernels that sum over them.
//!
//! One variant's calls of one sample block are one *row* of bytes: [`encode`] writes it from
//! [`Calls`], [`Row`] reads it without unpacking. [`SampleMask`] picks the people of an analysis,
//! [`ColumnSums`] adds columns of fixed-point numbers weighted by dosage, [`Batch`] is what a scan
//! over many rows hands out. The crate knows no variants, files or people, and does no I/O.
//! [`layout`] documents the bytes.
//!
//! ```
//! use ligate_genotypes::{Calls, ColumnSums, CorruptRow, Exception, Row, SampleMask, Weight, encode};
//!
//! let mut calls = Calls::new(4); // 0/0, 0/1, 1/1, ./.
//! calls.set_code(1, 1);
//! calls.set_code(2, 3);
//! calls.push_exception(3, Exception::Missing);
//! let mut bytes = Vec::new();
//! encode(&calls, 0..4, &mut bytes);
//!
//! let row = Row::parse(&bytes, 4)?;
//! assert_eq!((row.counts().allele_count, row.counts().allele_number), (3, 6));
//! assert_eq!(row.counts_among(&SampleMask::new(4, [0, 2, 3])).called, 2);
//!
//! let age = [61, 34, 50, 47];
//! let mut sums = [0];
//! ColumnSums::new(4, &[(Weight::Dosage, &age)]).add(&[Some(row)], &mut sums);
//! assert_eq!(sums, [34 + 2 * 50]);
//! # Ok::<(), CorruptRow>(())
//! ```

#![deny(unsafe_code)]

mod batch;
mod calls;
mod column_sums;
mod counts;
mod encode;
pub mod layout;
mod mask;
mod row;
mod sample_set;
#[allow(unsafe_code)] // AVX2 intrinsics, behind a proof that the processor has them
mod simd;

pub use batch::Batch;
pub use calls::{Calls, Exception, MAX_SAMPLES, Phase};
pub use column_sums::{ColumnSums, Weight};
pub use counts::AlleleCounts;
pub use encode::encode;
pub use mask::SampleMask;
pub use row::{Carriers, CorruptRow, Exceptions, Row};
