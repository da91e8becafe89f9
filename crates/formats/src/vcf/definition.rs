//! What INFO and FORMAT keys hold: the number and type of their values, from the header or, for
//! reserved keys, from the specification (VCF 4.1 to 4.5, tables of reserved keys). Ligate reads GT
//! alone; a value that breaks its definition is reported because it shows that the file is not what
//! it says, and its record is kept.

use std::str;

/// How many values a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Count(u32),
    /// One per alternate allele.
    Alternates,
    /// One per allele.
    Alleles,
    /// One per genotype.
    Genotypes,
    /// `.`, or a number that depends on more than the alleles.
    Any,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Float,
    Flag,
    Character,
    String,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub number: Number,
    pub kind: Kind,
    pub rule: Rule,
}

/// What the specification asks of a reserved key's values beyond number and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    None,
    NotNegative,
    Cigar,
}

/// The number of a reserved key, and the type unless any number will do.
struct Reserved(&'static str, Number, Option<Kind>, Rule);

const ONE: Number = Number::Count(1);

/// Keys that all versions define alike.
const INFO: [Reserved; 17] = [
    Reserved("AA", ONE, Some(Kind::String), Rule::None),
    Reserved(
        "AC",
        Number::Alternates,
        Some(Kind::Integer),
        Rule::NotNegative,
    ),
    Reserved(
        "AF",
        Number::Alternates,
        Some(Kind::Float),
        Rule::NotNegative,
    ),
    Reserved("AN", ONE, Some(Kind::Integer), Rule::NotNegative),
    Reserved("BQ", ONE, Some(Kind::Float), Rule::None),
    Reserved("CIGAR", Number::Alternates, Some(Kind::String), Rule::Cigar),
    Reserved("DB", Number::Count(0), Some(Kind::Flag), Rule::None),
    Reserved("DP", ONE, Some(Kind::Integer), Rule::NotNegative),
    Reserved("END", ONE, Some(Kind::Integer), Rule::NotNegative),
    Reserved("H2", Number::Count(0), Some(Kind::Flag), Rule::None),
    Reserved("H3", Number::Count(0), Some(Kind::Flag), Rule::None),
    Reserved("MQ", ONE, None, Rule::None),
    Reserved("MQ0", ONE, Some(Kind::Integer), Rule::NotNegative),
    Reserved("NS", ONE, Some(Kind::Integer), Rule::NotNegative),
    Reserved("SOMATIC", Number::Count(0), Some(Kind::Flag), Rule::None),
    Reserved("VALIDATED", Number::Count(0), Some(Kind::Flag), Rule::None),
    Reserved("1000G", Number::Count(0), Some(Kind::Flag), Rule::None),
];

const FORMAT: [Reserved; 13] = [
    Reserved("GT", ONE, Some(Kind::String), Rule::None),
    Reserved("DP", ONE, Some(Kind::Integer), Rule::NotNegative),
    Reserved(
        "EC",
        Number::Alternates,
        Some(Kind::Integer),
        Rule::NotNegative,
    ),
    Reserved("FT", ONE, Some(Kind::String), Rule::None),
    Reserved("GL", Number::Genotypes, Some(Kind::Float), Rule::None),
    Reserved("GLE", Number::Genotypes, Some(Kind::String), Rule::None),
    Reserved("GP", Number::Genotypes, Some(Kind::Float), Rule::None),
    Reserved("GQ", ONE, Some(Kind::Integer), Rule::None),
    Reserved("HQ", Number::Count(2), Some(Kind::Integer), Rule::None),
    Reserved("MQ", ONE, Some(Kind::Integer), Rule::None),
    Reserved("PL", Number::Genotypes, Some(Kind::Integer), Rule::None),
    Reserved("PQ", ONE, Some(Kind::Integer), Rule::None),
    Reserved("PS", ONE, Some(Kind::Integer), Rule::None),
];

/// The two columns that hold keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Info,
    Format,
}

