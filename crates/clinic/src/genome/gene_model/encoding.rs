//! The model as a section of the knowledge: genes, then transcripts as differences.

use super::{GeneModel, GeneStructure, ModelGene, TranscriptStructure};
use crate::genome::{
    Chromosome,
    compact::{ByteReader, CompactError, Writer},
};

const SECTION: &str = "structures";
const VERSION: u64 = 1;

impl GeneModel {
    /// The section's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(VERSION);
        out.number(self.genes.len() as u64);
        for gene in &self.genes {
            out.text(&gene.symbol);
            out.number(gene.ensembl.map_or(0, |number| number + 1));
            out.byte(gene.chromosome.number());
        }
        out.number(self.transcripts.len() as u64);
        for transcript in &self.transcripts {
            write(&mut out, transcript);
        }
        out.finish()
    }

    /// Reads what [`GeneModel::encode`] wrote.
    ///
    /// # Errors
    /// Bytes that end early, or of another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, CompactError> {
        let mut from = ByteReader::new(SECTION, bytes);
        if from.number()? != VERSION {
            return Err(from.fault());
        }
        let genes: Vec<GeneStructure> = (0..from.count()?)
            .map(|_| gene(&mut from))
            .collect::<Result<_, _>>()?;
        let count = from.count()?;
        let transcripts = (0..count)
            .map(|_| read(&mut from, genes.len()))
            .collect::<Result<_, _>>()?;
        if !from.is_empty() {
            return Err(from.fault());
        }
        Ok(Self::assemble(genes, transcripts))
    }
}

fn gene(from: &mut ByteReader<'_>) -> Result<GeneStructure, CompactError> {
    let symbol = from.text()?.into();
    let ensembl = from.number()?.checked_sub(1);
    let chromosome = Chromosome::from_number(from.byte()?).ok_or(from.fault())?;
    Ok(GeneStructure {
        symbol,
        ensembl,
        chromosome,
        coding_bases: 0,
        coding_exons: 0,
    })
}

/// Exon starts and lengths as differences; the coding part as offsets from the first exon.
fn write(out: &mut Writer, transcript: &TranscriptStructure) {
    out.number(u64::from(transcript.gene.0));
    let coding = transcript.coding.is_some();
    out.byte(
        u8::from(transcript.forward) | u8::from(transcript.canonical) << 1 | u8::from(coding) << 2,
    );
    out.number(transcript.exons.len() as u64);
    let mut at = 0;
    for (start, end) in &transcript.exons {
        out.number(u64::from(start - at));
        out.number(u64::from(end - start));
        at = *end;
    }
    if let Some((first, last)) = transcript.coding {
        out.number(u64::from(first - transcript.start()));
        out.number(u64::from(last - first));
    }
}

fn read(from: &mut ByteReader<'_>, genes: usize) -> Result<TranscriptStructure, CompactError> {
    let gene = from.small()?;
    let flags = from.byte()?;
    let count = from.count()?;
    if gene as usize >= genes || count == 0 {
        return Err(from.fault());
    }
    let mut exons = Vec::with_capacity(count);
    let mut at = 0;
    for _ in 0..count {
        let start = add(from, at)?;
        at = add(from, start)?;
        exons.push((start, at));
    }
    let coding = if flags & 4 == 0 {
        None
    } else {
        let first = add(from, exons[0].0)?;
        Some((first, add(from, first)?))
    };
    let (forward, canonical) = (flags & 1 != 0, flags & 2 != 0);
    Ok(TranscriptStructure {
        gene: ModelGene(gene),
        forward,
        canonical,
        exons: exons.into(),
        coding,
    })
}

fn add(from: &mut ByteReader<'_>, base: u32) -> Result<u32, CompactError> {
    let more = from.small()?;
    // Room above for margins.
    base.checked_add(more)
        .filter(|sum| *sum < u32::MAX / 2)
        .ok_or(from.fault())
}
