//! When something was: every form of the schema's `TimeElement` as an age or an onset term.

use ligate_model::{AgeDays, Onset};

use crate::phenopacket::{
    age,
    message::{Age, AgeRange, GestationalAge, Individual, TimeElement, Timestamp},
};

/// Days of a pregnancy, from the last menstruation.
const GESTATION: f64 = 280.0;
/// Bounds of an age that dates can give, in days.
const AGES: std::ops::RangeInclusive<f64> = -300.0..=55_000.0;

/// What ages are counted from.
pub(super) struct Times {
    born: Option<i64>,
}

/// Reads times and counts those that it cannot read.
pub(super) struct Clock<'a> {
    times: &'a Times,
    pub unreadable: usize,
}

impl Times {
    pub fn of(subject: Option<&Individual>) -> Self {
        let born = subject.and_then(|subject| subject.date_of_birth.as_ref());
        Self {
            born: born.map(|born| born.seconds),
        }
    }

    pub fn clock(&self) -> Clock<'_> {
        Clock {
            times: self,
            unreadable: 0,
        }
    }
}

impl Clock<'_> {
    /// An age, or an onset term of HPO. A range of ages is its middle; an interval of dates its
    /// start. A date without a date of birth, and a term of another ontology, say nothing.
    pub fn onset(&mut self, time: &TimeElement) -> Option<Onset> {
        if let Some(class) = &time.ontology_class {
            return class.id.parse().ok().map(Onset::Term);
        }
        let start = time
            .interval
            .as_ref()
            .and_then(|interval| interval.start.as_ref());
        let age = if let Some(age) = &time.age {
            self.age(age)
        } else if let Some(range) = &time.age_range {
            self.middle(range)
        } else if let Some(GestationalAge { weeks, days }) = time.gestational_age {
            Some(AgeDays(
                f64::from(weeks) * 7.0 + f64::from(days) - GESTATION,
            ))
        } else {
            self.date(time.timestamp.as_ref().or(start)?)
        };
        age.map(Onset::Age)
    }

    fn age(&mut self, age: &Age) -> Option<AgeDays> {
        if age.iso8601duration.is_empty() {
            return None;
        }
        let days = age::duration(&age.iso8601duration);
        self.unreadable += usize::from(days.is_none());
        days
    }

    fn middle(&mut self, range: &AgeRange) -> Option<AgeDays> {
        let start = range.start.as_ref().and_then(|age| self.age(age));
        let end = range.end.as_ref().and_then(|age| self.age(age));
        match (start, end) {
            (Some(AgeDays(start)), Some(AgeDays(end))) => Some(AgeDays((start + end) / 2.0)),
            (start, end) => start.or(end),
        }
    }

    fn date(&mut self, date: &Timestamp) -> Option<AgeDays> {
        let seconds = date.seconds.checked_sub(self.times.born?);
        let days = seconds
            .map(|seconds| seconds as f64 / 86_400.0)
            .filter(|days| AGES.contains(days));
        self.unreadable += usize::from(days.is_none());
        days.map(AgeDays)
    }
}