impl Column {
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Format => "FORMAT",
        }
    }

    fn reserved(self, key: &str) -> Option<&'static Reserved> {
        match self {
            Self::Info => INFO.iter().find(|reserved| reserved.0 == key),
            Self::Format => FORMAT.iter().find(|reserved| reserved.0 == key),
        }
    }
}

impl Definition {
    /// What the specification says of a key; `None` if it says nothing.
    pub fn reserved(column: Column, key: &[u8]) -> Option<Self> {
        let reserved = column.reserved(str::from_utf8(key).ok()?)?;
        Some(Self {
            number: reserved.1,
            kind: reserved.2.unwrap_or(Kind::Float),
            rule: reserved.3,
        })
    }

    /// The definition in the header, and how it differs from the specification's.
    pub fn declared(
        column: Column,
        key: &str,
        number: Number,
        kind: Kind,
        minor: u8,
    ) -> (Self, Option<String>) {
        let mut definition = Self {
            number,
            kind,
            rule: Rule::None,
        };
        let Some(reserved) = column.reserved(key) else {
            return (definition, None);
        };
        let differs = |what, expected: &str| {
            Some(format!(
                "{} {key}: the specification gives {what} {expected}",
                column.name()
            ))
        };
        // From version 4.3 on a filter of a genotype may be a list.
        let list = key == "FT" && minor >= 3;
        let fault = if reserved.1 != number && !list {
            differs("Number", &number_name(reserved.1))
        } else if reserved.2.is_some_and(|expected| expected != kind) {
            differs("Type", reserved.2.map_or("", kind_name))
        } else {
            definition.rule = reserved.3;
            None
        };
        (definition, fault)
    }

    /// Whether `values`, which stand between two separators, hold what they should. `alternates` is
    /// 0 where there is no alternate allele; `genotypes` is how many there are, if that is known.
    pub fn check(
        &self,
        values: &[u8],
        alternates: u32,
        genotypes: Option<u32>,
    ) -> Result<(), &'static str> {
        if values == b"." {
            return Ok(());
        }
        if self.kind == Kind::Flag {
            let flag = values == b"0" || values == b"1";
            return if flag {
                Ok(())
            } else {
                Err("is a flag and holds a value")
            };
        }
        if !self.number_fits(values, alternates, genotypes) {
            return Err("does not hold the number of values of its definition");
        }
        for value in values.split(|byte| *byte == b',') {
            if value != b"." && !self.value_fits(value) {
                return Err("holds a value that its definition does not allow");
            }
        }
        Ok(())
    }

    fn number_fits(&self, values: &[u8], alternates: u32, genotypes: Option<u32>) -> bool {
        let count = 1 + memchr::memchr_iter(b',', values).count() as u64;
        match self.number {
            Number::Count(0) | Number::Any => true,
            Number::Count(number) => count == u64::from(number),
            Number::Alternates => alternates == 0 || count == u64::from(alternates),
            Number::Alleles => alternates == 0 || count == u64::from(alternates) + 1,
            Number::Genotypes => genotypes.is_none_or(|genotypes| count == u64::from(genotypes)),
        }
    }

    fn value_fits(&self, value: &[u8]) -> bool {
        let typed = match self.kind {
            Kind::Integer => is_integer(value),
            Kind::Float => is_float(value),
            Kind::Character => str::from_utf8(value).is_ok_and(|text| text.chars().count() == 1),
            Kind::String | Kind::Flag => true,
        };
        typed
            && match self.rule {
                Rule::None => true,
                Rule::NotNegative => !value.starts_with(b"-"),
                Rule::Cigar => is_cigar(value),
            }
    }
}

/// Reads the `Number` of a definition; versions before 4.2 have no `R`, versions before 4.4 no
/// local numbers.
pub(super) fn parse_number(text: &str, minor: u8) -> Option<Number> {
    Some(match text {
        "A" => Number::Alternates,
        "R" if minor >= 2 => Number::Alleles,
        "G" => Number::Genotypes,
        "." => Number::Any,
        "LA" | "LR" | "LG" | "P" | "M" if minor >= 4 => Number::Any,
        digits => Number::Count(digits.parse().ok()?),
    })
}

