//! The people of two snapshots, whose calls of one variant differ between them, and which calls
//! stay what they were though the files list their variant no longer.

use std::{collections::HashMap, ops::Range};

use ligate_genotypes::{Calls, CorruptRow, Exception, Row, encode};
use ligate_model::IndividualId;

use crate::tables::{HistoryKey, Sketch};

/// Where the people of both snapshots are in the blocks of each.
pub struct CommonPeople {
    pub before: Vec<Block>,
    pub after: Vec<Block>,
    /// People who are in both.
    pub count: usize,
    /// For every common person the block of the later snapshot and the place in it.
    places: Vec<(usize, u32)>,
}

/// One block of a snapshot.
pub struct Block {
    /// For every individual the number among the common people, or [`NOBODY`].
    numbers: Vec<u32>,
    /// How many of them are common people.
    common: usize,
    /// The other snapshot's block of the same people in the same order.
    pub twin: Option<usize>,
}

/// The number of people who are in one snapshot only.
const NOBODY: u32 = u32::MAX;

impl Block {
    /// The common people of the block.
    fn common(&self) -> impl Iterator<Item = u32> {
        self.numbers
            .iter()
            .copied()
            .filter(|number| *number != NOBODY)
    }

    pub fn has_common(&self) -> bool {
        self.common > 0
    }

    /// Those who are in this snapshot only.
    pub fn others(&self) -> impl Iterator<Item = u32> {
        (0..)
            .zip(&self.numbers)
            .filter(|(_, number)| **number == NOBODY)
            .map(|(sample, _)| sample)
    }

    pub fn individuals(&self) -> usize {
        self.numbers.len()
    }
}

impl CommonPeople {
    /// Matches two lists of people by their ids.
    pub fn of(
        before: &[IndividualId],
        before_blocks: &[Range<usize>],
        after: &[IndividualId],
        after_blocks: &[Range<usize>],
    ) -> Self {
        let places: HashMap<&IndividualId, usize> = before.iter().zip(0..).collect();
        let mut before_numbers = vec![NOBODY; before.len()];
        let mut count = 0;
        let mut number = |id: &IndividualId| {
            let Some(place) = places.get(id) else {
                return NOBODY;
            };
            before_numbers[*place] = count;
            count += 1;
            count - 1
        };
        let after_numbers: Vec<u32> = after.iter().map(&mut number).collect();
        let mut common = Self {
            before: blocks(&before_numbers, before_blocks),
            after: blocks(&after_numbers, after_blocks),
            count: count as usize,
            places: vec![(0, 0); count as usize],
        };
        for (index, block) in common.after.iter().enumerate() {
            for (sample, number) in (0..)
                .zip(&block.numbers)
                .filter(|(_, number)| **number != NOBODY)
            {
                common.places[*number as usize] = (index, sample);
            }
        }
        common.find_twins();
        common
    }

    /// The common people's hashes, given the individuals of the later snapshot and its blocks.
    pub fn hashes(
        &self,
        key: &HistoryKey,
        after: &[IndividualId],
        blocks: &[Range<usize>],
    ) -> Vec<u64> {
        let person =
            |(block, sample): &(usize, u32)| &after[blocks[*block].start + *sample as usize];
        self.places
            .iter()
            .map(|place| key.person(person(place)))
            .collect()
    }

    /// What becomes of a variant in each block of the later snapshot whose files do not list it,
    /// given its rows in the blocks of both; `None` where they do. Empty where all do.
    pub fn unlisted(
        &self,
        before: &[Option<&[u8]>],
        after: &[Option<&[u8]>],
    ) -> Result<Vec<Option<Unlisted>>, CorruptRow> {
        if after.iter().all(Option::is_some) {
            return Ok(Vec::new());
        }
        let mut found: Vec<Option<Unlisted>> = after
            .iter()
            .map(|row| row.is_none().then(Unlisted::default))
            .collect();
        for (block, row) in self.before.iter().zip(before) {
            let twin = block.twin.map(|twin| &mut found[twin]);
            match (twin, row) {
                (Some(None), _) => continue,
                (Some(Some(unlisted)), None) => {
                    unlisted.missing = block.common;
                    continue;
                }
                _ => {}
            }
            visit(block, *row, |person, call| {
                let (place, sample) = self.places[person as usize];
                if let Some(unlisted) = &mut found[place] {
                    unlisted.add(sample, call);
                }
            })?;
        }
        for (unlisted, block) in found.iter_mut().zip(&self.after) {
            if let Some(unlisted) = unlisted {
                unlisted.called = block.common > unlisted.missing;
            }
        }
        Ok(found)
    }

