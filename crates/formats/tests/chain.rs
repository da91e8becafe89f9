//! Lifting against pyliftover, an independent reader of chains, and back again.

mod common;

use std::{fs, path::Path};

use common::{file, shared};
use ligate_formats::{
    chain::{Chain, Lift, Place, Strand},
    sites,
};
use ligate_model::{Allele, Contig, Position, VariantKey};
use proptest::prelude::*;

fn chain(text: &str) -> (Chain, Vec<String>) {
    let (_folder, path) = file("test.chain", text);
    let (chain, problems) = Chain::read(&path).unwrap();
    (
        chain,
        problems
            .kept()
            .iter()
            .map(|problem| format!("{}: {}", problem.line, problem.message))
            .collect(),
    )
}

fn at(position: u32) -> Position {
    Position::new(position)
}

/// Target 1 to 100 of a and b; the minus chain of b has its bases at 200, 199 .. of c.
const SMALL: &str = "\
chain 900 chra 1000 + 10 60 b 2000 + 110 165 1
20 5 10
25

chain 100 chra 1000 + 20 40 c 500 - 100 120 2
20

chain 50 chra 1000 + 70 80 c 500 - 300 310 3
10
";

fn lifted(chain: &Chain, position: u32) -> String {
    match chain.lift(&Contig::new("chra"), at(position)) {
        Lift::Lifted(Place {
            contig,
            position,
            strand,
        }) => format!("{contig}:{position}:{strand:?}"),
        Lift::Deleted => "deleted".to_owned(),
        Lift::NotCovered => "not covered".to_owned(),
        Lift::Split => "split".to_owned(),
    }
}

#[test]
fn every_kind_of_place_is_told_apart() {
    let (chain, problems) = chain(SMALL);
    assert!(problems.is_empty(), "{problems:?}");
    for (position, expected) in [
        (0, "not covered"),
        (10, "not covered"),
        (11, "b:111:Plus"),
        (30, "b:130:Plus"),
        // The best chain's gap, where the second one has bases: target 30 (from 0) is the tenth
        // after 20.
        (31, "c:390:Minus"),
        (35, "c:386:Minus"),
        (36, "b:141:Plus"),
        (60, "b:165:Plus"),
        (61, "not covered"),
        (71, "c:200:Minus"),
        (80, "c:191:Minus"),
        (81, "not covered"),
        (4_294_967_295, "not covered"),
    ] {
        assert_eq!(lifted(&chain, position), expected, "{position}");
    }
    assert_eq!(chain.lift(&Contig::new("chrb"), at(20)), Lift::NotCovered);
}