/// Reads the `Type` of a definition.
pub(super) fn parse_kind(text: &str, column: Column) -> Option<Kind> {
    Some(match text {
        "Integer" => Kind::Integer,
        "Float" => Kind::Float,
        "Flag" if column == Column::Info => Kind::Flag,
        "Character" => Kind::Character,
        "String" => Kind::String,
        _ => return None,
    })
}

fn number_name(number: Number) -> String {
    match number {
        Number::Count(count) => count.to_string(),
        Number::Alternates => "A".into(),
        Number::Alleles => "R".into(),
        Number::Genotypes => "G".into(),
        Number::Any => ".".into(),
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "Integer",
        Kind::Float => "Float",
        Kind::Flag => "Flag",
        Kind::Character => "Character",
        Kind::String => "String",
    }
}

fn is_integer(value: &[u8]) -> bool {
    let digits = value
        .strip_prefix(b"-")
        .or(value.strip_prefix(b"+"))
        .unwrap_or(value);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Decimal or scientific notation, `NaN` and `Inf` in any case.
pub(super) fn is_float(value: &[u8]) -> bool {
    str::from_utf8(value).is_ok_and(|text| text.parse::<f64>().is_ok())
}

fn is_cigar(value: &[u8]) -> bool {
    let mut digits = 0;
    for byte in value {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'M' | b'I' | b'D' | b'N' | b'S' | b'H' | b'P' | b'=' | b'X' if digits > 0 => {
                digits = 0
            }
            _ => return false,
        }
    }
    digits == 0
}

/// Genotypes of `ploidy` alleles out of `alleles`, n + p - 1 over p; `None` where that is beyond 32
/// bits.
pub(super) fn genotypes(alleles: u32, ploidy: u32) -> Option<u32> {
    let mut count = 1_u64;
    for i in 0..u64::from(ploidy) {
        count = count.checked_mul(u64::from(alleles) + i)? / (i + 1);
    }
    u32::try_from(count).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_against_number_and_type() {
        let definition = |number, kind| Definition {
            number,
            kind,
            rule: Rule::None,
        };
        for (definition, values, ok) in [
            (definition(ONE, Kind::Integer), "12", true),
            (definition(ONE, Kind::Integer), "12,13", false),
            (definition(ONE, Kind::Integer), "1.5", false),
            (definition(ONE, Kind::Float), "1.1e-123", true),
            (definition(ONE, Kind::Float), "nan", true),
            (definition(ONE, Kind::Float), "x", false),
            (definition(ONE, Kind::Character), "x", true),
            (definition(ONE, Kind::Character), "9.3", false),
            (definition(Number::Alternates, Kind::Integer), "1,.", true),
            (definition(Number::Alternates, Kind::Integer), "1", false),
            (definition(Number::Alleles, Kind::Integer), "1,2,3", true),
            (
                definition(Number::Genotypes, Kind::Integer),
                "1,2,3,4,5,6",
                true,
            ),
            (definition(Number::Genotypes, Kind::Integer), ".", true),
            (definition(Number::Count(0), Kind::Flag), "1", true),
            (definition(Number::Count(0), Kind::Flag), "yes", false),
        ] {
            assert_eq!(
                definition
                    .check(values.as_bytes(), 2, genotypes(3, 2))
                    .is_ok(),
                ok,
                "{values}"
            );
        }
    }

    #[test]
    fn genotypes_are_counted() {
        assert_eq!(
            [
                genotypes(2, 2),
                genotypes(3, 2),
                genotypes(3, 3),
                genotypes(4, 1)
            ],
            [Some(3), Some(6), Some(10), Some(4)]
        );
        assert_eq!(genotypes(60_000, 200), None);
    }

    #[test]
    fn cigars_are_checked() {
        assert!(is_cigar(b"1M30I2D1N"));
        assert!(!is_cigar(b"123MYCIGAR"));
        assert!(!is_cigar(b"0.05"));
    }
}
