//! People who are loaded again under other ids: nothing is loaded before somebody says who they
//! are.

mod panel;

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

use ligate_lake::{HistoryKey, Lake, LakeError, LoadReport, LoadRequest};
use ligate_model::{DatasetId, IndividualId};
use ligate_records::known_as;
use panel::{Panel, PanelSite, Random, dataset, key, load, request, tree};

const PEOPLE: usize = 60;
const VARIANTS: u32 = 150;

/// A lake and a folder of files.
struct Node {
    folder: tempfile::TempDir,
    lake: Lake,
}

impl Node {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&folder.path().join("datasets")).unwrap();
        Self { folder, lake }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn request(&self, panel: &Panel) -> LoadRequest {
        request(&[panel.write(&self.path("sources/a.vcf"))])
    }

    #[track_caller]
    fn load(&self, panel: &Panel) -> LoadReport {
        load(&self.lake, &self.request(panel)).unwrap()
    }

    /// The ids in the files, and those that these people are known under, of a load that is refused
    /// and changes nothing.
    #[track_caller]
    fn refused(&self, request: &LoadRequest) -> Vec<[String; 2]> {
        let before = self.stored();
        let error = load(&self.lake, request).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("people are the same under every id"),
            "{error}"
        );
        assert!(self.stored() == before, "a refused load changed something");
        let LakeError::SamePeople { pairs, .. } = error else {
            panic!("{error}")
        };
        let table = self.path("same-people.tsv");
        known_as::write(&mut fs::File::create(table).unwrap(), &pairs).unwrap();
        pairs
            .iter()
            .map(|(one, other)| [one, other].map(|id| id.as_str().to_owned()))
            .collect()
    }

    /// Loads with the table of the last refusal.
    #[track_caller]
    fn load_known(&self, panel: &Panel) -> LoadReport {
        let request = LoadRequest {
            known_as: Some(self.path("same-people.tsv")),
            ..self.request(panel)
        };
        load(&self.lake, &request).unwrap()
    }

    fn stored(&self) -> (Vec<String>, Option<Vec<u8>>) {
        (tree(&self.path("datasets")), fs::read(self.book()).ok())
    }

    fn book(&self) -> PathBuf {
        self.path("datasets/.likeness")
    }

    fn ids(&self, name: &str) -> Vec<String> {
        let snapshot = self.lake.snapshot(&DatasetId::new(name).unwrap()).unwrap();
        snapshot
            .individuals()
            .iter()
            .map(|id| id.as_str().to_owned())
            .collect()
    }
}

/// People with common variants on chromosome 2, beginning at a position.
fn people_from(seed: u64, first: u32) -> Panel {
    let mut random = Random::new(seed);
    let site = |number: u32| {
        let share = 20 + random.below(60);
        let mut allele = || usize::from(random.below(100) < share);
        let calls = (0..PEOPLE)
            .map(|_| ["0/0", "0/1", "1/1"][allele() + allele()])
            .collect();
        PanelSite {
            key: key("2", first + number * 1000, "A", "G"),
            calls,
        }
    };
    let sites = (0..VARIANTS).map(site).collect();
    Panel {
        samples: names("a", 0..PEOPLE),
        sites,
    }
}

fn people(seed: u64) -> Panel {
    people_from(seed, 1000)
}

fn names(prefix: &str, numbers: Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{prefix}{number}")).collect()
}

fn renamed(panel: &Panel, prefix: &str, people: Range<usize>) -> Panel {
    let mut panel = panel.clone();
    panel.samples.splice(people.clone(), names(prefix, people));
    panel
}

/// Only these people, in this order.
fn only(panel: &Panel, people: &[usize]) -> Panel {
    let sites = panel.sites.iter().map(|site| PanelSite {
        key: site.key.clone(),
        calls: people.iter().map(|person| site.calls[*person]).collect(),
    });
    Panel {
        samples: people
            .iter()
            .map(|person| panel.samples[*person].clone())
            .collect(),
        sites: sites.collect(),
    }
}

fn pairs(prefix: &str, people: Range<usize>) -> Vec<[String; 2]> {
    let mut pairs: Vec<_> = people
        .map(|person| [format!("{prefix}{person}"), format!("a{person}")])
        .collect();
    pairs.sort();
    pairs
}

