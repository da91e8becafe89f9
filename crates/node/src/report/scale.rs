//! The axis of -log10 p. Where some p is tiny, one linear axis would press everything else to the
//! floor: above a knee the scale is then compressed, marked as such, and still in order.

/// Above this maximum the axis has a knee.
const LINEAR_UP_TO: f64 = 30.0;
const KNEE: f64 = 20.0;
/// The share of the axis that lies below the knee.
const BELOW_KNEE: f64 = 0.7;

/// Where an axis ends that has no finite end. Values beyond an axis are drawn at its end.
const STRONGEST: f64 = 10_000.0;

/// Maps -log10 p to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    max: f64,
    knee: Option<f64>,
    bottom: f64,
    top: f64,
}

impl Scale {
    /// From 0 at pixel `bottom` to at least `max` at pixel `top`.
    pub(super) fn new(max: f64, bottom: f64, top: f64) -> Self {
        let max = if max.is_finite() {
            max.max(1.0)
        } else {
            STRONGEST
        };
        let knee = (max > LINEAR_UP_TO).then_some(KNEE);
        Self {
            max,
            knee,
            bottom,
            top,
        }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let value = value.max(0.0).min(self.max);
        let share = match self.knee {
            None => value / self.max,
            Some(knee) if value <= knee => BELOW_KNEE * value / knee,
            Some(knee) => BELOW_KNEE + (1.0 - BELOW_KNEE) * (value - knee) / (self.max - knee),
        };
        self.bottom - share * (self.bottom - self.top)
    }

    /// Where the scale changes, if it does.
    pub(super) fn knee(&self) -> Option<f64> {
        self.knee
    }

    pub(super) fn ticks(&self) -> Vec<f64> {
        let lower_end = self.knee.unwrap_or(self.max);
        let mut ticks = multiples(0.0, lower_end, step(lower_end, 7.0));
        if let Some(knee) = self.knee {
            let upper = step(self.max - knee, 3.0);
            ticks.extend(
                multiples(knee, self.max, upper)
                    .into_iter()
                    .filter(|tick| *tick > knee),
            );
        }
        ticks
    }
}

/// 1, 2 or 5 times a power of ten, so that `span` has at most `count` steps.
fn step(span: f64, count: f64) -> f64 {
    let raw = (span / count).max(1e-9);
    let power = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(10.0 * power)
}

fn multiples(from: f64, to: f64, step: f64) -> Vec<f64> {
    let first = (from / step).ceil() as u64;
    let last = (to / step + 1e-9).floor() as u64;
    (first..=last).map(|k| k as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_are_linear() {
        let scale = Scale::new(10.0, 400.0, 0.0);
        assert_eq!(
            (scale.at(0.0), scale.at(5.0), scale.at(10.0), scale.at(99.0)),
            (400.0, 200.0, 0.0, 0.0)
        );
        assert_eq!(scale.ticks(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(scale.knee(), None);
    }

    #[test]
    fn no_value_leaves_the_axis() {
        let scale = Scale::new(f64::INFINITY, 400.0, 0.0);
        assert_eq!(
            (scale.at(f64::INFINITY), scale.at(f64::NAN), scale.at(-1.0)),
            (0.0, 400.0, 400.0)
        );
    }

    #[test]
    fn tiny_p_values_leave_room_for_the_rest() {
        for max in [31.0, 64.0, 312.0, 5000.0] {
            let scale = Scale::new(max, 400.0, 0.0);
            assert_eq!(scale.at(20.0), 120.0);
            assert!(scale.at(max).abs() < 1e-9);
            let pixels: Vec<_> = (0..100)
                .map(|i| scale.at(f64::from(i) / 99.0 * max))
                .collect();
            assert!(
                pixels.windows(2).all(|pair| pair[0] > pair[1]),
                "{max} keeps the order"
            );
            assert!(
                scale.ticks().windows(2).all(|pair| pair[0] < pair[1]) && scale.ticks().len() <= 12,
                "{max}"
            );
        }
    }
}
