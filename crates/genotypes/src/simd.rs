//! Where AVX2 is entered: a kernel is written once over [`Lanes`] and compiled twice, for AVX2 and
//! portably. Both add integers, so both give the same bits. The only unsafe code of the crate;
//! [`Avx2`] exists only where the processor was seen to have it, which is what makes the calls
//! sound.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_load_si256, _mm256_store_si256,
};

/// Four columns of 64-bit integers, aligned for one vector load.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Lane(pub [i64; 4]);

impl Lane {
    pub const ZERO: Self = Self([0; 4]);
}

/// What a kernel may do with four columns at once; sums wrap.
pub(crate) trait Lanes: Copy {
    type Vector: Copy;
    fn load(self, lane: &Lane) -> Self::Vector;
    fn store(self, vector: Self::Vector, lane: &mut Lane);
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
}

/// A loop that profits from the processor's vectors. Mark `run` and all that it calls
/// `#[inline(always)]`: only what is inlined into the AVX2 entry is compiled for AVX2.
pub(crate) trait Kernel {
    type Output;
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// The instructions that kernels run on.
#[derive(Clone, Copy)]
pub(crate) enum Processor {
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable,
}

impl Processor {
    #[inline]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = Avx2::detect() {
            return Self::Avx2(avx2);
        }
        Self::Portable
    }

    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `avx2` proves that the processor has all features of `run_avx2`.
            Self::Avx2(avx2) => unsafe { run_avx2(avx2, kernel) },
            Self::Portable => kernel.run(Portable),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn run_avx2<K: Kernel>(avx2: Avx2, kernel: K) -> K::Output {
    kernel.run(avx2)
}

/// Proof that the processor has AVX2, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    #[inline]
    fn detect() -> Option<Self> {
        let present = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("popcnt");
        present.then_some(Self(()))
    }
}

// SAFETY of all blocks below: `self` proves AVX2; a `Lane` is 32 bytes, aligned to 32.
#[cfg(target_arch = "x86_64")]
impl Lanes for Avx2 {
    type Vector = __m256i;

    #[inline(always)]
    fn load(self, lane: &Lane) -> __m256i {
        unsafe { _mm256_load_si256(lane.0.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m256i, lane: &mut Lane) {
        unsafe { _mm256_store_si256(lane.0.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_add_epi64(a, b) }
    }

    #[inline(always)]
    fn and(self, a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_and_si256(a, b) }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Lanes for Portable {
    type Vector = [i64; 4];

    #[inline(always)]
    fn load(self, lane: &Lane) -> [i64; 4] {
        lane.0
    }

    #[inline(always)]
    fn store(self, vector: [i64; 4], lane: &mut Lane) {
        lane.0 = vector;
    }

    #[inline(always)]
    fn add(self, a: [i64; 4], b: [i64; 4]) -> [i64; 4] {
        [
            a[0].wrapping_add(b[0]),
            a[1].wrapping_add(b[1]),
            a[2].wrapping_add(b[2]),
            a[3].wrapping_add(b[3]),
        ]
    }

    #[inline(always)]
    fn and(self, a: [i64; 4], b: [i64; 4]) -> [i64; 4] {
        [a[0] & b[0], a[1] & b[1], a[2] & b[2], a[3] & b[3]]
    }
}
