//! Ages and dates: ISO 8601 durations to days, RFC 3339 timestamps to seconds.

use ligate_model::AgeDays;

/// Days of a year and of a month, on average.
const YEAR: f64 = 365.25;
const MONTH: f64 = YEAR / 12.0;
/// No human age is longer; above it, the text is a slip.
const DAYS_MAX: f64 = 150.0 * YEAR;

/// An ISO 8601 duration (`P3Y4M`, `P2W`, `PT5H`, `-P4W` before birth) in days. Of an interval that
/// starts at the date of birth (`1967-11-21/P40Y`) the duration counts.
pub(super) fn duration(text: &str) -> Option<AgeDays> {
    let text = text.rsplit('/').next().unwrap_or_default().trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let text = text.strip_prefix(['P', 'p'])?;
    let (date, time) = text.split_once(['T', 't']).unwrap_or((text, ""));
    let units = [('Y', YEAR), ('M', MONTH), ('W', 7.0), ('D', 1.0)];
    let days = sum(date, &units)?
        + sum(
            time,
            &[
                ('H', 1.0 / 24.0),
                ('M', 1.0 / 1440.0),
                ('S', 1.0 / 86_400.0),
            ],
        )?;
    (!text.is_empty() && days <= DAYS_MAX).then_some(AgeDays(sign * days))
}

/// The sum of `number unit` pairs; `None` where the text is anything else.
fn sum(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut days = 0.0;
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')?;
        let (number, rest) = text.split_at(end);
        let number: f64 = number.replace(',', ".").parse().ok()?;
        let unit = rest.chars().next()?;
        days += number
            * units
                .iter()
                .find(|(name, _)| *name == unit.to_ascii_uppercase())?
                .1;
        text = &rest[unit.len_utf8()..];
    }
    Some(days)
}

/// Seconds since 1970 of `2018-03-01T00:00:00Z`, with a fraction or an offset; a date alone is its
/// midnight.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = text
        .split_once(['T', 't', ' '])
        .unwrap_or((text, "00:00:00Z"));
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(days_from_civil(year, month, day) * 86_400 + time_of_day(time)?)
}

fn time_of_day(text: &str) -> Option<i64> {
    let end = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (clock, offset) = text.split_at(end);
    let clock = clock.split('.').next()?;
    let mut parts = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let seconds = parts.next()?? * 3600 + parts.next()?? * 60 + parts.next().unwrap_or(Some(0))?;
    let offset = match offset.strip_prefix(['+', '-']) {
        Some(shift) => {
            let (hours, minutes) = shift.split_once(':')?;
            let shift = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            if offset.starts_with('-') {
                -shift
            } else {
                shift
            }
        }
        None => 0,
    };
    ((0..=86_400).contains(&seconds) && offset.abs() <= 86_400).then_some(seconds - offset)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, "chrono-compatible
/// low-level date algorithms", days_from_civil).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_days() {
        for (text, days) in [
            ("P6Y", 2191.5),
            ("P1Y6M", 547.875),
            ("P2W", 14.0),
            ("P3D", 3.0),
            ("PT12H", 0.5),
            ("P1DT12H", 1.5),
            ("P0.5Y", 182.625),
            ("P0D", 0.0),
            ("-P4W", -28.0),
            ("1967-11-21/P40Y", 14_610.0),
        ] {
            let AgeDays(found) = duration(text).unwrap();
            assert!((found - days).abs() < 1e-9, "{text}: {found}");
        }
        for text in [
            "", "P", "6Y", "P6", "PY", "P6X", "P1Y2", "P999Y", "P1.2.3Y", "Pé",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_seconds() {
        // By `date -u -d TEXT +%s` (GNU coreutils 9.1).
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2018-03-01T00:00:00Z", 1_519_862_400),
            ("2024-02-29T13:15:24.563273906Z", 1_709_212_524),
            ("1967-11-21", -66_700_800),
            ("2018-03-01T02:00:00+02:00", 1_519_862_400),
        ] {
            assert_eq!(timestamp(text), Some(seconds), "{text}");
        }
        for text in ["", "2018", "2018-13-01", "yesterday", "2018-03-01Tnoon"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