    fn find_twins(&mut self) {
        let first = |block: &Block| {
            block
                .numbers
                .first()
                .copied()
                .filter(|first| *first != NOBODY)
        };
        let by_first: HashMap<u32, usize> = self
            .after
            .iter()
            .zip(0..)
            .filter_map(|(block, index)| Some((first(block)?, index)))
            .collect();
        for (index, block) in self.before.iter_mut().enumerate() {
            let Some(other) = first(block).and_then(|first| by_first.get(&first)) else {
                continue;
            };
            // Everybody of a block that begins with a common person must be one: numbers of others
            // differ.
            let same =
                block.numbers == self.after[*other].numbers && !block.numbers.contains(&NOBODY);
            if same {
                block.twin = Some(*other);
                self.after[*other].twin = Some(index);
            }
        }
    }
}

fn blocks(numbers: &[u32], ranges: &[Range<usize>]) -> Vec<Block> {
    let people = |range: &Range<usize>| numbers.get(range.clone()).unwrap_or_default().to_vec();
    let block = |range: &Range<usize>| {
        let numbers = people(range);
        let common = numbers.iter().filter(|number| **number != NOBODY).count();
        Block {
            numbers,
            common,
            twin: None,
        }
    };
    ranges.iter().map(block).collect()
}

/// A variant in a block whose files do not list it: what those who were there before were called.
#[derive(Default)]
pub struct Unlisted {
    /// Somebody carried the allele, so the files leave out more than what nobody carries.
    pub carried: bool,
    /// Somebody was called.
    pub called: bool,
    missing: usize,
    exceptions: Vec<(u32, Exception)>,
}

impl Unlisted {
    /// The calls of a kept row, but for those of the block's other people.
    pub fn of_row(row: &Row<'_>, block: &Block) -> Self {
        let known = |(sample, _): &(u32, Exception)| block.numbers[*sample as usize] != NOBODY;
        Self {
            exceptions: row.exceptions().filter(known).collect(),
            ..Self::default()
        }
    }

    fn add(&mut self, sample: u32, call: Call) {
        match call {
            Call::Dosage(_) => self.carried = true,
            Call::Incomplete(exception) => {
                let (alleles, alternates) = exception.alleles();
                self.carried |= alternates > 0;
                self.missing += usize::from(alleles == 0);
                self.exceptions.push((sample, exception));
            }
        }
    }

    /// Whether the calls stay what they were: somebody was called, and nobody carried the allele.
    pub fn is_kept(&self) -> bool {
        self.called && !self.carried
    }

    /// The packed row of the calls that stay what they were. The block's other people, `newcomers`,
    /// have the reference, or no call where `uncalled`.
    pub fn row(mut self, block: &Block, uncalled: bool) -> Vec<u8> {
        if uncalled {
            self.exceptions
                .extend(block.others().map(|sample| (sample, Exception::Missing)));
        }
        self.exceptions.sort_unstable_by_key(|(sample, _)| *sample);
        let mut calls = Calls::new(block.individuals());
        self.exceptions
            .into_iter()
            .for_each(|(sample, exception)| calls.push_exception(sample, exception));
        let mut row = Vec::new();
        encode(&calls, 0..block.individuals(), &mut row);
        row
    }
}

/// Counts the people whose calls differ, variant after variant.
pub struct CallComparison<'p> {
    people: &'p CommonPeople,
    /// For every common person the call before, while a variant is looked at; [`REFERENCE`] in
    /// between.
    calls: Vec<u32>,
    /// Those with another call than [`REFERENCE`].
    marked: Vec<u32>,
    /// The people whose calls of the last variant differ, with the call before and the one after.
    differing: Vec<(u32, u32, u32)>,
}

/// A complete call without the variant's allele.
const REFERENCE: u32 = 0;

impl<'p> CallComparison<'p> {
    pub fn new(people: &'p CommonPeople) -> Self {
        Self {
            people,
            calls: vec![REFERENCE; people.count],
            marked: Vec::new(),
            differing: Vec::new(),
        }
    }