#[test]
fn everybody_under_other_ids_is_loaded_under_the_earlier_ones() {
    let node = Node::new();
    node.load(&people(1));
    // Nine calls of one person are read otherwise now.
    let mut next = renamed(&people(1), "x", 0..PEOPLE);
    next.sites[..9]
        .iter_mut()
        .for_each(|site| site.calls[5] = "./.");
    let mut request = node.request(&next);
    assert_eq!(node.refused(&request), pairs("x", 0..PEOPLE));
    let values = node.path("values.tsv");
    fs::write(&values, "id\tldl\nx3\t1.5\na4\t2\n").unwrap();
    request.phenotypes = vec![(values, None)];
    request.known_as = Some(node.path("same-people.tsv"));
    let report = load(&node.lake, &request).unwrap();
    assert_eq!(
        (report.known_as, report.other_people, report.changed.total()),
        (PEOPLE, 0, 9)
    );
    assert_eq!(node.ids("cohort"), names("a", 0..PEOPLE));
    let values = &node
        .lake
        .snapshot(&dataset())
        .unwrap()
        .phenotypes()
        .unwrap()
        .variables[0]
        .values;
    assert_eq!(values[2..6], [None, Some(1.5), Some(2.0), None]);
    // The next load under the new ids is found again, and so is one under a third kind of ids.
    assert_eq!(node.refused(&node.request(&next)), pairs("x", 0..PEOPLE));
    assert_eq!(
        node.refused(&node.request(&renamed(&next, "y", 0..PEOPLE))),
        pairs("y", 0..PEOPLE)
    );
}

#[test]
fn some_under_other_ids_beside_others_and_new_ones() {
    let node = Node::new();
    node.load(&people(1));
    let mut next = renamed(&people(1), "x", 10..22);
    next.samples.push("new".to_owned());
    for (site, other) in next.sites.iter_mut().zip(people(2).sites) {
        site.calls.push(other.calls[0]);
    }
    assert_eq!(node.refused(&node.request(&next)), pairs("x", 10..22));
    assert_eq!(node.load_known(&next).known_as, 12);
    let mut expected = names("a", 0..PEOPLE);
    expected.push("new".to_owned());
    assert_eq!(node.ids("cohort"), expected);
}

#[test]
fn people_of_one_dataset_in_another_one() {
    let node = Node::new();
    node.load(&people(1));
    let other = |panel: &Panel| LoadRequest {
        dataset: DatasetId::new("other").unwrap(),
        ..node.request(panel)
    };
    let next = only(
        &renamed(&people(1), "x", 0..30),
        &(20..40).collect::<Vec<_>>(),
    );
    assert_eq!(node.refused(&other(&next)), pairs("x", 20..30));
    load(
        &node.lake,
        &LoadRequest {
            known_as: Some(node.path("same-people.tsv")),
            ..other(&next)
        },
    )
    .unwrap();
    assert_eq!(node.ids("other"), names("a", 20..40));
}

#[test]
fn two_loads_at_once_do_not_miss_each_other() {
    for seed in 1..=4 {
        let node = Node::new();
        let panels = [people(seed), renamed(&people(seed), "x", 0..PEOPLE)];
        let loaded: Vec<bool> = std::thread::scope(|scope| {
            let begin = |(panel, name): (&Panel, &str)| {
                let file = panel.write(&node.path(&format!("sources/{name}.vcf")));
                let request = LoadRequest {
                    dataset: DatasetId::new(name).unwrap(),
                    ..request(&[file])
                };
                let lake = &node.lake;
                scope.spawn(move || load(lake, &request).is_ok())
            };
            let loads: Vec<_> = panels.iter().zip(["one", "other"]).map(begin).collect();
            loads.into_iter().map(|load| load.join().unwrap()).collect()
        });
        assert!(loaded[0] != loaded[1], "{loaded:?}");
    }
}

#[test]
fn gone_and_back_under_another_id() {
    let node = Node::new();
    node.load(&people(1));
    let without: Vec<usize> = (0..PEOPLE).filter(|person| *person != 7).collect();
    node.load(&only(&people(1), &without));
    node.load(&only(&people(1), &without[1..]));
    assert_eq!(
        node.refused(&node.request(&renamed(&people(1), "x", 7..8))),
        pairs("x", 7..8)
    );
    assert_eq!(
        node.load_known(&renamed(&people(1), "x", 7..8)).individuals,
        PEOPLE
    );
    assert_eq!(node.ids("cohort"), names("a", 0..PEOPLE));
}

