mod support;
use ligate_analysis::gwas::{Family, Plan};
use ligate_model::{BinaryCoding, Phenotypes};
use std::{collections::HashMap, fs, time::Instant};
use support::{People, Sites, key, name, variable};

fn f(ours: f64, printed: f64, digits: i32) -> bool {
    (ours - printed).abs() <= 1.001 * 10_f64.powi(1 + printed.abs().log10().floor() as i32 - digits)
}

#[test]
fn real() {
    let dir = "/tmp/analysis-check";
    let read = |p: &str| fs::read_to_string(format!("{dir}/{p}")).unwrap();
    let samples: Vec<String> = read("samples.txt").lines().map(String::from).collect();
    let ph: HashMap<String, Vec<Option<f64>>> = read("ph.tsv").lines().skip(1).map(|l| {
        let x: Vec<&str> = l.split('\t').collect();
        (x[0].to_string(), x[1..].iter().map(|v| v.parse().ok()).collect())
    }).collect();
    let variables = ["sex", "age", "bmi", "ldl", "t2d"].iter().enumerate().map(|(k, n)| {
        let coding = (*n == "t2d").then_some(BinaryCoding::ZeroOne);
        variable(n, coding, samples.iter().map(|s| ph[s][k]).collect())
    }).collect();
    let calls: Vec<Vec<Option<u8>>> = read("gt.txt").lines().map(|l| l.trim_end().split('\t').map(|g| match g {
        "0/0" | "0|0" => Some(0), "0/1" | "1/0" | "0|1" | "1|0" => Some(1), "1/1" | "1|1" => Some(2), _ => None }).collect()).collect();
    let m = calls.len();
    let people = People { phenotypes: Phenotypes { variables }, calls };
    let sites = [people.pooled()];
    let seven: Vec<_> = (0..7).map(|k| {
        let own: Vec<usize> = (0..people.count()).filter(|p| (p * 2654435761usize >> 7) % 28 < (k + 1) * 4 && (p * 2654435761usize >> 7) % 28 >= k * 4).collect();
        people.site(&own, &[own.len() / 3], 512)
    }).collect();
    for (trait_name, family, wald, file) in [("ldl", Family::Linear, 0.0, "out.ldl.glm.linear"), ("t2d", Family::Logistic, 1.0, "out.t2d.glm.logistic"), ("t2d", Family::Logistic, 0.0, "out.t2d.glm.logistic")] {
        let plan = Plan { family, trait_name: name(trait_name), covariates: ["sex", "age", "bmi"].map(name).to_vec(), wald_below: wald };
        let t = Instant::now();
        let mut s = Sites::new(&plan, &sites, 2);
        let facts = s.facts(m, 0);
        let g = s.run(&facts).unwrap();
        println!("{trait_name} {wald} n {} took {:?} lambda {} unreported {} asks {:?}", g.people.individuals, t.elapsed(), g.lambda, g.unreported.len(), s.asked);
        let t = Instant::now();
        let mut s7 = Sites::new(&plan, &seven, 2);
        let f7 = s7.facts(m, 3);
        let g7 = s7.run(&f7).unwrap();
        println!("seven took {:?} baselines {}", t.elapsed(), g7.associations.iter().filter(|a| a.baseline.is_some()).count());
        assert_eq!(g7.associations.len(), g.associations.len());
        assert!(g7.associations.iter().zip(&g.associations).all(|(a, b)| a.beta.to_bits() == b.beta.to_bits() && a.standard_error.to_bits() == b.standard_error.to_bits() && a.p_value.to_bits() == b.p_value.to_bits()));
        let (mut worst, mut se_ok, mut p_ok, mut b_ok, mut all, mut full, mut sefull, mut pfull) = (0.0_f64, 0, 0, 0, 0, 0, 0, 0);
        let by: HashMap<_, _> = g.associations.iter().map(|a| (a.key.clone(), a)).collect();
        let mut missing = vec![];
        for (v, l) in read(file).lines().skip(1).enumerate() {
            let x: Vec<&str> = l.split('\t').collect();
            let (obs, b, se, p): (f64, f64, f64, f64) = (x[7].parse().unwrap(), x[8].parse().unwrap_or(f64::NAN), x[9].parse().unwrap_or(f64::NAN), x[11].parse().unwrap_or(f64::NAN));
            match by.get(&key(v)) {
                None => missing.push((v, x[12].to_string(), g.unreported.iter().find(|u| u.key == key(v)).map(|u| u.reason))),
                Some(a) => {
                    if b.is_nan() { println!("plink refuses {v} {}, we have {} {}", x[12], a.beta, a.standard_error); continue; }
                    assert_eq!(obs, a.counts.called as f64);
                    all += 1;
                    let digits = if family == Family::Linear { 6 } else { 5 };
                    worst = worst.max((a.beta - b).abs() / a.standard_error);
                    b_ok += f(a.beta, b, 6) as i32; se_ok += f(a.standard_error, se, digits) as i32; p_ok += f(a.p_value, p, 5) as i32;
                    if a.counts.called == g.people.individuals { full += 1; sefull += f(a.standard_error, se, digits) as i32; pfull += f(a.p_value, p, 5) as i32; }
                }
            }
        }
        println!("all {all} beta {b_ok} se {se_ok} p {p_ok} full {full} se {sefull} p {pfull} worst {worst:e} missing {missing:?}");
    }
}
