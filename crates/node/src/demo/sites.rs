//! The cohorts of a demo: the ones inside the program, or a folder of the reader's own.

use std::{
    fs,
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use ligate_model::{Allele, Contig, CountryCode, NodeName, Position, VariableName, VariantKey};

use crate::{
    output, report,
    run::pages::{self, Planted},
};

/// One organisation's files.
#[derive(Clone, Debug)]
pub struct Site {
    pub name: NodeName,
    pub country: CountryCode,
    pub vcf: PathBuf,
    pub phenotypes: PathBuf,
}

/// The simulated cohorts of `demo/cohorts`, part of the program so that the demo runs anywhere.
const COHORTS: [(&str, &str, &[u8], &[u8]); 3] = [
    (
        "nordbank",
        "SE",
        include_bytes!("../../../../demo/cohorts/nordbank.vcf.gz"),
        include_bytes!("../../../../demo/cohorts/nordbank.phenotypes.tsv"),
    ),
    (
        "klinik",
        "DE",
        include_bytes!("../../../../demo/cohorts/klinik.vcf.gz"),
        include_bytes!("../../../../demo/cohorts/klinik.phenotypes.tsv"),
    ),
    (
        "registre",
        "FR",
        include_bytes!("../../../../demo/cohorts/registre.vcf.gz"),
        include_bytes!("../../../../demo/cohorts/registre.phenotypes.tsv"),
    ),
];

/// The effects that were planted in them.
const PLANTED: &str = include_str!("../../../../demo/cohorts/planted.tsv");

/// Countries for sites of a folder, which does not say where they are: invented, for three
/// jurisdictions.
const COUNTRIES: [&str; 6] = ["SE", "DE", "FR", "FI", "EE", "ES"];

/// Where the demo's data are and what to ask of them.
pub struct Cohorts {
    pub sites: Vec<Site>,
    pub traits: Vec<VariableName>,
    pub covariates: Vec<VariableName>,
    /// The effects that were planted in the data, where they are known.
    pub planted: Vec<Planted>,
}

/// Writes the demo's own cohorts into `folder`, as three organisations would hold them.
pub fn simulated(folder: &Path) -> Result<Cohorts> {
    ligate_files::make_private_folder(folder)?;
    let write = |name: &str, suffix: &str, bytes: &[u8]| -> Result<PathBuf> {
        let path = folder.join(format!("{name}.{suffix}"));
        output::write_private(&path, |out| out.write_all(bytes))?;
        Ok(path)
    };
    let mut sites = Vec::new();
    for (name, country, vcf, phenotypes) in COHORTS {
        sites.push(Site {
            name: name.parse()?,
            country: country.parse()?,
            vcf: write(name, "vcf.gz", vcf)?,
            phenotypes: write(name, "phenotypes.tsv", phenotypes)?,
        });
    }
    let names = |list: &[&str]| {
        list.iter()
            .map(|name| Ok(name.parse()?))
            .collect::<Result<Vec<_>>>()
    };
    Ok(Cohorts {
        sites,
        traits: names(&["ldl", "t2d"])?,
        covariates: names(&["sex", "age", "bmi"])?,
        planted: planted(PLANTED),
    })
}

/// One site per NAME.vcf.gz with its NAME.phenotypes.tsv in `folder`.
pub fn in_folder(
    folder: &Path,
    traits: &[VariableName],
    covariates: &[VariableName],
) -> Result<Cohorts> {
    let mut sites = Vec::new();
    for vcf in vcf_files(folder)? {
        sites.push(site(&vcf, sites.len())?);
    }
    if sites.len() < 3 {
        bail!(
            "{} holds {} sites; a federated study needs three or more, because fewer protect nobody",
            folder.display(),
            sites.len()
        );
    }
    for site in &sites {
        check_columns(&site.phenotypes, traits.iter().chain(covariates))?;
    }
    Ok(Cohorts {
        sites,
        traits: traits.to_vec(),
        covariates: covariates.to_vec(),
        planted: fs::read_to_string(folder.join("planted.tsv"))
            .map(|table| planted(&table))
            .unwrap_or_default(),
    })
}

/// A misspelt name is told before anything is loaded.
fn check_columns<'a>(table: &Path, names: impl Iterator<Item = &'a VariableName>) -> Result<()> {
    let file = fs::File::open(table).with_context(|| format!("cannot read {}", table.display()))?;
    let mut header = String::new();
    io::BufReader::new(file)
        .read_line(&mut header)
        .with_context(|| format!("cannot read {}", table.display()))?;
    let columns: Vec<_> = header
        .trim()
        .split(['\t', ','])
        .map(|name| name.trim_matches('"'))
        .collect();
    for name in names {
        if !columns.contains(&name.as_str()) {
            bail!(
                "{} has no column {name}; it has {}",
                table.display(),
                columns.join(", ")
            );
        }
    }
    Ok(())
}

fn vcf_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".vcf.gz") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn site(vcf: &Path, index: usize) -> Result<Site> {
    let file = vcf
        .file_name()
        .and_then(|name| name.to_str())
        .context("a file name is not valid UTF-8")?;
    let name = file.trim_end_matches(".vcf.gz");
    let phenotypes = vcf.with_file_name(format!("{name}.phenotypes.tsv"));
    if !phenotypes.exists() {
        bail!(
            "{} has no phenotype table; put it at {}",
            vcf.display(),
            phenotypes.display()
        );
    }
    Ok(Site {
        name: name.parse()?,
        country: COUNTRIES[index % COUNTRIES.len()].parse()?,
        vcf: vcf.to_owned(),
        phenotypes,
    })
}

/// Reads a table of trait, contig, position, id, reference, alternate and effect per alternate
/// allele. A line that is not like that marks nothing in the report.
fn planted(table: &str) -> Vec<Planted> {
    table.lines().filter_map(planted_effect).collect()
}

fn planted_effect(line: &str) -> Option<Planted> {
    let fields: Vec<_> = line.split('\t').collect();
    let [
        trait_name,
        contig,
        position,
        _,
        reference,
        alternate,
        effect,
        ..,
    ] = fields[..]
    else {
        return None;
    };
    let key = VariantKey {
        contig: Contig::new(contig),
        position: Position::new(position.parse().ok()?),
        reference: Allele::new(reference).ok()?,
        alternate: Allele::new(alternate).ok()?,
    };
    let effect = report::Planted {
        place: pages::place(&key)?,
        effect: effect.parse().ok()?,
    };
    Some(Planted {
        trait_name: trait_name.parse().ok()?,
        effect,
    })
}
