//! Phenotype tables of every kind that people make.

#[path = "../../formats/tests/common/files.rs"]
mod files;

use files::file;
use ligate_model::{BinaryCoding, IndividualId, Phenotypes, VariableKind};
use ligate_records::{
    known_as::KnownAs,
    phenotypes::{self, PhenotypeReport},
};

fn people(ids: &[&str]) -> Vec<IndividualId> {
    ids.iter()
        .map(|id| IndividualId::new(*id).unwrap())
        .collect()
}

fn read(table: &str) -> Result<(Phenotypes, PhenotypeReport), String> {
    let (_folder, path) = file("table.tsv", table);
    phenotypes::read(&path, &people(&["a", "b", "c"]), None, &KnownAs::default())
        .map_err(|error| error.to_string())
}

/// Kind, coding and values of the only variable.
fn variable(table: &str) -> (VariableKind, Option<BinaryCoding>, Vec<Option<f64>>) {
    let (phenotypes, _) = read(table).unwrap();
    let [variable] = phenotypes.variables.as_slice() else {
        panic!("one variable")
    };
    (variable.kind, variable.coding, variable.values.clone())
}

#[test]
fn values_follow_the_individuals() {
    let values = vec![Some(1.5), None, Some(-2e3)];
    for table in [
        "id\tldl\nc\t-2e3\na\t1.5\nb\tNA\n",
        "\u{feff}id,ldl\r\na,1.5\r\nb,\r\nc,-2000\r\n",
        "id,ldl\n\"a\",\"1.5\"\n\n\"c\",-2000\n",
        "\"id\"\t\"ldl\"\n\"a\"\t1.5\nc\t-2000\nb\t.\n",
        "id\tldl\nz\tnan\na\t1.5\nb\tnan\nc\t-2000",
    ] {
        assert_eq!(
            variable(table),
            (VariableKind::Quantitative, None, values.clone()),
            "{table}"
        );
    }
}

#[test]
fn two_values_make_a_binary_column() {
    use BinaryCoding::{OneTwo, Undecided, ZeroOne};
    for (column, coding) in [
        ("0 1 1", Some(ZeroOne)),
        ("0 0 0", Some(ZeroOne)),
        ("1 2 NA", Some(OneTwo)),
        ("2 2 2", Some(OneTwo)),
        ("1 1 NA", Some(Undecided)),
        ("0 1 2", None),
        ("0 2 2", None),
        ("0 1 0.5", None),
        ("1 2 -9", None),
        ("NA NA NA", None),
    ] {
        let [a, b, c] = column.split(' ').collect::<Vec<_>>()[..] else {
            panic!("three values")
        };
        let (kind, found, _) = variable(&format!("id\tt2d\na\t{a}\nb\t{b}\nc\t{c}\n"));
        assert_eq!(
            (found, kind == VariableKind::Binary),
            (coding, coding.is_some()),
            "{column}"
        );
    }
}

#[test]
fn text_columns_are_named_and_left_out() {
    let (phenotypes, report) =
        read("id\tcentre\tage\tbmi\na\tUmea\t50\t20\nb\tLund\t60\tabout 25\n").unwrap();
    assert_eq!(phenotypes.variables.len(), 1);
    let columns: Vec<(&str, u64)> = report
        .text_columns
        .iter()
        .map(|column| (column.name.as_str(), column.first_line))
        .collect();
    assert_eq!(columns, [("centre", 2), ("bmi", 3)]);
    let problems: Vec<(u64, &str)> = report
        .problems
        .kept()
        .iter()
        .map(|p| (p.line, p.message.as_str()))
        .collect();
    assert_eq!(
        problems,
        [(
            3,
            "column bmi is taken as text because this row holds no number"
        )]
    );
}

#[test]
fn values_that_are_not_finite_are_missing_and_reported_by_line() {
    for odd in [
        "inf",
        "-Infinity",
        "1e400",
        "-1e999",
        "-nan",
        "nan(ind)",
        "-NaN(0x8)",
        "1.#INF",
        "-1.#IND",
    ] {
        let (phenotypes, report) = read(&format!("id\tx\na\t{odd}\nb\t2.5\nc\t{odd}\n")).unwrap();
        assert_eq!(
            phenotypes.variables[0].values,
            [None, Some(2.5), None],
            "{odd}"
        );
        let problems: Vec<(u64, &str)> = report
            .problems
            .kept()
            .iter()
            .map(|p| (p.line, p.message.as_str()))
            .collect();
        let message = "column x: a value that is not finite counts as missing; write NA";
        assert_eq!(problems, [(2, message), (4, message)], "{odd}");
    }
}