#[test]
fn an_allele_needs_all_its_bases_side_by_side() {
    let gap = "chain 9 a 100 + 0 30 b 100 + 0 33 1\n10 5 5\n5 0 3\n10\n";
    let (chain, _) = chain(gap);
    let lift = |position, reference: &str, alternate: &str| {
        let allele = |text| Allele::new(text).unwrap();
        let (contig, position) = (Contig::new("a"), at(position));
        let key = VariantKey {
            contig,
            position,
            reference: allele(reference),
            alternate: allele(alternate),
        };
        match chain.lift_variant(&key) {
            Lift::Lifted(lifted) => lifted.key.to_string(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(lift(9, "AC", "A"), "b:9:AC:A");
    assert_eq!(lift(10, "AC", "A"), "Split"); // into the gap
    assert_eq!(lift(11, "ACGTA", "A"), "Deleted");
    assert_eq!(lift(9, "ACGTACGTA", "A"), "Split"); // across it
    assert_eq!(lift(20, "AC", "A"), "Split"); // three more bases lie between
    assert_eq!(lift(20, "A", "<DEL>"), "b:20:A:<DEL>");
    assert_eq!(lift(30, "AC", "A"), "Split"); // beyond the chain
    assert_eq!(lift(31, "A", "C"), "NotCovered");
}

#[test]
fn alleles_turn_with_the_strand() {
    let (chain, _) = chain(SMALL);
    let key = |reference: &str, alternate: &str| VariantKey {
        contig: Contig::new("chra"),
        position: at(71),
        reference: Allele::new(reference).unwrap(),
        alternate: Allele::new(alternate).unwrap(),
    };
    let lifted = |reference, alternate| match chain.lift_variant(&key(reference, alternate)) {
        Lift::Lifted(lifted) => lifted.key.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(lifted("A", "G"), "c:200:T:C");
    assert_eq!(lifted("ACG", "A"), "c:198:CGT:T");
    assert_eq!(lifted("R", "*"), "c:200:Y:*");
    assert_eq!(lifted("A", "<DEL>"), "Split");
}

#[test]
fn the_mitochondrion_of_grch37_stays_where_it_is() {
    let text = "chain 9 chrM 16571 + 0 310 chrM 16569 + 0 309 1\n300 1 0\n9\n";
    let (chain, _) = chain(text);
    let position = |chain: &Chain, position| {
        chain
            .lift(&Contig::new("MT"), at(position))
            .lifted()
            .map(|place| place.position.get())
    };
    assert_eq!(
        (position(&chain, 305), position(&chain, 16_569)),
        (Some(304), None)
    );
    let chain = chain.with_revised_mitochondrion();
    assert_eq!(
        (position(&chain, 305), position(&chain, 16_569)),
        (Some(305), Some(16_569))
    );
    assert_eq!(position(&chain, 16_570), None);
}

#[test]
fn a_broken_chain_is_left_out_and_told() {
    for (broken, line) in [
        ("chain 9 a 100 + 0 30 b 100 + 0 30\n10\n\n", 3), // ends early
        (
            "chain 9 a 100 + 0 30 b 100 + 0 30\n10 5 5\n5 x 3\n10\n\n",
            3,
        ),
        ("chain 9 a 100 + 0 30 b 100 + 0 30\n40\n\n", 2), // ends late
        ("chain 9 a 100 - 0 30 b 100 + 0 30\n30\n\n", 1),
        ("chain 9 a 20 + 0 30 b 100 + 0 30\n30\n\n", 1), // longer than its contig
        ("chain 9 a 100 + 0 30 b 100 + 0 30\n10 5\n15\n\n", 2),
        (
            "chain 9 a 100 + 0 30 b 100 + 0 30\n4294967295 4294967295 1\n15\n\n",
            2,
        ),
    ] {
        let (chain, problems) = chain(&format!("{broken}{SMALL}"));
        assert_eq!(problems.len(), 1, "{broken}: {problems:?}");
        assert!(
            problems[0].starts_with(&format!("{line}: ")),
            "{broken}: {problems:?}"
        );
        assert_eq!(chain.lift(&Contig::new("a"), at(1)), Lift::NotCovered);
        assert_eq!(lifted(&chain, 11), "b:111:Plus");
    }
    let (_folder, path) = file("empty.chain", "# nothing\n");
    assert!(Chain::read(&path).is_err());
}

/// One line of the tables that `oracles/chains/liftover.py` made: a place, and where it goes.
type Expected = (Contig, u32, Option<(Contig, u32, Strand)>);

fn expected(name: &str) -> Vec<Expected> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../oracles/chains")
        .join(name);
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let strand = if fields[4] == "-" {
                Strand::Minus
            } else {
                Strand::Plus
            };
            let to = (fields[2] != ".")
                .then(|| (Contig::new(fields[2]), fields[3].parse().unwrap(), strand));
            (Contig::new(fields[0]), fields[1].parse().unwrap(), to)
        })
        .collect()
}

#[test]
fn positions_equal_pyliftovers() {
    let Some(folder) = shared("data/chains") else {
        return;
    };
    for name in ["hg19ToHg38", "hg38ToHg19"] {
        let (chain, problems) = Chain::read(&folder.join(format!("{name}.over.chain.gz"))).unwrap();
        assert!(problems.is_empty());
        let table = expected(&format!("expected.{name}.tsv"));
        assert!(table.len() > 1000);
        for (contig, position, to) in table {
            let found = chain.lift(&contig, at(position)).lifted();
            let found = found.map(|place| (place.contig, place.position.get(), place.strand));
            assert_eq!(found, to, "{name} {contig}:{position}");
        }
    }
}

#[test]
fn coding_variants_go_there_and_back() {
    let (Some(folder), Some(clinvar)) = (shared("data/chains"), shared("data/clinvar")) else {
        return;
    };
    let read = |name: &str| Chain::read(&folder.join(name)).unwrap().0;
    let (there, back) = (
        read("hg19ToHg38.over.chain.gz"),
        read("hg38ToHg19.over.chain.gz"),
    );
    let (mut same, mut other, mut all) = (0, 0, 0);
    let clinvar = clinvar.join("pathogenic_201806.grch37.vcf.gz");
    sites::visit(&clinvar, &mut |site| {
        all += 1;
        let Some(place) = there.lift(site.contig, site.position).lifted() else {
            return;
        };
        match back.lift(&place.contig, place.position).lifted() {
            Some(again) if again.contig == *site.contig && again.position == site.position => {
                same += 1
            }
            _ => other += 1,
        }
    })
    .unwrap();
    println!("of {all} ClinVar places {same} come back, {other} come back elsewhere");
    assert!(all > 70_000 && same * 1000 >= all * 998, "{same} of {all}");
}

/// Blocks with gaps behind them, as one chain and as the chain of the way back.
fn both_ways(blocks: &[(u32, u32, u32)], minus: bool) -> (String, String) {
    let (target, query): (u32, u32) = blocks.iter().fold((0, 0), |(t, q), (size, dt, dq)| {
        (t + size + dt, q + size + dq)
    });
    let (last_dt, last_dq) = blocks.last().map_or((0, 0), |last| (last.1, last.2));
    let (target, query) = (target - last_dt, query - last_dq);
    let size = 5000;
    let body = |blocks: &mut dyn Iterator<Item = (u32, u32, u32)>| {
        let lines: Vec<_> = blocks.collect();
        let (last, others) = lines.split_last().unwrap();
        let others: String = others
            .iter()
            .map(|(size, dt, dq)| format!("{size}\t{dt}\t{dq}\n"))
            .collect();
        format!("{others}{}\n\n", last.0)
    };
    let strand = if minus { '-' } else { '+' };
    let there = format!(
        "chain 1 a {size} + 7 {} b {size} {strand} 9 {} 1\n",
        7 + target,
        9 + query
    );
    let there = there + &body(&mut blocks.iter().copied());
    let (from, to) = if minus {
        (size - 9 - query, size - 7 - target)
    } else {
        (9, 7)
    };
    let back = format!(
        "chain 1 b {size} + {from} {} a {size} {strand} {to} {} 1\n",
        from + query,
        to + target
    );
    let turned: Vec<(u32, u32, u32)> = if minus {
        let sizes = blocks.iter().rev().map(|block| block.0);
        let gaps = blocks
            .iter()
            .rev()
            .skip(1)
            .map(|block| (block.2, block.1))
            .chain([(0, 0)]);
        sizes
            .zip(gaps)
            .map(|(size, (dt, dq))| (size, dt, dq))
            .collect()
    } else {
        blocks
            .iter()
            .map(|(size, dt, dq)| (*size, *dq, *dt))
            .collect()
    };
    (there, back + &body(&mut turned.into_iter()))
}

proptest! {
    #[test]
    fn round_trips(
        blocks in prop::collection::vec((1_u32..40, 0_u32..5, 0_u32..5), 1..20),
        minus: bool,
    ) {
        let (there, back) = both_ways(&blocks, minus);
        let ((there, problems), (back, others)) = (chain(&there), chain(&back));
        prop_assert!(problems.is_empty() && others.is_empty(), "{problems:?} {others:?}");
        let aligned: u32 = blocks.iter().map(|block| block.0).sum();
        let mut lifted = 0;
        for position in 1..3000 {
            let Some(place) = there.lift(&Contig::new("a"), at(position)).lifted() else { continue };
            lifted += 1;
            let again = back.lift(&place.contig, place.position).lifted().unwrap();
            prop_assert_eq!((again.contig, again.position), (Contig::new("a"), at(position)));
        }
        prop_assert_eq!(lifted, aligned);
    }
}
