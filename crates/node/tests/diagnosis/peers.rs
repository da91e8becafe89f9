//! What peers released, as a node stored it: hostile tables are named and left out, the others
//! count.

use std::{fs, path::PathBuf};

use crate::bench::{Bench, array, fixture, number, says, string, text};

const HEADER: &str = "disease\tterm\tm\tn\n";
/// A good table: of a disease that is far behind for the case without it.
const GOOD: &str = "OMIM:614188\tHP:0010055\t20\t20\nOMIM:614188\tHP:0000316\t20\t20\n";

struct Node(Bench);

impl Node {
    /// A node that knows of peers `a`, `b` and `c`.
    fn found() -> Self {
        let bench = Bench::new();
        for name in ["clinic", "a", "b", "c"] {
            bench.answer(&["init", "--dir", name, "--name", name, "--country", "SE"]);
        }
        for name in ["a", "b", "c"] {
            let key = fs::read_to_string(bench.path(name).join("keys/node.pub")).unwrap();
            bench.answer(&[
                "peer",
                "add",
                "--dir",
                "clinic",
                "--name",
                name,
                "--key",
                key.trim(),
            ]);
        }
        fs::create_dir_all(bench.path("clinic/registry/peers")).unwrap();
        Self(bench)
    }

    fn table(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.0
            .file(&format!("clinic/registry/peers/{name}"), content)
    }

    fn diagnose(&self) -> serde_json::Value {
        self.0.diagnose(
            &fixture("case.txt"),
            &["--network", "--dir", "clinic", "--top", "1000"],
        )
    }
}

fn score(report: &serde_json::Value, disease: &str) -> f64 {
    let of = array(report, "candidates")
        .iter()
        .find(|of| of["disease"] == disease);
    number(&of.expect("the disease is ranked")["score"])
}

#[test]
fn without_tables_it_says_how_to_fetch_them() {
    let node = Node::found();
    let network = ["--network", "--dir", "clinic"];
    node.0.refused(
        &fixture("case.txt"),
        &network,
        &["no peer's table", "ligate knowledge fetch"],
    );
    node.0.refused(
        &fixture("case.txt"),
        &["--network", "--dir", "nowhere"],
        &["nowhere", "ligate init"],
    );
}

#[test]
fn hostile_tables_are_named_and_the_others_used() {
    let node = Node::found();
    node.table("a.counts", format!("{HEADER}{GOOD}"));
    let alone = node.diagnose();
    let plain = node.0.diagnose(&fixture("case.txt"), &["--top", "1000"]);
    assert!(
        score(&alone, "OMIM:614188") > score(&plain, "OMIM:614188"),
        "the good table counts"
    );

    let huge = format!(
        "{HEADER}{}",
        "OMIM:614188\tHP:0010055\t20\t20\n".repeat(900_000)
    );
    let row = |row: &str| format!("{HEADER}{row}\n").into_bytes();
    for (content, reason) in [
        (row("OMIM:614188\tHP:0010055\t60\t50"), "60 of 50"),
        (row("OMIM:614188\tHP:0010055\t0\t50"), "no rows of zero"),
        (
            row("OMIM:614188\tHP:0010055\t4000000000\t4000000000"),
            "more than 1000000 patients",
        ),
        (row("OMIM:614188\tHP:0010055\t-1\t50"), "line 2"),
        (
            row("OMIM:614188\tHP:0010055\t1\t50\nOMIM:614188\tHP:0010055\t1\t50"),
            "twice",
        ),
        (row("<script>\tHP:0010055\t1\t50"), "line 2"),
        (huge.into_bytes(), "larger than"),
        (b"\x00\xff\xfe garbage".to_vec(), "cannot read"),
        (Vec::new(), "first line"),
    ] {
        node.table("b.counts", content);
        let report = node.diagnose();
        let peers = array(&report["network"], "peers");
        let refused: Vec<_> = peers
            .iter()
            .filter(|peer| !peer["refused"].is_null())
            .collect();
        assert_eq!(refused.len(), 1, "{peers:?}");
        assert_eq!(refused[0]["name"], "b");
        assert!(
            string(&refused[0]["refused"]).contains(reason),
            "{reason}: {}",
            refused[0]
        );
        assert_eq!(
            score(&report, "OMIM:614188"),
            score(&alone, "OMIM:614188"),
            "{reason}"
        );
    }
}

#[test]
fn a_report_shows_the_rank_without_each_peer_and_bounds_its_weight() {
    let node = Node::found();
    node.table(
        "a.counts",
        format!("{HEADER}{}", GOOD.replace("20\t20", "50\t50")),
    );
    let bounded = node.diagnose();
    node.table(
        "a.counts",
        format!("{HEADER}{}", GOOD.replace("20\t20", "1000000\t1000000")),
    );
    let claimed = node.diagnose();
    assert_eq!(
        score(&bounded, "OMIM:614188"),
        score(&claimed, "OMIM:614188")
    );
    node.table(
        "c.counts",
        format!("{HEADER}OMIM:614188\tHP:0001156\t9\t10\n"),
    );
    let report = node.diagnose();
    let ranks = array(&report["network"], "ranks");
    assert!(!ranks.is_empty());
    for row in ranks {
        let without: Vec<_> = array(row, "without")
            .iter()
            .map(|pair| string(&pair[0]))
            .collect();
        assert_eq!(without, ["a", "c"]);
        assert!(row["with_all"].is_u64() && row["with_none"].is_u64());
    }
}

#[test]
fn damaged_allele_counts_are_named() {
    let Some(knowledge) = crate::genome::knowledge() else {
        return;
    };
    let node = Node::found();
    node.table("a.counts", format!("{HEADER}{GOOD}"));
    node.table("b.alleles", b"garbage");
    let vcf = node.0.file(
        "one.vcf",
        crate::genome::vcf("chr1", 248_956_422, "made-up-person"),
    );
    let more = [
        "--network",
        "--dir",
        "clinic",
        "--vcf",
        text(&vcf),
        "--knowledge",
        text(knowledge),
    ];
    let report = node.0.diagnose(&fixture("case.v2.json"), &more);
    let warnings = &report["genome"]["warnings"];
    assert!(
        says(warnings, &["allele counts of b", "damaged"]),
        "{warnings}"
    );
}