    /// The number of people in both snapshots whose dosage, missingness or ploidy differ, given one
    /// variant's packed rows in the blocks of both. In a block without a row nobody is called.
    /// Phase is left out: no sum uses it.
    pub fn differing(
        &mut self,
        before: &[Option<&[u8]>],
        after: &[Option<&[u8]>],
    ) -> Result<u32, CorruptRow> {
        let people = self.people;
        let same = |block: usize, twin: usize| before[block] == after[twin];
        for (index, (block, row)) in people.before.iter().zip(before).enumerate() {
            if !block.twin.is_some_and(|twin| same(index, twin)) {
                visit(block, *row, |person, call| {
                    self.calls[person as usize] = call.number();
                    self.marked.push(person);
                })?;
            }
        }
        self.differing.clear();
        for (index, (block, row)) in people.after.iter().zip(after).enumerate() {
            if !block.twin.is_some_and(|twin| same(twin, index)) {
                visit(block, *row, |person, call| {
                    let call = call.number();
                    let earlier = std::mem::replace(&mut self.calls[person as usize], REFERENCE);
                    if earlier != call {
                        self.differing.push((person, earlier, call));
                    }
                })?;
            }
        }
        // Who is still marked has the reference now.
        for person in self.marked.drain(..) {
            let earlier = std::mem::replace(&mut self.calls[person as usize], REFERENCE);
            if earlier != REFERENCE {
                self.differing.push((person, earlier, REFERENCE));
            }
        }
        Ok(self.differing.len() as u32)
    }

    /// What [`Self::differing`] found of the last variant, in a sketch. `people` are the common
    /// people's hashes.
    pub fn sketch(&self, variant: u64, people: &[u64]) -> Sketch {
        let mut sketch = Sketch::default();
        for (person, before, after) in &self.differing {
            sketch.change((people[*person as usize], variant), *before, *after);
        }
        sketch
    }
}

/// Visits the common people of a block whose call is not [`REFERENCE`], each once.
fn visit(
    block: &Block,
    row: Option<&[u8]>,
    mut visit: impl FnMut(u32, Call),
) -> Result<(), CorruptRow> {
    let Some(row) = row else {
        block
            .common()
            .for_each(|person| visit(person, Call::Incomplete(Exception::Missing)));
        return Ok(());
    };
    let row = Row::parse(row, block.individuals())?;
    let mut visit_common = |sample: u32, call: Call| {
        let person = block.numbers[sample as usize];
        if person != NOBODY {
            visit(person, call);
        }
    };
    row.carriers()
        .for_each(|(sample, code)| visit_common(sample, Call::Dosage(code.count_ones())));
    row.exceptions()
        .for_each(|(sample, exception)| visit_common(sample, Call::Incomplete(exception)));
    Ok(())
}

/// A call that is not [`REFERENCE`].
#[derive(Clone, Copy)]
enum Call {
    /// A complete one with so many copies of the allele.
    Dosage(u32),
    Incomplete(Exception),
}

impl Call {
    /// A number for every call; those of incomplete ones are above the dosages.
    fn number(self) -> u32 {
        match self {
            Self::Dosage(copies) => copies,
            Self::Incomplete(Exception::Missing) => 3,
            Self::Incomplete(Exception::HalfMissing { alternate }) => 4 + u32::from(alternate),
            Self::Incomplete(Exception::Haploid { alternate }) => 6 + u32::from(alternate),
            Self::Incomplete(Exception::HaploidMissing) => 8,
            Self::Incomplete(Exception::Polyploid {
                alternates,
                alleles,
            }) => 1 << 16 | u32::from(alleles) << 8 | u32::from(alternates),
        }
    }
}

#[cfg(test)]
mod tests {
    use ligate_genotypes::{Calls, encode};

    use super::*;

    /// Calls as a VCF writes them, packed.
    fn row(calls: &[&str]) -> Vec<u8> {
        let mut packed = Calls::new(calls.len());
        for ((sample, call), number) in calls.iter().enumerate().zip(0..) {
            if let Some((_, code)) = CODES.iter().find(|(text, _)| text == call) {
                packed.set_code(sample, *code);
            }
            if call.contains('|') {
                packed.push_phased(number);
            }
            if let Some((_, exception)) = EXCEPTIONS.iter().find(|(text, _)| text == call) {
                packed.push_exception(number, *exception);
            }
        }
        let mut bytes = Vec::new();
        encode(&packed, 0..calls.len(), &mut bytes);
        bytes
    }

