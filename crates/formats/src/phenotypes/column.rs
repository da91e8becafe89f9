//! One column: whether it holds numbers, and of which kind.

use ligate_model::{BinaryCoding, Variable, VariableKind, VariableName};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    Missing,
    Number(f64),
    /// Refused: no sum survives it.
    Infinite,
    Text,
}

impl Cell {
    pub fn parse(field: &str) -> Self {
        let field = field.trim();
        if field.is_empty()
            || field == "."
            || ["NA", "NaN", "N/A"].iter().any(|na| field.eq_ignore_ascii_case(na))
        {
            return Self::Missing;
        }
        match field.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            Ok(number) if number.is_nan() => Self::Missing,
            Ok(_) => Self::Infinite,
            Err(_) => Self::Text,
        }
    }
}

/// A column that is being read.
pub(super) struct Column {
    pub name: VariableName,
    values: Vec<Option<f64>>,
    distinct: Distinct,
    /// Line of the first field that is text.
    text: Option<u64>,
}

/// Which values occur, among all rows of the table.
#[derive(Clone, Copy, Default)]
struct Distinct {
    zero: bool,
    one: bool,
    two: bool,
    minus_nine: bool,
    other: bool,
}

impl Distinct {
    fn add(&mut self, number: f64) {
        match number {
            0.0 => self.zero = true,
            1.0 => self.one = true,
            2.0 => self.two = true,
            -9.0 => self.minus_nine = true,
            _ => self.other = true,
        }
    }

    fn any(self) -> bool {
        self.zero || self.one || self.two || self.minus_nine || self.other
    }

    /// The coding of a binary column; `None` of a quantitative one.
    fn coding(self) -> Option<BinaryCoding> {
        match (self.zero, self.one, self.two) {
            _ if self.other || self.minus_nine => None,
            (true, _, false) => Some(BinaryCoding::ZeroOne),
            (false, _, true) => Some(BinaryCoding::OneTwo),
            (false, true, false) => Some(BinaryCoding::Undecided),
            _ => None,
        }
    }
}

/// What a column turned out to be.
pub(super) enum Finished {
    Variable(Variable, Option<&'static str>),
    /// With the line that made it text, if other rows hold numbers.
    Text(Option<u64>),
}

impl Column {
    pub fn new(name: VariableName, individuals: usize) -> Self {
        Self { name, values: vec![None; individuals], distinct: Distinct::default(), text: None }
    }

    /// Adds the field of the individual at `place`, if it is one of the dataset.
    pub fn add(&mut self, cell: Cell, place: Option<usize>, line: u64) {
        match cell {
            Cell::Number(number) => {
                self.distinct.add(number);
                if let Some(value) = place.and_then(|place| self.values.get_mut(place)) {
                    *value = Some(number);
                }
            }
            Cell::Text => {
                self.text.get_or_insert(line);
            }
            Cell::Missing | Cell::Infinite => {}
        }
    }

    pub fn finish(self) -> Finished {
        if self.text.is_some() {
            return Finished::Text(self.text.filter(|_| self.distinct.any()));
        }
        let coding = self.distinct.coding();
        let kind = if coding.is_some() { VariableKind::Binary } else { VariableKind::Quantitative };
        let plink =
            self.distinct.minus_nine && (self.distinct.one || self.distinct.two) && !self.distinct.other;
        let note = plink.then_some("-9 is taken as a number; if it means missing, as in PLINK, write NA");
        Finished::Variable(Variable { name: self.name, kind, coding, values: self.values }, note)
    }
}
