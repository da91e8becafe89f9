//! Entries of `bcftools csq` (samtools.github.io/bcftools/howtos/csq-calling.html):
//! `[*]consequence|gene|transcript|biotype[|strand|amino_acid_change|dna_change]`, or `@position`
//! where variants of one haplotype act together and another record holds their consequence.

use std::collections::HashMap;

use ligate_model::{Contig, Position};

use super::{Annotated, Annotator, Consequence, Record, TermSet, allele, vep::decoded};

/// Reads a BCSQ value.
pub(super) fn read<'r>(value: &'r str, record: &Record<'r>, out: &mut Annotated<'r>) {
    for entry in value.split(',') {
        if let Some(position) = entry.strip_prefix('@') {
            out.elsewhere
                .extend(position.parse().ok().map(Position::new));
            continue;
        }
        let (entry, after_stop) = entry
            .strip_prefix('*')
            .map_or((entry, false), |entry| (entry, true));
        let mut fields = entry.split('|');
        let mut next = || fields.next().unwrap_or_default();
        let mut consequence =
            Consequence::new(Annotator::BcftoolsCsq, TermSet::parse(next(), &['&']));
        consequence.gene = decoded(next());
        consequence.transcript = decoded(next());
        consequence.biotype = decoded(next());
        next(); // strand
        consequence.protein_change = decoded(next());
        let change = next();
        consequence.dna_change = decoded(change);
        consequence.after_stop = after_stop;
        match concerned(change, record) {
            Concerned::Alternate(alternate) => consequence.alternate = Some(alternate),
            Concerned::Record => {}
            Concerned::Nothing => {
                out.unmatched += 1;
                continue;
            }
        }
        out.consequences.push(consequence);
    }
}

enum Concerned {
    Alternate(u16),
    /// The change names no allele, or one at another place, as after left-alignment.
    Record,
    /// The change is that of an allele which the record does not have.
    Nothing,
}

/// Which allele of the record a DNA change, `13379A>C` or `13379A>C+13382G>T`, is about.
fn concerned(change: &str, record: &Record<'_>) -> Concerned {
    let changes = || change.split('+').filter_map(parse_change);
    for (place, alternate) in record.alternates.iter().enumerate() {
        let own = minimal(record.position.get(), record.reference, alternate);
        if changes().any(|(position, from, to)| minimal(position, from, to) == own) {
            return allele::number(place).map_or(Concerned::Record, Concerned::Alternate);
        }
    }
    let starts_here = changes().any(|(position, ..)| position == record.position.get());
    if starts_here {
        Concerned::Nothing
    } else {
        Concerned::Record
    }
}

fn parse_change(change: &str) -> Option<(u32, &str, &str)> {
    let digits = change.bytes().take_while(u8::is_ascii_digit).count();
    let (position, alleles) = change.split_at(digits);
    let (reference, alternate) = alleles.split_once('>')?;
    Some((position.parse().ok()?, reference, alternate))
}

fn minimal<'a>(position: u32, reference: &'a str, alternate: &'a str) -> (u32, &'a str, &'a str) {
    let (dropped, reference, alternate) = allele::trim(reference, alternate);
    (position.saturating_add(dropped), reference, alternate)
}

/// Consequences of several variants together. A record can point back to an earlier one and, in
/// genes of the minus strand, forward to a later one: so first all records are remembered, or all
/// of a contig, then each is completed.
#[derive(Debug, Default)]
pub struct Compounds {
    held: HashMap<(Contig, Position), Vec<Consequence<'static>>>,
}

impl Compounds {
    /// Keeps what a record says of other records too; nothing of most.
    pub fn remember(&mut self, contig: &Contig, record: &Record<'_>, annotated: &Annotated<'_>) {
        for consequence in annotated
            .consequences
            .iter()
            .filter(|consequence| is_compound(consequence))
        {
            let place = (contig.clone(), record.position);
            self.held
                .entry(place)
                .or_default()
                .push(consequence.clone().into_owned());
        }
    }

    /// Adds what other records hold for this one. A position stays in [`Annotated::elsewhere`] only
    /// where nothing was found there for an allele of this record.
    pub fn complete(&self, contig: &Contig, record: &Record<'_>, annotated: &mut Annotated<'_>) {
        if annotated.elsewhere.is_empty() {
            return;
        }
        let consequences = &mut annotated.consequences;
        annotated.elsewhere.retain(|position| {
            let before = consequences.len();
            let there = self
                .held
                .get(&(contig.clone(), *position))
                .into_iter()
                .flatten();
            consequences.extend(there.filter_map(|consequence| shared(consequence, record)));
            consequences.len() == before
        });
    }
}

/// Whether a consequence tells of other variants too.
fn is_compound(consequence: &Consequence<'_>) -> bool {
    consequence.annotator == Annotator::BcftoolsCsq
        && consequence
            .dna_change
            .as_deref()
            .is_some_and(|change| change.contains('+'))
}

/// The consequence as this record's, if it is one of its alleles'.
fn shared(consequence: &Consequence<'static>, record: &Record<'_>) -> Option<Consequence<'static>> {
    match concerned(
        consequence.dna_change.as_deref().unwrap_or_default(),
        record,
    ) {
        Concerned::Alternate(alternate) => Some(Consequence {
            alternate: Some(alternate),
            ..consequence.clone()
        }),
        _ => None,
    }
}