    const CODES: [(&str, u8); 5] = [("0/0", 0), ("0/1", 1), ("1|0", 1), ("0|1", 2), ("1/1", 3)];
    const EXCEPTIONS: [(&str, Exception); 8] = [
        ("./.", Exception::Missing),
        ("./1", Exception::HalfMissing { alternate: true }),
        ("./0", Exception::HalfMissing { alternate: false }),
        ("1", Exception::Haploid { alternate: true }),
        ("0", Exception::Haploid { alternate: false }),
        (".", Exception::HaploidMissing),
        (
            "0/0/1",
            Exception::Polyploid {
                alternates: 1,
                alleles: 3,
            },
        ),
        (
            "0/1/1",
            Exception::Polyploid {
                alternates: 2,
                alleles: 3,
            },
        ),
    ];

    fn ids(names: &str) -> Vec<IndividualId> {
        names
            .chars()
            .map(|name| IndividualId::new(name).unwrap())
            .collect()
    }

    #[test]
    fn every_pair_of_different_calls_differs_and_phase_does_not() {
        let all = [
            "0/0", "0/1", "1/1", "./.", "./1", "./0", "1", "0", ".", "0/0/1", "0/1/1", "1|0", "0|1",
        ];
        let people = CommonPeople::of(
            &ids("ab"),
            std::slice::from_ref(&(0..2)),
            &ids("ba"),
            std::slice::from_ref(&(0..2)),
        );
        let heterozygous = |call: &str| ["0/1", "1|0", "0|1"].contains(&call);
        let mut comparison = CallComparison::new(&people);
        for &before in &all {
            for &after in &all {
                let (first, second) = (row(&[before, "1/1"]), row(&["1/1", after]));
                let same = before == after || (heterozygous(before) && heterozygous(after));
                let found = comparison
                    .differing(&[Some(&first)], &[Some(&second)])
                    .unwrap();
                assert_eq!(found, u32::from(!same), "{before} and {after}");
            }
        }
    }

    #[test]
    fn people_are_matched_across_blocks_and_a_lacking_row_is_nobody_called() {
        let people = CommonPeople::of(&ids("abcd"), &[0..2, 2..4], &ids("dxbca"), &[0..3, 3..5]);
        assert_eq!(people.count, 4);
        assert!(
            people
                .before
                .iter()
                .chain(&people.after)
                .all(|block| block.twin.is_none())
        );
        let mut comparison = CallComparison::new(&people);
        let (ab, cd) = (row(&["0/1", "1/1"]), row(&["./.", "0/0"]));
        let (dxb, ca) = (row(&["0/0", "0/1", "1/1"]), row(&["./.", "0/1"]));
        let (ab, cd, dxb, ca) = (Some(&ab[..]), Some(&cd[..]), Some(&dxb[..]), Some(&ca[..]));
        let mut differing =
            |before: [_; 2], after: [_; 2]| comparison.differing(&before, &after).unwrap();
        assert_eq!(differing([ab, cd], [dxb, ca]), 0);
        assert_eq!(differing([ab, cd], [dxb, None]), 1, "c was missing already");
        assert_eq!(differing([None, None], [dxb, ca]), 3);
        assert_eq!(differing([ab, cd], [None, None]), 3);
        assert_eq!(differing([None, None], [None, None]), 0);
    }

    #[test]
    fn blocks_of_the_same_people_in_the_same_order_are_twins() {
        let people = CommonPeople::of(
            &ids("abcde"),
            &[0..2, 2..5],
            &ids("cdexab"),
            &[0..3, 3..4, 4..6],
        );
        let twins = |blocks: &[Block]| blocks.iter().map(|block| block.twin).collect::<Vec<_>>();
        assert_eq!(twins(&people.before), [Some(2), Some(0)]);
        assert_eq!(twins(&people.after), [Some(1), None, Some(0)]);
        let longer = CommonPeople::of(
            &ids("ab"),
            std::slice::from_ref(&(0..2)),
            &ids("abx"),
            std::slice::from_ref(&(0..3)),
        );
        assert_eq!(twins(&longer.before), [None]);
    }
}