#[test]
fn a_twin_comes_when_the_other_has_gone() {
    let node = Node::new();
    node.load(&people(1));
    let twin = renamed(&people(1), "twin", 7..8);
    assert_eq!(node.refused(&node.request(&twin)), pairs("twin", 7..8));
    fs::write(
        node.path("same-people.tsv"),
        "individual\tknown_as\ntwin7\ttwin7\n",
    )
    .unwrap();
    let report = node.load_known(&twin);
    assert_eq!((report.known_as, report.other_people), (0, 1));
    // From then on both are known, and two who look like them are these two.
    node.load(&twin);
    let mut both = renamed(&people(1), "x", 7..8);
    both.samples.push("y".to_owned());
    both.sites
        .iter_mut()
        .for_each(|site| site.calls.push(site.calls[7]));
    let found = node.refused(&node.request(&both));
    let mut known: Vec<&str> = found
        .iter()
        .map(|[_, known_as]| known_as.as_str())
        .collect();
    known.sort_unstable();
    assert_eq!(known, ["a7", "twin7"]);
    assert_eq!(node.load_known(&both).individuals, PEOPLE + 1);
}

#[test]
fn one_person_twice_in_the_files() {
    let node = Node::new();
    let mut twice = people(1);
    twice.samples.push("again".to_owned());
    // Two calls were read otherwise.
    twice
        .sites
        .iter_mut()
        .for_each(|site| site.calls.push(site.calls[7]));
    twice.sites[3..5]
        .iter_mut()
        .for_each(|site| site.calls[PEOPLE] = "./.");
    let refused = |node: &Node| {
        let before = node.stored();
        let error = load(&node.lake, &node.request(&twice)).unwrap_err();
        assert!(
            error.to_string().contains("a person counts once"),
            "{error}"
        );
        // A first load leaves an empty dataset.
        assert!(
            before.1.is_none() || node.stored() == before,
            "a refused load changed something"
        );
        let LakeError::Twice { pairs } = error else {
            panic!("{error}")
        };
        pairs
            .iter()
            .map(|pair| pair.each_ref().map(|id| id.as_str().to_owned()))
            .collect::<Vec<_>>()
    };
    let pair = ["a7", "again"];
    assert_eq!(refused(&node), [pair]);
    // Nor where the other row was loaded before.
    node.load(&people(1));
    assert_eq!(refused(&node), [pair]);
    // The steward says that they are twins, once.
    fs::write(
        node.path("same-people.tsv"),
        "individual\tknown_as\nagain\tagain\n",
    )
    .unwrap();
    assert_eq!(node.load_known(&twice).individuals, PEOPLE + 1);
    assert_eq!(node.load(&twice).individuals, PEOPLE + 1);
}

#[test]
fn ids_that_are_dealt_out_anew() {
    let node = Node::new();
    node.load(&people(1));
    // Everybody has the id of the next one now.
    let mut next = people(1);
    next.samples.rotate_left(1);
    let found = node.refused(&node.request(&next));
    assert_eq!(found.len(), PEOPLE);
    assert!(found.contains(&["a0".to_owned(), "a59".to_owned()]));
    assert_eq!(node.load_known(&next).changed.total(), 0);
    assert_eq!(node.ids("cohort"), names("a", 0..PEOPLE));
    // An id that goes to somebody new, while its owner gets another one.
    let mut next = people(1);
    next.samples[3] = "x".to_owned();
    next.samples[4] = "a3".to_owned();
    for (site, other) in next.sites.iter_mut().zip(people(2).sites) {
        site.calls[4] = other.calls[4];
    }
    assert_eq!(
        node.refused(&node.request(&next)),
        [["x".to_owned(), "a3".to_owned()]]
    );
    let table = node.path("same-people.tsv");
    let request = LoadRequest {
        known_as: Some(table.clone()),
        ..node.request(&next)
    };
    let error = load(&node.lake, &request).unwrap_err().to_string();
    assert!(
        error.contains(
            "same-people.tsv:2: the files have somebody with the id in the second column"
        ),
        "{error}"
    );
    fs::write(&table, "individual\tknown_as\nx\ta3\na3\ta3-2027\n").unwrap();
    load(&node.lake, &request).unwrap();
    assert_eq!(node.ids("cohort")[3..5], ["a3", "a3-2027"]);
}

