//! The lines of a chain file. A header, then one line for each block: its size, and the gaps behind
//! it in the target and in the query; the last block has no gaps. Blocks must end where the header
//! says.

use std::{collections::HashMap, path::Path};

use ligate_model::Contig;

use super::{
    Chain, Strand,
    map::{Alignment, Block, Map},
};
use crate::{Problems, ReadError, text::Lines};

/// A chain whose blocks are being read.
struct Open {
    target: Contig,
    alignment: Alignment,
    /// Bases of the query contig, and where this chain ends on the strand that it is written on.
    query_size: u32,
    query_end: u32,
    at: (u32, u32),
    ended: bool,
}

#[derive(Default)]
struct ChainReader {
    chains: HashMap<Contig, Vec<Alignment>>,
    queries: Vec<Contig>,
    numbers: HashMap<Contig, u32>,
    open: Option<Open>,
    problems: Problems,
}

/// Reads all lines; `path` is only for messages.
pub(super) fn read(path: &Path, mut lines: Lines) -> Result<(Chain, Problems), ReadError> {
    let mut reader = ChainReader::default();
    let mut last = 0;
    while let Some(line) = lines.next_line()? {
        last = line.number;
        let text = line.text.trim();
        if text.starts_with('#') {
            continue;
        }
        reader.take(path, line.number, text);
    }
    reader.close(path, last);
    if reader.chains.is_empty() {
        return Err(ReadError::malformed(
            path,
            1,
            "there is no chain in this file; give a UCSC .chain file",
        ));
    }
    let contigs = reader
        .chains
        .into_iter()
        .map(|(contig, chains)| (contig, Map::new(chains)))
        .collect();
    Ok((
        Chain {
            contigs,
            queries: reader.queries,
            revised_mitochondrion: false,
        },
        reader.problems,
    ))
}

impl ChainReader {
    fn take(&mut self, path: &Path, number: u64, text: &str) {
        if text.starts_with("chain") {
            self.close(path, number);
            self.open = self.header(text);
            if self.open.is_none() {
                self.problems.push(
                    path,
                    number,
                    "this is no chain header; the chain is left out",
                );
            }
        } else if text.is_empty() {
            self.close(path, number);
        } else if let Some(open) = &mut self.open
            && let Err(message) = open.block(text)
        {
            self.problems.push(path, number, message);
            self.open = None; // the blocks that follow are passed over
        }
    }

    fn header(&mut self, text: &str) -> Option<Open> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [
            _,
            score,
            target,
            target_size,
            "+",
            start,
            end,
            query,
            query_size,
            strand,
            query_start,
            query_end,
            ..,
        ] = fields[..]
        else {
            return None;
        };
        let number = |text: &str| text.parse::<u32>().ok();
        let (start, end, target_size) = (number(start)?, number(end)?, number(target_size)?);
        let (query_start, query_end, query_size) = (
            number(query_start)?,
            number(query_end)?,
            number(query_size)?,
        );
        let strand = match strand {
            "+" => Strand::Plus,
            "-" => Strand::Minus,
            _ => return None,
        };
        if start >= end || end > target_size || query_start >= query_end || query_end > query_size {
            return None;
        }
        let query = self.query(query);
        let score = score.parse().ok()?;
        let alignment = Alignment {
            score,
            start,
            end,
            query,
            strand,
            blocks: Vec::new(),
        };
        let target = Contig::new(target);
        Some(Open {
            target,
            alignment,
            query_size,
            query_end,
            at: (start, query_start),
            ended: false,
        })
    }

    fn query(&mut self, name: &str) -> u32 {
        let contig = Contig::new(name);
        let next = self.queries.len() as u32;
        let number = *self.numbers.entry(contig.clone()).or_insert(next);
        if number == next {
            self.queries.push(contig);
        }
        number
    }

    /// Keeps the chain that was open, if it ended where it said.
    fn close(&mut self, path: &Path, number: u64) {
        let Some(open) = self.open.take() else { return };
        if open.ended && open.at == (open.alignment.end, open.query_end) {
            self.chains
                .entry(open.target)
                .or_default()
                .push(open.alignment);
        } else {
            let message = "the blocks above do not end where their chain's header says; the chain is left out";
            self.problems.push(path, number, message);
        }
    }
}

impl Open {
    fn block(&mut self, text: &str) -> Result<(), &'static str> {
        const WRONG: &str = "this is no line of a chain's block; the chain is left out";
        let mut fields = [0; 3];
        let mut count = 0;
        for text in text.split_ascii_whitespace() {
            *fields.get_mut(count).ok_or(WRONG)? = text.parse::<u32>().map_err(|_| WRONG)?;
            count += 1;
        }
        let [length, gap, query_gap] = fields;
        if length == 0 || !matches!(count, 1 | 3) || self.ended {
            return Err(WRONG);
        }
        let next = |at: u32, gap: u32, end: u32| {
            at.checked_add(length)?
                .checked_add(gap)
                .filter(|next| *next <= end)
        };
        let after = next(self.at.0, gap, self.alignment.end).zip(next(
            self.at.1,
            query_gap,
            self.query_end,
        ));
        let after = after.ok_or(WRONG)?;
        let first = match self.alignment.strand {
            Strand::Plus => self.at.1,
            Strand::Minus => self.query_size - 1 - self.at.1,
        };
        self.alignment.blocks.push(Block {
            start: self.at.0,
            length,
            first,
        });
        self.at = after;
        self.ended = count == 1;
        Ok(())
    }
}
