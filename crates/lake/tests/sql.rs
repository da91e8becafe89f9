//! SQL over the datasets: what it answers, and what it refuses.

mod panel;

use std::fs;

use ligate_lake::{Cell, Lake, LakeError, SqlLimits, Table};
use ligate_model::DatasetId;
use panel::{Panel, dosage, load, request};

struct Fixture {
    folder: tempfile::TempDir,
    lake: Lake,
    panel: Panel,
}

/// Two datasets, one of whose names needs quotes, in a folder whose name needs care.
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("a node's 50% #1 [é*]");
    fs::create_dir(&base).unwrap();
    let lake = Lake::open(&base.join("datasets")).unwrap();
    let panel = Panel::random(1, "P", 20, &["1", "2", "X"], 50);
    let mut request = request(&[panel.write(&base.join("a.vcf"))]);
    let table = base.join("p.tsv");
    fs::write(
        &table,
        "id\tLDL\tt2d\nP0\t1.5\t1\nP1\t2.5\t0\nP2\tNA\t1\nP3\t4\tNA\n",
    )
    .unwrap();
    request.phenotypes = vec![(table, None)];
    load(&lake, &request).unwrap();
    request.dataset = DatasetId::new("kg-hg").unwrap();
    request.phenotypes.clear();
    load(&lake, &request).unwrap();
    Fixture {
        folder,
        lake,
        panel,
    }
}

fn try_sql(lake: &Lake, query: &str, limits: SqlLimits) -> Result<Table, LakeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(lake.sql(query, limits))
}

fn sql(lake: &Lake, query: &str) -> Table {
    try_sql(lake, query, SqlLimits::default()).unwrap()
}

#[test]
fn answers_counts_joins_and_names_as_written() {
    let Fixture {
        folder: _keep,
        lake,
        panel,
    } = fixture();
    let alleles: u64 = panel
        .sites
        .iter()
        .flat_map(|site| &site.calls)
        .flat_map(|call| dosage(call))
        .map(u64::from)
        .sum();
    let table = sql(
        &lake,
        "SELECT SUM(ac) AS ac, COUNT(*) AS n FROM cohort.sites",
    );
    assert_eq!(table.rows, [[Cell::Unsigned(alleles), Cell::Signed(150)]]);
    let table = sql(
        &lake,
        "select chrom, count(*) n from \"kg-hg\".sites where pos <= 100 group by chrom order by 1",
    );
    assert_eq!(table.rows.len(), 3);
    assert!(table.rows.iter().all(|row| row[1] == Cell::Signed(10)));
    let join = "WITH c AS (SELECT * FROM cohort.phenotypes WHERE t2d = 1) \
                SELECT s.sample, s.block, c.\"individual\", LDL FROM c JOIN cohort.samples s \
                ON s.individual = c.individual ORDER BY s.sample";
    let table = sql(&lake, join);
    assert_eq!(table.columns, ["sample", "block", "individual", "LDL"]);
    let row = |sample, name: &str, value| {
        [
            Cell::Unsigned(sample),
            Cell::Unsigned(0),
            Cell::Text(name.to_owned()),
            value,
        ]
    };
    assert_eq!(
        table.rows,
        [row(0, "P0", Cell::Float(1.5)), row(2, "P2", Cell::Null)]
    );
    assert_eq!(
        sql(&lake, "SELECT * FROM \"kg-hg\".phenotypes").columns,
        ["individual"]
    );
}

#[test]
fn text_is_aligned_and_json_has_numbers() {
    let Fixture {
        folder: _keep,
        lake,
        ..
    } = fixture();
    let table = sql(
        &lake,
        "SELECT individual, LDL FROM cohort.phenotypes ORDER BY individual LIMIT 2",
    );
    assert_eq!(
        table.to_text(),
        "individual  LDL\n----------  ---\nP0          1.5\nP1          2.5\n"
    );
    assert_eq!(
        table.to_json(),
        r#"[{"individual":"P0","LDL":1.5},{"individual":"P1","LDL":2.5}]"#
    );
    let odd = sql(
        &lake,
        "SELECT 'a' || chr(10) || 'b' AS t, CAST(NULL AS INT) AS n, [1, 2] AS l, 0.0/0.0 AS f",
    );
    assert_eq!(odd.to_text().lines().nth(2).unwrap(), "a b     [1, 2]  NaN");
    assert_eq!(
        odd.to_json(),
        "[{\"t\":\"a\\nb\",\"n\":null,\"l\":\"[1, 2]\",\"f\":null}]"
    );
}

