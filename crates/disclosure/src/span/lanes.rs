//! Sixteen vectors side by side, so that the processor does with all of them at once what is done
//! with each.

/// Vectors that lie side by side.
pub const LANES: usize = 16;

/// A loop over vectors that is compiled for each kind of processor, if `run` and what it calls are
/// always inlined.
pub trait Loop {
    fn run(self);
}

struct Compiled<L>(L);

impl<L: Loop> pulp::WithSimd for Compiled<L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        self.0.run();
    }
}

/// Runs a loop with AVX2 where the processor has it. Its instructions do the same operations in the
/// same order, so the result has the same bits on every machine.
pub fn run(work: impl Loop) {
    pulp::Arch::new().dispatch(Compiled(work));
}

/// One coordinate of each of the vectors.
pub type Lane = [f64; LANES];

/// Takes `factor` times another coordinate of each vector off this one.
#[inline(always)]
pub fn subtract(lane: &mut Lane, factor: f64, other: &Lane) {
    lane.iter_mut()
        .zip(other)
        .for_each(|(value, other)| *value -= factor * other);
}

/// The product of `axis` with each of the vectors.
#[inline(always)]
pub fn products(axis: &[f64], vectors: &[Lane]) -> Lane {
    let mut sums = [0.0; LANES];
    for (factor, lane) in axis.iter().zip(vectors) {
        sums.iter_mut()
            .zip(lane)
            .for_each(|(sum, value)| *sum += factor * value);
    }
    sums
}

/// Vectors of `size` numbers that lie one after another, side by side; 0 where there are fewer than
/// sixteen.
pub fn beside(vectors: &[f64], size: usize, lanes: &mut Vec<Lane>) {
    lanes.clear();
    lanes.resize(size, [0.0; LANES]);
    for (place, vector) in vectors.chunks_exact(size.max(1)).take(LANES).enumerate() {
        lanes
            .iter_mut()
            .zip(vector)
            .for_each(|(lane, value)| lane[place] = *value);
    }
}

/// The inverse of [`beside`], as far as `vectors` has room.
pub fn apart(lanes: &[Lane], vectors: &mut [f64]) {
    for (place, vector) in vectors
        .chunks_exact_mut(lanes.len().max(1))
        .take(LANES)
        .enumerate()
    {
        vector
            .iter_mut()
            .zip(lanes)
            .for_each(|(value, lane)| *value = lane[place]);
    }
}

/// The sum of products of two rows.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums that the processor can add at once.
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4
        .remainder()
        .iter()
        .zip(b4.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a4.zip(b4) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    rest + sums.iter().sum::<f64>()
}
