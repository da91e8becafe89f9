//! A random orthogonal matrix that the nodes of a run share and nobody else knows.

use sha2::{Digest as _, Sha256};

use super::lanes::{self, Lane, Loop, dot, products, subtract};
use crate::masks::{Seed, add_mask};

/// Q as a product of Householder reflections: `size` random ones mix every coordinate with every
/// other.
pub struct Rotation {
    size: usize,
    axes: Vec<f64>,
}

/// Shows nothing of the secret.
impl std::fmt::Debug for Rotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rotation({})", self.size)
    }
}

impl Rotation {
    /// The rotation of a seed: equal at every node. A product of reflections along independent
    /// normal vectors is uniformly distributed over the orthogonal matrices once the vectors span
    /// (Stewart, SIAM J. Numer. Anal. 17:403 (1980) draws them in shrinking dimensions; here all
    /// have full length).
    pub fn new(size: usize, seed: &[u8; 32]) -> Self {
        let mut random = Stream::new(seed);
        let mut axes: Vec<f64> = (0..size * size).map(|_| random.normal()).collect();
        for axis in axes.chunks_exact_mut(size.max(1)) {
            let length = axis.iter().map(|value| value * value).sum::<f64>().sqrt();
            axis.iter_mut()
                .for_each(|value| *value /= length.max(f64::MIN_POSITIVE));
        }
        Self { size, axes }
    }

    /// Q'v in place.
    pub fn forward(&self, vector: &mut [f64]) {
        self.axes
            .chunks_exact(self.size.max(1))
            .for_each(|axis| reflect(axis, vector));
    }

    /// Qv in place.
    pub fn backward(&self, vector: &mut [f64]) {
        self.axes
            .chunks_exact(self.size.max(1))
            .rev()
            .for_each(|axis| reflect(axis, vector));
    }

    /// Q'v of vectors that lie side by side.
    pub(super) fn forward_lanes(&self, vectors: &mut [Lane]) {
        lanes::run(Reflections {
            axes: self.axes.chunks_exact(self.size.max(1)),
            vectors,
        });
    }

    /// Qv of vectors that lie side by side.
    pub(super) fn backward_lanes(&self, vectors: &mut [Lane]) {
        lanes::run(Reflections {
            axes: self.axes.chunks_exact(self.size.max(1)).rev(),
            vectors,
        });
    }
}

/// Reflections of vectors that lie side by side, one after another.
struct Reflections<'a, A> {
    axes: A,
    vectors: &'a mut [Lane],
}

impl<'a, A: Iterator<Item = &'a [f64]>> Loop for Reflections<'a, A> {
    #[inline(always)]
    fn run(self) {
        for axis in self.axes {
            let along = products(axis, self.vectors);
            for (lane, part) in self.vectors.iter_mut().zip(axis) {
                subtract(lane, 2.0 * part, &along);
            }
        }
    }
}

fn reflect(axis: &[f64], vector: &mut [f64]) {
    let along = 2.0 * dot(axis, vector);
    vector
        .iter_mut()
        .zip(axis)
        .for_each(|(value, a)| *value -= along * a);
}

/// Uniform and normal numbers that follow from a seed: the stream of the masks.
pub(super) struct Stream {
    seed: [u8; 32],
    block: u64,
    words: Vec<u64>,
}

impl Stream {
    const BLOCK: usize = 1024;

    pub fn new(seed: &[u8; 32]) -> Self {
        Self {
            seed: *seed,
            block: 0,
            words: Vec::new(),
        }
    }

    /// The stream that follows from a secret and some numbers.
    pub fn of(purpose: &str, secret: &[u8; 32], numbers: &[f64]) -> Self {
        let mut hash = Sha256::new();
        hash.update(purpose.as_bytes());
        hash.update(secret);
        numbers
            .iter()
            .for_each(|value| hash.update(value.to_le_bytes()));
        Self::new(&hash.finalize().into())
    }

    fn word(&mut self) -> u64 {
        if self.words.is_empty() {
            let mut hash = Sha256::new();
            hash.update(b"ligate span stream");
            hash.update(self.seed);
            hash.update(self.block.to_le_bytes());
            self.words = vec![0; Self::BLOCK];
            add_mask(&Seed::new(hash.finalize().into()), &mut self.words);
            self.block += 1;
        }
        self.words.pop().unwrap_or_default()
    }

    /// In (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.word() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// By Box and Muller (Ann. Math. Statist. 29:610 (1958)).
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (
            (-2.0 * libm::log(self.uniform())).sqrt(),
            std::f64::consts::TAU * self.uniform(),
        );
        radius * libm::cos(angle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_stay_and_the_way_back_leads_back() {
        let rotation = Rotation::new(7, &[5; 32]);
        let original: Vec<f64> = (0..7).map(|place| f64::from(place) - 2.5).collect();
        let mut turned = original.clone();
        rotation.forward(&mut turned);
        let length = |vector: &[f64]| vector.iter().map(|value| value * value).sum::<f64>();
        assert!((length(&turned) - length(&original)).abs() < 1e-12);
        assert!(
            turned
                .iter()
                .zip(&original)
                .all(|(a, b)| (a - b).abs() > 1e-6)
        );
        rotation.backward(&mut turned);
        assert!(
            turned
                .iter()
                .zip(&original)
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
    }
}
