//! Sites in memory: sorted by place within each contig, genes and longer alleles held once.

use std::{collections::HashMap, path::Path};

use ligate_model::{Contig, Position, VariantKey};

use super::{Site, SitesReport, visit};
use crate::{
    ReadError,
    consequence::{Loftee, SequenceOntologyTerm},
};

/// The sites of one file that the caller wanted. Alleles are compared trimmed of what they share,
/// as variants of this crate are.
#[derive(Default)]
pub struct SiteTable {
    contigs: HashMap<Contig, Vec<Compact>>,
    /// Genes and alleles by number; number 0 is none.
    texts: Vec<Box<str>>,
}

/// What the table knows of one site.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SiteEntry<'a> {
    pub position: Position,
    /// Trimmed; nothing where the file knows only the place.
    pub alleles: Option<(&'a str, &'a str)>,
    pub gene: Option<&'a str>,
    pub term: Option<SequenceOntologyTerm>,
    pub loftee: Option<Loftee>,
    /// Nothing where the file lists the site without a frequency.
    pub frequency: Option<f32>,
}

#[derive(Clone, Copy)]
struct Compact {
    position: u32,
    reference: u32,
    alternate: u32,
    gene: u32,
    /// NaN for none.
    frequency: f32,
    term: Option<SequenceOntologyTerm>,
    loftee: Option<Loftee>,
}

impl SiteTable {
    /// Reads a file of any of the kinds and keeps the sites for which `keep` says so.
    pub fn read(
        path: &Path,
        keep: &mut dyn FnMut(&Site<'_>) -> bool,
    ) -> Result<(Self, SitesReport), ReadError> {
        let mut table = Self {
            contigs: HashMap::new(),
            texts: vec!["".into()],
        };
        let mut numbers: HashMap<Box<str>, u32> = HashMap::from([("".into(), 0)]);
        let report = visit(path, &mut |site| {
            if keep(site) {
                table.add(site, &mut numbers);
            }
        })?;
        for sites in table.contigs.values_mut() {
            sites.sort_by_key(|site| site.position);
            sites.shrink_to_fit();
        }
        Ok((table, report))
    }

    fn add(&mut self, site: &Site<'_>, numbers: &mut HashMap<Box<str>, u32>) {
        let (reference, alternate) = site.alleles.unwrap_or_default();
        let (dropped, reference, alternate) = trim(reference, alternate);
        let mut number = |text: &str| match numbers.get(text) {
            Some(number) => *number,
            None => {
                let number = self.texts.len() as u32;
                self.texts.push(text.into());
                numbers.insert(text.into(), number);
                number
            }
        };
        let compact = Compact {
            position: site.position.get().saturating_add(dropped),
            reference: number(reference),
            alternate: number(alternate),
            gene: number(site.gene.unwrap_or_default()),
            frequency: site.frequency.unwrap_or(f32::NAN),
            term: site.term,
            loftee: site.loftee,
        };
        match self.contigs.get_mut(site.contig) {
            Some(sites) => sites.push(compact),
            None => {
                self.contigs.insert(site.contig.clone(), vec![compact]);
            }
        }
    }

    /// How many sites are held.
    pub fn len(&self) -> usize {
        self.contigs.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.contigs.is_empty()
    }

    /// All sites at a place: those of alleles stand at the first base that the trimmed alleles
    /// have.
    pub fn at(&self, contig: &Contig, position: Position) -> impl Iterator<Item = SiteEntry<'_>> {
        let sites = self.contigs.get(contig).map_or(&[][..], Vec::as_slice);
        let start = sites.partition_point(|site| site.position < position.get());
        let here = sites
            .iter()
            .skip(start)
            .take_while(move |site| site.position == position.get());
        here.map(|site| self.entry(site))
    }

    /// The site of this very allele; of several lines the one with the largest frequency.
    pub fn get(&self, key: &VariantKey) -> Option<SiteEntry<'_>> {
        let (dropped, reference, alternate) = trim(key.reference.as_str(), key.alternate.as_str());
        let position = Position::new(key.position.get().saturating_add(dropped));
        let same = self
            .at(&key.contig, position)
            .filter(|entry| entry.alleles == Some((reference, alternate)));
        let frequency = |entry: &SiteEntry<'_>| entry.frequency.unwrap_or(0.0);
        same.max_by(|a, b| frequency(a).total_cmp(&frequency(b)))
    }

    fn entry(&self, site: &Compact) -> SiteEntry<'_> {
        let text = |number: u32| {
            self.texts
                .get(number as usize)
                .map(|text| &**text)
                .filter(|t| !t.is_empty())
        };
        SiteEntry {
            position: Position::new(site.position),
            alleles: text(site.reference).zip(text(site.alternate)),
            gene: text(site.gene),
            term: site.term,
            loftee: site.loftee,
            frequency: Some(site.frequency).filter(|frequency| !frequency.is_nan()),
        }
    }
}

/// Alleles trimmed to the least that VCF can write: one base is left of each, the last shared one
/// goes first.
fn trim<'a>(mut reference: &'a str, mut alternate: &'a str) -> (u32, &'a str, &'a str) {
    let spelled = |text: &str| text.bytes().all(|base| base.is_ascii_alphabetic());
    if !(spelled(reference) && spelled(alternate)) {
        return (0, reference, alternate);
    }
    let longer = |r: &str, a: &str| r.len() > 1 && a.len() > 1;
    while longer(reference, alternate) && reference.as_bytes().last() == alternate.as_bytes().last()
    {
        reference = &reference[..reference.len() - 1];
        alternate = &alternate[..alternate.len() - 1];
    }
    let mut dropped = 0;
    while longer(reference, alternate)
        && reference.as_bytes().first() == alternate.as_bytes().first()
    {
        (reference, alternate) = (&reference[1..], &alternate[1..]);
        dropped += 1;
    }
    (dropped, reference, alternate)
}