#[test]
fn tables_can_be_listed_described_and_explained() {
    let Fixture {
        folder: _keep,
        lake,
        ..
    } = fixture();
    assert!(sql(&lake, "SHOW TABLES").to_text().contains("kg-hg"));
    assert!(
        sql(&lake, "DESCRIBE cohort.sites")
            .to_text()
            .contains("alt_index")
    );
    let plan = sql(
        &lake,
        "EXPLAIN SELECT id FROM cohort.sites WHERE chrom = '2' AND pos = 30",
    )
    .to_text();
    assert!(plan.contains("DataSourceExec"), "{plan}");
    assert!(plan.contains("pruning_predicate"), "{plan}");
}

#[test]
fn whatever_does_more_than_read_is_refused() {
    let Fixture { lake, folder, .. } = fixture();
    let secret = folder.path().join("secret.csv");
    fs::write(&secret, "a,b\n1,2\n").unwrap();
    let secret = secret.to_str().unwrap();
    let before = panel::tree(folder.path());
    let out = folder.path().join("out.csv");
    let out = out.to_str().unwrap();
    let queries = [
        format!("SELECT * FROM '{secret}'"),
        format!("SELECT * FROM \"{secret}\""),
        "SELECT * FROM '/etc/passwd'".to_owned(),
        format!("SELECT * FROM read_csv('{secret}')"),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{secret}'"),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "DROP TABLE cohort.sites".to_owned(),
        "INSERT INTO cohort.samples SELECT * FROM cohort.samples".to_owned(),
        "DELETE FROM cohort.samples".to_owned(),
        "UPDATE cohort.samples SET block = 1".to_owned(),
        format!("COPY cohort.samples TO '{out}'"),
        format!("COPY (SELECT 1) TO '{out}' STORED AS CSV"),
        format!("EXPLAIN ANALYZE COPY cohort.samples TO '{out}'"),
        "SET datafusion.execution.target_partitions = 1".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "SELECT * FROM cohort.genotypes".to_owned(),
        "SELECT * FROM nowhere.sites".to_owned(),
        "nonsense".to_owned(),
    ];
    for query in queries {
        let answer = try_sql(&lake, &query, SqlLimits::default());
        assert!(
            matches!(answer, Err(LakeError::Query(_))),
            "{query}: {answer:?}"
        );
    }
    assert_eq!(
        panel::tree(folder.path()),
        before,
        "no query wrote anything"
    );
}

#[test]
fn answers_and_queries_are_bounded() {
    let Fixture {
        folder: _keep,
        lake,
        ..
    } = fixture();
    let limits = SqlLimits {
        rows: 7,
        memory_bytes: 1 << 24,
    };
    let table = try_sql(&lake, "SELECT pos FROM cohort.sites", limits).unwrap();
    assert_eq!((table.rows.len(), table.truncated), (7, true));
    assert!(
        table
            .to_text()
            .ends_with("(the first 7 rows; there are more)\n")
    );
    let exact = try_sql(&lake, "SELECT pos FROM cohort.sites LIMIT 7", limits).unwrap();
    assert_eq!((exact.rows.len(), exact.truncated), (7, false));
    let huge = "SELECT a.pos AS p, b.pos AS q, c.pos AS r FROM cohort.sites a, cohort.sites b, cohort.sites c \
                ORDER BY p, q DESC, r";
    let limits = SqlLimits {
        rows: usize::MAX,
        memory_bytes: 1 << 20,
    };
    assert!(matches!(
        try_sql(&lake, huge, limits),
        Err(LakeError::Query(_))
    ));
}
