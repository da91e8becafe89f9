//! A VCF of sites: one site for each alternate allele, with AF, or AC and AN, of INFO. Genotypes
//! are not read.

use ligate_model::Position;

use super::{CurrentContig, Site, SitesKind, SitesReport};
use crate::{Problems, ReadError, text::Lines};

pub(super) fn visit(
    mut lines: Lines,
    visit: &mut dyn FnMut(&Site<'_>),
) -> Result<SitesReport, ReadError> {
    let path = lines.path().to_owned();
    let mut report = SitesReport {
        kind: SitesKind::Variants,
        sites: 0,
        problems: Problems::default(),
    };
    let mut contig = CurrentContig::default();
    while let Some(line) = lines.next_line()? {
        if line.text.is_empty() || line.text.starts_with('#') {
            continue;
        }
        match record(&line.text, line.number, &mut contig, visit) {
            Ok(sites) => report.sites += sites,
            Err(message) => report.problems.push(&path, line.number, message),
        }
    }
    Ok(report)
}

fn record(
    text: &str,
    line: u64,
    contig: &mut CurrentContig,
    visit: &mut dyn FnMut(&Site<'_>),
) -> Result<u64, &'static str> {
    let mut fields = text.split('\t');
    let mut next = || {
        fields
            .next()
            .ok_or("the record has fewer than eight fields")
    };
    let (name, position, _, reference, alternates, _, _, info) = (
        next()?,
        next()?,
        next()?,
        next()?,
        next()?,
        next()?,
        next()?,
        next()?,
    );
    let position: u32 = position
        .parse()
        .map_err(|_| "the position is no number from 0 to 4294967295")?;
    let contig = contig.get(name);
    let counts = Counts::new(info);
    let mut sites = 0;
    for (place, alternate) in alternates.split(',').enumerate() {
        if matches!(alternate, "." | "" | "*" | "<*>" | "<NON_REF>") {
            continue;
        }
        sites += 1;
        visit(&Site {
            contig,
            position: Position::new(position),
            alleles: Some((reference, alternate)),
            gene: None,
            term: None,
            loftee: None,
            frequency: counts.frequency(place),
            allele_number: counts.number,
            line,
        });
    }
    Ok(sites)
}

/// AF, AC and AN of one record.
struct Counts<'a> {
    frequencies: Option<&'a str>,
    counts: Option<&'a str>,
    number: Option<u32>,
}

impl<'a> Counts<'a> {
    fn new(info: &'a str) -> Self {
        let mut counts = Self {
            frequencies: None,
            counts: None,
            number: None,
        };
        for (key, value) in info.split(';').filter_map(|item| item.split_once('=')) {
            match key {
                "AF" => counts.frequencies = Some(value),
                "AC" => counts.counts = Some(value),
                "AN" => counts.number = value.parse().ok(),
                _ => {}
            }
        }
        counts
    }

    /// AC/AN where both are there, as it is exact; else AF.
    fn frequency(&self, place: usize) -> Option<f32> {
        let at = |values: Option<&'a str>| values.and_then(|values| values.split(',').nth(place));
        let count = at(self.counts).and_then(|text| text.parse::<u32>().ok());
        let exact = count
            .zip(self.number)
            .filter(|(count, number)| *number > 0 && count <= number);
        let stated = || at(self.frequencies).and_then(|text| text.parse::<f32>().ok());
        exact
            .map(|(count, number)| (f64::from(count) / f64::from(number)) as f32)
            .or_else(stated)
            .filter(|frequency| (0.0..=1.0).contains(frequency))
    }
}