#[test]
fn missing_is_written_in_many_ways() {
    for missing in [
        ".", "", " ", "NA", "na", "NaN", "N/A", "n/a", "#N/A", "null", "NULL", "None",
    ] {
        let (phenotypes, report) = read(&format!("id\tx\na\t{missing}\nb\t0\nc\t1\n")).unwrap();
        assert_eq!(
            phenotypes.variables[0].values,
            [None, Some(0.0), Some(1.0)],
            "{missing}"
        );
        assert_eq!(
            phenotypes.variables[0].kind,
            VariableKind::Binary,
            "{missing}"
        );
        assert!(
            report.problems.is_empty() && report.text_columns.is_empty(),
            "{missing}"
        );
    }
}

#[test]
fn a_minus_nine_that_may_mean_missing_is_reported_once() {
    for (column, line) in [
        ("1 2 -9", Some(4)),
        ("0 -9 -9", Some(3)),
        ("-9 -9 -9", Some(2)),
        ("31.5 -9.0 28", Some(3)),
        ("-9 -3 2", None),
        ("-9.5 1 2", None),
        ("about -9 1", None),
    ] {
        let [a, b, c] = column.split(' ').collect::<Vec<_>>()[..] else {
            panic!("three values")
        };
        let (_, report) = read(&format!("id\tx\na\t{a}\nb\t{b}\nc\t{c}\n")).unwrap();
        let message = "column x: -9 is read as a number; write NA for missing";
        let kept = report
            .problems
            .kept()
            .iter()
            .filter(|problem| problem.message == message);
        let lines: Vec<u64> = kept.map(|problem| problem.line).collect();
        assert_eq!(lines, Vec::from_iter(line), "{column}");
    }
}

#[test]
fn people_on_one_side_only_are_counted() {
    let (phenotypes, report) = read("id\tx\na\t1.5\ny\t1\nz\t2\n").unwrap();
    assert_eq!((report.without_row, report.without_genotypes), (2, 2));
    assert_eq!(phenotypes.variables[0].values, [Some(1.5), None, None]);
}

#[test]
fn a_prefix_stands_before_the_ids() {
    let (_folder, path) = file("table.tsv", "id\tx\na\t3\n");
    let (phenotypes, _) = phenotypes::read(
        &path,
        &people(&["s:b", "s:a"]),
        Some("s:"),
        &KnownAs::default(),
    )
    .unwrap();
    assert_eq!(phenotypes.variables[0].values, [None, Some(3.0)]);
}

#[test]
fn unusable_tables_are_refused_with_a_line() {
    for (table, expected) in [
        ("", "table.tsv:1: the header line must name"),
        ("id\na\n", ":1: the header line must name"),
        (
            "id\tx\ty\na\t1\n",
            ":2: the row has 2 fields and the header 3",
        ),
        (
            "id\tx\na\t1\nb\t1\na\t2\n",
            ":4: the id in the first column was in an earlier row",
        ),
        ("id\tx\n\t1\n", ":2: the id in the first column is empty"),
        ("id\tbody mass\na\t1\n", ":1: column 2 has no usable name"),
        (
            "id\tx\tx\na\t1\t1\n",
            ":1: column 3 has the name of an earlier column",
        ),
        (
            "id\tx\nq\t1\n",
            "no id in the first column is one of the genotypes' sample names",
        ),
        ("id,x\n\"a,1\n", ":2: a quotation mark is not closed"),
    ] {
        let error = read(table).unwrap_err();
        assert!(error.contains(expected), "{table}: {error}");
    }
}

#[test]
fn the_real_tables_are_read_whole() {
    let Some(folder) = files::shared("data/real-sites") else {
        return;
    };
    for site in ["hapmap3", "kg-hg", "kg-na"] {
        let source =
            ligate_formats::vcf::Source::open(&folder.join(format!("{site}.vcf.gz"))).unwrap();
        let table = folder.join(format!("{site}.phenotypes.tsv"));
        let (phenotypes, report) =
            phenotypes::read(&table, source.samples(), None, &KnownAs::default()).unwrap();
        assert_eq!(
            (
                report.without_row,
                report.without_genotypes,
                report.problems.total()
            ),
            (0, 0, 0),
            "{site}"
        );
        let binary: Vec<&str> = (phenotypes.variables.iter())
            .filter(|variable| variable.kind == VariableKind::Binary)
            .map(|variable| variable.name.as_str())
            .collect();
        assert!(
            binary.contains(&"t2d") && !binary.contains(&"ldl"),
            "{binary:?}"
        );
    }
}
