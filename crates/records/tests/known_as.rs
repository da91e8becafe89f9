//! Tables of the ids that people had before.

#[path = "../../formats/tests/common/files.rs"]
mod files;

use files::file;
use ligate_model::IndividualId;
use ligate_records::{
    known_as::{self, KnownAs},
    phenotypes,
};

fn id(text: &str) -> IndividualId {
    IndividualId::new(text).unwrap()
}

/// Reads a table and compares it with files that hold these people.
fn check(table: &str, files: &[&str]) -> Result<KnownAs, String> {
    let (_folder, path) = file("known.tsv", table);
    let known_as = KnownAs::read(&path).map_err(|error| error.to_string())?;
    let checked = known_as.check(|individual| files.contains(&individual.as_str()));
    checked
        .map(|()| known_as)
        .map_err(|error| error.to_string())
}

#[test]
fn people_are_known_under_earlier_ids() {
    let known_as = check(
        "individual\tknown_as\nx\ta\ny\ty\n\nb\tc\nc\tb\n",
        &["x", "y", "z", "b", "c"],
    )
    .unwrap();
    let ids = ["x", "y", "z", "b", "c"].map(id);
    let found: Vec<&str> = ids
        .iter()
        .map(|individual| known_as.id_of(individual).as_str())
        .collect();
    assert_eq!(found, ["a", "y", "z", "c", "b"]);
    assert_eq!(known_as.counts(), (3, 1));
    assert!(
        known_as.is_another(&id("y"))
            && !known_as.is_another(&id("z"))
            && !known_as.is_another(&id("x"))
    );
}

#[test]
fn what_is_wrong_is_told_by_file_and_line() {
    let files = ["x", "y", "a"];
    for (table, line, said) in [
        ("id\tknown_as\nx\ta\n", 1, "individual and known_as"),
        ("individual\tknown_as\nx\n", 2, "two ids"),
        (
            "individual\tknown_as\nx\tb\nx\tc\n",
            3,
            "line 2 has the same id in the first column",
        ),
        (
            "individual\tknown_as\nx\tb\ny\tb\n",
            3,
            "two people are known as one: line 2",
        ),
        ("individual\tknown_as\nx\tb\nz\tc\n", 3, "not in the files"),
        (
            "individual\tknown_as\nx\ta\n",
            2,
            "the files have somebody with the id in the second column",
        ),
    ] {
        let error = check(table, &files).unwrap_err();
        assert!(
            error.contains(&format!("known.tsv:{line}: ")) && error.contains(said),
            "{table}: {error}"
        );
    }
    // Where the one who has the id now gets another one, it is free.
    check("individual\tknown_as\nx\ta\na\tsomebody\n", &files).unwrap();
}

#[test]
fn what_is_written_is_read() {
    let (_folder, path) = file("known.tsv", "individual\tknown_as\nx\ta\ny\tb\n");
    let found = [(id("y"), id("\"q\"")), (id("1,2"), id("z z"))];
    let pairs = KnownAs::read(&path).unwrap().with(&found);
    let mut text = Vec::new();
    known_as::write(&mut text, &pairs).unwrap();
    std::fs::write(&path, &text).unwrap();
    let ids = ["x", "y", "1,2", "other"].map(id);
    let read = KnownAs::read(&path).unwrap();
    let known: Vec<&str> = ids
        .iter()
        .map(|individual| read.id_of(individual).as_str())
        .collect();
    assert_eq!(known, ["a", "\"q\"", "z z", "other"]);
}

#[test]
fn rows_of_phenotypes_follow() {
    let (_folder, known) = file("known.tsv", "individual\tknown_as\nx\ta\n");
    let known_as = KnownAs::read(&known).unwrap();
    let people = [id("a"), id("b")];
    let values = |table: &str| {
        let (_folder, path) = file("table.tsv", table);
        let read =
            phenotypes::read(&path, &people, None, &known_as).map_err(|error| error.to_string())?;
        Ok::<_, String>(read.0.variables[0].values.clone())
    };
    for table in ["id\tldl\nb\t2\nx\t1.5\n", "id\tldl\na\t1.5\nb\t2\n"] {
        assert_eq!(values(table).unwrap(), [Some(1.5), Some(2.0)], "{table}");
    }
    assert!(
        values("id\tldl\na\t1.5\nx\t2\n")
            .unwrap_err()
            .contains("table.tsv:3: the id in the first column was in")
    );
}
