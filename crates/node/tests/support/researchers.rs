//! Data users with permits of their own, who run studies and ask for exports.

use std::{path::PathBuf, process::Output};

use super::{Network, ligate, succeed, text};

/// Somebody with a permit of his own over some of the nodes.
pub struct Researcher {
    pub name: String,
    pub permit: PathBuf,
    pub key: PathBuf,
}

impl Researcher {
    /// Permits variables of the tests of exports, unless `more` names others.
    pub fn new(network: &Network, name: &str, nodes: &[&str], more: &[&str]) -> Self {
        let datasets: Vec<String> = nodes.iter().map(|node| format!("{node}/cohort")).collect();
        let datasets: Vec<&str> = datasets.iter().map(String::as_str).collect();
        Self::of_datasets(network, name, &datasets, more)
    }

    pub fn of_datasets(network: &Network, name: &str, datasets: &[&str], more: &[&str]) -> Self {
        let [key, public, permit] =
            ["key", "pub", "jws"].map(|suffix| network.path(&format!("{name}.{suffix}")));
        succeed(&["key", "--out", text(&key)]);
        let hdab = network.path("hdab");
        let mut args = vec![
            "permit",
            "issue",
            "--dir",
            text(&hdab),
            "--user",
            name,
            "--user-key",
            text(&public),
        ];
        datasets
            .iter()
            .for_each(|dataset| args.extend(["--dataset", dataset]));
        args.extend([
            "--purpose",
            "research",
            "--about",
            "a test",
            "--out",
            text(&permit),
        ]);
        if !more.contains(&"--variables") {
            args.extend(["--variables", "ldl,one,other,sex,age"]);
        }
        args.extend(more);
        succeed(&args);
        Self {
            name: name.to_owned(),
            permit,
            key,
        }
    }

    pub fn result(&self, network: &Network, study: &str) -> PathBuf {
        network.path(&format!("{}-{study}", self.name))
    }

    /// Runs a study, whose files are named by the trait.
    pub fn study(&self, network: &Network, trait_name: &str, more: &[&str]) -> Output {
        let out = self.result(network, trait_name);
        let args = [
            "--trait",
            trait_name,
            "--key",
            text(&self.key),
            "--out",
            text(&out),
        ];
        network.gwas(&self.permit, &[&args[..], more].concat())
    }

    #[track_caller]
    pub fn released(&self, network: &Network, trait_name: &str, more: &[&str]) {
        let output = self.study(network, trait_name, more);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    pub fn export(&self, network: &Network, trait_name: &str, more: &[&str]) -> Output {
        let (dir, result) = (network.path("hdab"), self.result(network, trait_name));
        let out = public(network, &self.name, trait_name);
        let args = [
            "export",
            text(&result),
            "--dir",
            text(&dir),
            "--key",
            text(&self.key),
            "--out",
            text(&out),
        ];
        ligate(&[&args[..], more].concat())
    }

    #[track_caller]
    pub fn exported(&self, network: &Network, trait_name: &str) -> String {
        let output = self.export(network, trait_name, &[]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// An export that must be refused: nothing is written, and what was said.
    #[track_caller]
    pub fn stays(&self, network: &Network, trait_name: &str, more: &[&str]) -> String {
        let output = self.export(network, trait_name, more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(1),
            "the export should have failed: {said}"
        );
        assert!(
            !public(network, &self.name, trait_name).exists(),
            "nothing is written: {said}"
        );
        said
    }
}

/// The folder of what left.
pub fn public(network: &Network, name: &str, trait_name: &str) -> PathBuf {
    network.path(&format!("public-{name}-{trait_name}"))
}
