//! What the demo tells the person who watches it.

mod registries;

use std::{path::Path, time::Duration};

use ligate_access::permit::SignedPermit;
use ligate_analysis::inflation::INFLATED;
use ligate_lake::LoadReport;
use ligate_model::NodeName;

use super::{
    findings::{Account, Identity},
    network::Server,
};
use crate::{folder::Folder, output::thousands, run::release::Release};

/// Prints chapter by chapter; silent with `--json`, which prints one object at the end.
pub struct Story {
    json: bool,
    chapters: usize,
    identities: Vec<Identity>,
    /// What the registries did, in a demo that has some.
    account: Option<Account>,
}

impl Story {
    pub fn new(json: bool) -> Self {
        Self {
            json,
            chapters: 0,
            identities: Vec::new(),
            account: None,
        }
    }

    fn say(&self, line: &str) {
        if !self.json {
            say!("{line}");
        }
    }

    pub fn chapter(&mut self, title: &str) {
        self.chapters += 1;
        self.say(&format!("\n{}  {title}", self.chapters));
    }

    pub fn node(&self, folder: &Folder, report: &LoadReport) {
        self.say(&format!(
            "   {:<10} {}  {:>6} people x {:>7} variants  {}  snapshot {}  ({} problems, {} records skipped)",
            folder.name().as_str(),
            folder.config.node.country,
            thousands(report.individuals as u64),
            thousands(report.variants),
            report.assembly,
            report.snapshot.short(),
            report.problems.total(),
            report.skipped,
        ));
        if report.not_analysed > 0 {
            let count = thousands(report.not_analysed);
            self.say(&format!(
                "   {:<10}     {count} variants outside chromosomes 1 to 22 are left out of GWAS for now",
                ""
            ));
        }
    }

    pub fn access_body(&self, body: &Folder) {
        self.say(&format!(
            "   {:<10} {}  the access body: signs the permit, coordinates, holds no data",
            body.name().as_str(),
            body.config.node.country
        ));
    }

    pub fn server(&self, server: &Server) {
        self.say(&format!(
            "   {:<10} process {:>7} at {}",
            server.name.as_str(),
            server.process(),
            server.address
        ));
    }

    pub fn permit(&mut self, permit: &SignedPermit) {
        self.chapter("One permit, one federated study per trait");
        self.say(&format!(
            "   permit {} for {}, signed by {}",
            permit.permit().id,
            permit.permit().data_user.name,
            permit.permit().issuer.name
        ));
    }

    pub fn release(&self, release: &Release, took: Duration) {
        let people = &release.gwas.people;
        let cases = people
            .cases
            .map(|cases| format!(", {} cases", thousands(cases)))
            .unwrap_or_default();
        self.say(&format!(
            "   {:<10} {} people{cases} at {} of {} nodes: {} variants passed the gate, {} did not, lambda {:.3}  ({:.1} s)",
            release.plan.trait_name.as_str(),
            thousands(people.individuals),
            release.answered(),
            release.nodes.len(),
            thousands(release.gwas.associations.len() as u64),
            thousands(release.gwas.unreported.len() as u64),
            release.gwas.lambda,
            took.as_secs_f64(),
        ));
        if release.gwas.lambda > INFLATED {
            self.say(&format!(
                "              lambda above {INFLATED}: inflated, mostly because ancestry is not corrected yet"
            ));
        }
    }

    pub fn log(&self, node: &NodeName, entries: u64, heads: usize) {
        self.say(&format!(
            "   {:<10} {entries:>3} entries whole and in order; consistent with the {heads} heads that the others hold",
            node.as_str()
        ));
    }

    pub fn identity(&mut self, identity: &Identity) {
        let verdict = if identity.holds() {
            "identical in every bit"
        } else {
            "DIFFERENT"
        };
        self.say(&format!(
            "   {:<10} {} variants compared (n, allele frequency, beta, SE, p): {verdict}; {} only in the pooled run",
            identity.trait_name.as_str(),
            thousands(identity.compared as u64),
            thousands(identity.pooled_only as u64),
        ));
        self.identities.push(identity.clone());
    }

    pub fn pooled_copy_deleted(&self) {
        self.say("   the pooled copy of the data is deleted");
    }

    pub fn end(&self, dir: &Path, report: &Path, releases: &[Release], took: Duration) {
        if self.json {
            let object = serde_json::json!({
                "report": report,
                "seconds": took.as_secs_f64(),
                "traits": self.identities.iter().map(|identity| serde_json::json!({
                    "trait": identity.trait_name, "compared": identity.compared, "different": identity.different,
                    "pooled_only": identity.pooled_only, "identical": identity.holds(),
                })).collect::<Vec<_>>(),
                "diagnosis": self.account,
            });
            say!("{object:#}");
            return;
        }
        let dir = dir.display();
        let first = releases
            .first()
            .map(|release| release.plan.trait_name.to_string())
            .unwrap_or_default();
        say!(
            "\nDone in {:.1} s. Everything that was started has stopped.",
            took.as_secs_f64()
        );
        say!(
            "Open {} in a browser; the tables are beside it.\n",
            report.display()
        );
        say!("Try next:");
        say!("   zcat {dir}/results/{first}.gwas.tsv.gz | head");
        say!("   ligate audit show --dir {dir}/hdab");
        say!("   ligate permit show {dir}/permit.jws");
        if self.account.is_some() {
            say!(
                "   ligate diagnose {dir}/registries/registre.json --network --dir {dir}/registre"
            );
        }
        say!(
            "   ligate demo --sites FOLDER --trait T --covariates a,b      your own VCF and phenotype files"
        );
    }
}
