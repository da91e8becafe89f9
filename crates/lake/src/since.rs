//! What all steps since a snapshot changed in one variant, and whether that may be the calls of a
//! few people.

use crate::tables::{Change, ChangeKind, Sketch};

/// The steps that touch one variant.
pub struct StepsSince {
    /// Somebody's calls came or went as a whole.
    whole: bool,
    steps: u32,
    /// The last step; two rows of one step are of a symbolic key, which may be two variants.
    last: u32,
    repeats: bool,
    /// People in the largest step, and in all of them together.
    largest: u32,
    all: u64,
    /// `None` where a step has none.
    sketch: Option<Sketch>,
}

impl StepsSince {
    /// The first step.
    pub fn of(change: &Change) -> Self {
        let mut steps = Self {
            whole: false,
            steps: 0,
            last: 0,
            repeats: false,
            largest: 0,
            all: 0,
            sketch: Some(Sketch::default()),
        };
        steps.add(change);
        steps
    }

    /// A later one.
    pub fn add(&mut self, change: &Change) {
        let ChangeKind::Changed(people) = change.kind else {
            self.whole = true;
            return;
        };
        self.repeats |= self.steps > 0 && self.last == change.step;
        self.steps += 1;
        self.last = change.step;
        self.largest = self.largest.max(people);
        self.all += u64::from(people);
        self.sketch = self
            .sketch
            .zip(change.sketch)
            .map(|(sketch, step)| sketch.and(&step));
    }

    /// Whether the calls of some, but of fewer than `people_below` people may differ: by its count
    /// where it was one step; where the largest step is larger than all others together, at least
    /// by what is left of it; else by the sketches. Steps of several programs, of which one kept no
    /// sketch, may be anything.
    pub fn may_be_few(&self, people_below: u32) -> bool {
        if self.whole || self.repeats {
            return true;
        }
        if self.steps == 1 {
            return self.largest < people_below;
        }
        let least = (2 * u64::from(self.largest)).saturating_sub(self.all);
        least < u64::from(people_below).max(1)
            && self
                .sketch
                .is_none_or(|sketch| sketch.may_be_few(people_below))
    }
}
