//! Pedigree files, good and bad.

#[path = "../../formats/tests/common/files.rs"]
mod files;

use files::{file, shared};
use ligate_model::IndividualId;
use ligate_records::pedigree::{Pedigree, Sex};

fn id(text: &str) -> IndividualId {
    IndividualId::new(text).unwrap()
}

fn read(text: &str) -> (Pedigree, Vec<(u64, String)>) {
    let (_folder, path) = file("family.ped", text);
    let (pedigree, problems) = Pedigree::read(&path).unwrap();
    (
        pedigree,
        problems
            .kept()
            .iter()
            .map(|problem| (problem.line, problem.message.clone()))
            .collect(),
    )
}

const QUARTET: &str = "\
#Family\tIndividual\tFather\tMother\tSex\tPhenotype
f\tchild\tdad\tmum\t1\t2
f\tsister\tdad\tmum\t2\t1
f\tdad\t0\t0\t1\t1
f\tmum\t0\t0\t2\t-9
";

#[test]
fn a_family_is_found() {
    for text in [
        QUARTET.to_owned(),
        QUARTET.replace('\t', "   "),
        QUARTET.replace('\n', "\r\n"),
    ] {
        let (pedigree, problems) = read(&text);
        assert_eq!(problems, []);
        assert_eq!(pedigree.families(), ["f"]);
        let (father, mother) = pedigree.parents(&id("child"));
        assert_eq!(
            (father.unwrap().individual.as_str(), father.unwrap().sex),
            ("dad", Sex::Male)
        );
        assert_eq!(
            (mother.unwrap().sex, mother.unwrap().affected),
            (Sex::Female, None)
        );
        assert_eq!(pedigree.get(&id("child")).unwrap().affected, Some(true));
        let children: Vec<&str> = pedigree
            .children(&father.unwrap().individual)
            .map(|c| c.individual.as_str())
            .collect();
        assert_eq!(children, ["child", "sister"]);
        let siblings: Vec<u64> = pedigree
            .full_siblings(&id("child"))
            .map(|member| member.line)
            .collect();
        assert_eq!(siblings, [3]);
        assert!(pedigree.full_siblings(&id("dad")).next().is_none());
    }
}

/// The family with one line more, and what is said about it.
fn check(extra: &str, line: u64, message: &str) -> Pedigree {
    let (pedigree, problems) = read(&format!("{QUARTET}{extra}\n"));
    assert_eq!(problems.len(), 1, "{extra}: {problems:?}");
    assert_eq!(problems[0].0, line, "{extra}");
    assert!(
        problems[0].1.contains(message),
        "{extra}: {}",
        problems[0].1
    );
    for secret in ["Xsecret", "child", "dad", "mum"] {
        assert!(!problems[0].1.contains(secret), "{}", problems[0].1);
        assert!(!format!("{pedigree:?} {:?}", pedigree.members()).contains(secret));
    }
    assert!(
        pedigree
            .get(&id("child"))
            .is_some_and(|child| child.father.is_some())
    );
    pedigree
}

#[test]
fn bad_lines_are_told_and_the_rest_stays() {
    let unknown = check("f\tXsecret\tgone\tmum\t1\t2", 6, "father has no line");
    let member = unknown.get(&id("Xsecret")).unwrap();
    assert_eq!(
        (
            &member.father,
            member.mother.as_ref().map(IndividualId::as_str)
        ),
        (&None, Some("mum"))
    );
    check("f\tXsecret\tmum\t0\t1\t2", 6, "father is of the wrong sex");
    check("f\tXsecret\t0\tdad\t1\t2", 6, "mother is of the wrong sex");
    check("g\tXsecret\tdad\t0\t1\t2", 6, "another family");
    check("f\tXsecret\tXsecret\t0\t1\t2", 6, "is the individual");
    assert_eq!(
        check("f\tchild\t0\t0\t2\t1", 6, "already")
            .get(&id("child"))
            .unwrap()
            .sex,
        Sex::Male
    );
    assert_eq!(
        check("f\tXsecret\t0\t0\t1", 6, "six columns")
            .members()
            .len(),
        4
    );
    check("f\tXsecret\t0\t0\tman\t2", 6, "the sex");
    check("f\tXsecret\t0\t0\t1\tsick", 6, "the phenotype");
    check("f\t0\t0\t0\t1\t2", 6, "an id");
    check("f\t\t0\t0\t1\t2", 6, "an id");
}

#[test]
fn codes_of_unknown_are_unknown() {
    let (pedigree, problems) = read("f a 0 0 0 0\nf b 0 0 other -9\nf c 0 0 1 3.7\n");
    assert_eq!(problems, []);
    assert!(
        pedigree
            .members()
            .iter()
            .all(|member| member.affected.is_none())
    );
    assert_eq!(pedigree.members()[1].sex, Sex::Unknown);
}

#[test]
fn loops_are_cut() {
    let (pedigree, problems) = read("f a b 0 1 1\nf b c 0 1 1\nf c a 0 1 1\nf d a 0 1 2\n");
    assert_eq!(
        problems.iter().map(|problem| problem.0).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(
        problems
            .iter()
            .all(|problem| problem.1.contains("ancestor"))
    );
    assert!(pedigree.get(&id("a")).unwrap().father.is_none());
    assert!(pedigree.get(&id("d")).unwrap().father.is_some());
    // Cousins' children are no loop.
    let cousins = "f g 0 0 1 1\nf h 0 0 2 1\nf p g h 1 1\nf q g h 2 1\nf r p 0 1 1\nf s 0 q 2 1\nf t r s 1 2\n";
    assert_eq!(read(cousins).1, []);
}

#[test]
fn a_file_without_people_is_refused() {
    let (_folder, path) = file("empty.ped", "#Family\tIndividual\n\n");
    assert!(
        Pedigree::read(&path)
            .unwrap_err()
            .to_string()
            .contains("PED")
    );
}

#[test]
fn the_shared_families_are_whole() {
    let Some(folder) = shared("data/clinical") else {
        return;
    };
    for (name, people, affected) in [("trio", 3, 1), ("giab-trio", 3, 1), ("quartet-chr6", 4, 0)] {
        let (pedigree, problems) = Pedigree::read(&folder.join(format!("{name}.ped"))).unwrap();
        assert!(problems.is_empty());
        let ill = pedigree
            .members()
            .iter()
            .filter(|member| member.affected == Some(true))
            .count();
        assert_eq!(
            (pedigree.members().len(), ill),
            (people, affected),
            "{name}"
        );
        let children = pedigree
            .members()
            .iter()
            .filter(|m| m.father.is_some() && m.mother.is_some());
        assert_eq!(children.count(), people - 2);
    }
}
