//! One column: whether it holds numbers, and of which kind.

use ligate_model::{BinaryCoding, Variable, VariableKind, VariableName};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    Missing,
    Number(f64),
    /// An infinity, an overflow or a marked NaN: no sum survives it.
    NotFinite,
    Text,
}

/// How tables write that a value is missing, in any case of letters: by hand, by R, by
/// spreadsheets, by databases.
const MISSING: [&str; 8] = ["", ".", "NA", "NaN", "N/A", "#N/A", "null", "none"];

impl Cell {
    pub fn parse(field: &str) -> Self {
        let field = field.trim();
        if MISSING
            .iter()
            .any(|missing| field.eq_ignore_ascii_case(missing))
        {
            return Self::Missing;
        }
        match field.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            Ok(_) => Self::NotFinite,
            Err(_) if is_marked(field) => Self::NotFinite,
            Err(_) => Self::Text,
        }
    }
}

/// Whether C's printing wrote this for a number that is none: `nan(ind)`, `-nan(0x8)`, `1.#INF`.
fn is_marked(field: &str) -> bool {
    let field = field.trim_start_matches(['+', '-']);
    let nan = field
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("nan("))
        && field.ends_with(')');
    nan || field.starts_with("1.#")
}

/// A column that is being read.
pub(super) struct Column {
    pub name: VariableName,
    values: Vec<Option<f64>>,
    distinct: Distinct,
    /// Line of the first field that is text.
    text: Option<u64>,
    /// Line of the first -9.
    minus_nine: Option<u64>,
}

/// Which values occur, among all rows of the table.
#[derive(Clone, Copy, Default)]
struct Distinct {
    zero: bool,
    one: bool,
    two: bool,
    minus_nine: bool,
    other_negative: bool,
    other: bool,
}

impl Distinct {
    fn add(&mut self, number: f64) {
        match number {
            0.0 => self.zero = true,
            1.0 => self.one = true,
            2.0 => self.two = true,
            -9.0 => self.minus_nine = true,
            _ if number < 0.0 => self.other_negative = true,
            _ => self.other = true,
        }
    }

    fn any(self) -> bool {
        self.zero || self.one || self.two || self.minus_nine || self.other_negative || self.other
    }

    /// The coding of a binary column; `None` of a quantitative one.
    fn coding(self) -> Option<BinaryCoding> {
        let others = self.other || self.other_negative || self.minus_nine;
        if others {
            None
        } else {
            BinaryCoding::of_occurring([self.zero, self.one, self.two])
        }
    }
}

/// What a column turned out to be.
pub(super) enum Finished {
    Variable {
        variable: Variable,
        /// Line of the first -9, if it looks like PLINK's code for missing.
        minus_nine: Option<u64>,
    },
    Text {
        first_line: u64,
        /// Whether other rows hold numbers.
        beside_numbers: bool,
    },
}

impl Column {
    pub fn new(name: VariableName, individuals: usize) -> Self {
        let (values, distinct) = (vec![None; individuals], Distinct::default());
        Self {
            name,
            values,
            distinct,
            text: None,
            minus_nine: None,
        }
    }

    /// Adds the field of the individual at `place`, if it is one of the dataset.
    pub fn add(&mut self, cell: Cell, place: Option<usize>, line: u64) {
        match cell {
            Cell::Number(number) => {
                self.distinct.add(number);
                if number == -9.0 {
                    self.minus_nine.get_or_insert(line);
                }
                if let Some(value) = place.and_then(|place| self.values.get_mut(place)) {
                    *value = Some(number);
                }
            }
            Cell::Text => {
                self.text.get_or_insert(line);
            }
            Cell::Missing | Cell::NotFinite => {}
        }
    }

    pub fn finish(self) -> Finished {
        if let Some(first_line) = self.text {
            return Finished::Text {
                first_line,
                beside_numbers: self.distinct.any(),
            };
        }
        let coding = self.distinct.coding();
        let kind = if coding.is_some() {
            VariableKind::Binary
        } else {
            VariableKind::Quantitative
        };
        let variable = Variable {
            name: self.name,
            kind,
            coding,
            values: self.values,
        };
        // Among other negative numbers -9 is one of them.
        let minus_nine = self.minus_nine.filter(|_| !self.distinct.other_negative);
        Finished::Variable {
            variable,
            minus_nine,
        }
    }
}