#[test]
fn a_wrong_table_is_told_by_line_and_corrected() {
    let node = Node::new();
    node.load(&people(1));
    let next = renamed(&people(1), "x", 0..3);
    let table = node.path("known.tsv");
    let request = LoadRequest {
        known_as: Some(table.clone()),
        ..node.request(&next)
    };
    for (lines, said) in [
        (
            "x0\ta0\nx9\ta1\n",
            "known.tsv:3: the id in the first column is not in the files",
        ),
        (
            "x0\ta0\nx1\ta0\n",
            "known.tsv:3: two people are known as one",
        ),
        (
            "x0\ta9\n",
            "known.tsv:2: the files have somebody with the id in the second column",
        ),
    ] {
        fs::write(&table, format!("individual\tknown_as\n{lines}")).unwrap();
        let error = load(&node.lake, &request).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    // Two are confused, one is left out, one is right.
    fs::write(&table, "individual\tknown_as\nx0\ta1\nx1\ta0\nx2\tnobody\n").unwrap();
    assert_eq!(node.refused(&request), pairs("x", 0..3));
    assert_eq!(node.load_known(&next).known_as, 3);
}

#[test]
fn files_of_other_variants_are_compared_among_themselves() {
    let node = Node::new();
    node.load(&people(1));
    let other = people_from(3, 1_000_000);
    let renamed_other = |prefix: &str| renamed(&other, prefix, 0..PEOPLE);
    node.load(&renamed_other("x"));
    assert_eq!(
        node.refused(&node.request(&renamed_other("y"))).len(),
        PEOPLE
    );
    // The first variants are compared as before, with everybody who ever was there.
    assert_eq!(
        node.refused(&node.request(&renamed(&people(1), "y", 0..PEOPLE))),
        pairs("y", 0..PEOPLE)
    );
    // One variant in thirty less leaves enough.
    let mut fewer = renamed(&people(1), "y", 0..PEOPLE);
    fewer.sites = fewer
        .sites
        .into_iter()
        .enumerate()
        .filter(|(number, _)| number % 30 != 0)
        .map(|(_, site)| site)
        .collect();
    assert_eq!(node.refused(&node.request(&fewer)), pairs("y", 0..PEOPLE));
}

#[test]
fn few_people_few_variants_and_variants_that_tell_nobody_apart_are_compared_by_nothing() {
    let few_people = only(&people(1), &(0..19).collect::<Vec<_>>());
    let few_variants = Panel {
        sites: people(1).sites[..47].to_vec(),
        ..people(1)
    };
    // Everybody has one of two rows of calls, as on a short piece of a chromosome.
    let mut piece = people(1);
    for (number, site) in piece.sites.iter_mut().enumerate() {
        site.calls = (0..PEOPLE)
            .map(|person| ["0/0", "1/1"][(person * 7 / 11 + number) % 2])
            .collect();
    }
    for panel in [few_people, few_variants, piece] {
        let node = Node::new();
        node.load(&panel);
        let people = panel.samples.len();
        node.load(&renamed(&panel, "x", 0..people));
        assert_eq!(node.ids("cohort"), names("x", 0..people));
    }
}

#[test]
fn people_in_blocks_of_several_files() {
    let node = Node::new();
    let halves = |panel: &Panel| {
        let file = |people: Range<usize>| only(panel, &people.collect::<Vec<_>>());
        let files = [file(0..25), file(25..PEOPLE)];
        let write = |(number, panel): (usize, &Panel)| {
            panel.write(&node.path(&format!("sources/{number}.vcf")))
        };
        request(&files.iter().enumerate().map(write).collect::<Vec<_>>())
    };
    load(&node.lake, &halves(&people(1))).unwrap();
    assert_eq!(
        node.refused(&node.request(&renamed(&people(1), "x", 20..30))),
        pairs("x", 20..30)
    );
    assert_eq!(
        node.refused(&halves(&renamed(&people(1), "x", 20..30))),
        pairs("x", 20..30)
    );
}

#[test]
fn another_key_compares_with_nobody_and_forgets_nobody() {
    let node = Node::new();
    node.load(&people(1));
    let next = renamed(&people(1), "x", 0..PEOPLE);
    let other = people(2);
    let mut request = node.request(&other);
    request.history_key = HistoryKey::new([8; 32]);
    load(&node.lake, &request).unwrap();
    assert_eq!(node.refused(&node.request(&next)), pairs("x", 0..PEOPLE));
}

/// As an earlier program leaves a lake.
fn make_old(node: &Node) {
    fs::remove_file(node.book()).unwrap();
    for name in ["cohort", "other"] {
        let manifest = node.path(&format!("datasets/{name}/manifest.json"));
        let text = fs::read_to_string(&manifest).unwrap();
        let old = text.replace(",\n  \"compared\": true", "");
        assert!(old != text);
        fs::write(&manifest, old).unwrap();
    }
}

#[test]
fn datasets_of_an_earlier_program_are_compared_too() {
    let node = Node::new();
    node.load(&people(1));
    load(
        &node.lake,
        &LoadRequest {
            dataset: DatasetId::new("other").unwrap(),
            ..node.request(&people(2))
        },
    )
    .unwrap();
    make_old(&node);
    assert_eq!(
        node.refused(&node.request(&renamed(&people(1), "x", 0..PEOPLE))),
        pairs("x", 0..PEOPLE)
    );
    assert_eq!(
        node.refused(&node.request(&renamed(&people(2), "x", 5..6))),
        pairs("x", 5..6)
    );
    node.load(&people(1));
    let both = fs::read(node.book()).unwrap();
    node.load(&people(1));
    assert!(both == fs::read(node.book()).unwrap());
}

#[test]
fn a_damaged_book_is_put_back_from_a_backup() {
    let node = Node::new();
    node.load(&people(1));
    let book = node.book();
    let refused = |panel: &Panel| {
        let error = load(&node.lake, &node.request(panel)).unwrap_err();
        assert!(
            matches!(&error, LakeError::LikenessLost { path, .. } if *path == book),
            "{error}"
        );
        assert!(
            error.to_string().ends_with("put it back from a backup"),
            "{error}"
        );
    };
    let whole = fs::read(&book).unwrap();
    let (half, mut flipped) = (&whole[..whole.len() / 2], whole.clone());
    flipped[whole.len() / 2] ^= 1;
    for damaged in [half, &flipped, &[], &[&whole[..], &[0]].concat()] {
        fs::write(&book, damaged).unwrap();
        refused(&people(1));
        refused(&renamed(&people(1), "x", 0..PEOPLE));
        fs::write(&book, &whole).unwrap();
        node.load(&people(1));
    }
    fs::remove_file(&book).unwrap();
    refused(&people(2));
    fs::write(&book, whole).unwrap();
    assert_eq!(
        node.refused(&node.request(&renamed(&people(1), "x", 0..PEOPLE))),
        pairs("x", 0..PEOPLE)
    );
    // Nobody's calls or ids in what an error shows.
    let id = IndividualId::new("a1").unwrap();
    let error = LakeError::SamePeople {
        found: 1,
        pairs: vec![(id.clone(), id)],
    };
    assert!(!format!("{error:?} {error}").contains("a1"));
}

/// The lines of a gzipped VCF with those of its people whom `keep` takes, their names after a
/// prefix.
fn chosen(file: &Path, prefix: &str, keep: impl Fn(usize) -> bool) -> String {
    let unpacked = Command::new("gzip").arg("-dc").arg(file).output().unwrap();
    let mut text = String::new();
    for line in String::from_utf8(unpacked.stdout).unwrap().lines() {
        let (head, fields) = if line.starts_with("##") {
            (0, vec![line])
        } else {
            (9, line.split('\t').collect())
        };
        let prefix = if line.starts_with("#CHROM") {
            prefix
        } else {
            ""
        };
        let people = fields
            .iter()
            .skip(head)
            .enumerate()
            .filter(|(person, _)| head == 0 || keep(*person));
        let people = people.map(|(_, field)| {
            if head == 0 {
                (*field).to_owned()
            } else {
                format!("{prefix}{field}")
            }
        });
        let all: Vec<String> = fields[..head]
            .iter()
            .map(|field| (*field).to_owned())
            .chain(people)
            .collect();
        text.push_str(&all.join("\t"));
        text.push('\n');
    }
    text
}

/// 957 people of HapMap 3, many of them parents and children. Nobody is taken for somebody else.
#[test]
fn real_people_are_known_again_and_their_relatives_are_not() {
    let shared = std::env::var_os("LIGATE_SHARED").map(PathBuf::from);
    let shared =
        shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let file = shared.join("data/real-sites/hapmap3.vcf.gz");
    if !file.exists() {
        return println!("skipped: there is no {}", file.display());
    }
    let node = Node::new();
    let request = |name: &str, text: String| {
        let path = node.path(&format!("{name}.vcf"));
        fs::write(&path, text).unwrap();
        LoadRequest {
            dataset: DatasetId::new(name).unwrap(),
            ..request(&[path])
        }
    };
    for half in 0..2 {
        let half = request(
            ["even", "odd"][half],
            chosen(&file, "a", |person| person % 2 == half),
        );
        load(&node.lake, &half).unwrap();
    }
    let found = node.refused(&request("all", chosen(&file, "x", |_| true)));
    assert!(
        found.len() == 957
            && found
                .iter()
                .all(|[one, known_as]| one[1..] == known_as[1..])
    );
}
