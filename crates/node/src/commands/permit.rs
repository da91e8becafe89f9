//! `ligate permit`: an access body signs, extends and revokes; everybody can read and check.

mod register;
mod revoke;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use jiff::{Timestamp, ToSpan};
use ligate_access::{
    PublicKey,
    audit::Event,
    permit::{
        ExportRules, Method, OutputRules, Party, Permit, PermitDataset, PermitId, SignedPermit,
        VERSION,
    },
};
use ligate_model::{DatasetId, Digest, NodeName, Purpose, VariableName};
use rand_core::{OsRng, RngCore};
use serde_json::json;

use crate::{
    cli::{self, PermitIssue},
    folder::Folder,
    output,
    permits::{self, Issued},
    run::PermitWatch,
};

pub fn run(command: cli::Permit, json: bool) -> Result<()> {
    match command {
        cli::Permit::Issue(args) => issue_from_words(*args, json),
        cli::Permit::Show { file } => show(&file, json),
        cli::Permit::Verify { dir, file } => verify(&dir, &file, json),
        cli::Permit::List(args) => register::list(&Folder::open(&args.dir)?, json),
        cli::Permit::Extend(args) => register::extend(&args, json),
        cli::Permit::Revoke(args) => revoke::run(&args, json),
    }
}

/// How long a permit is valid unless its issuer says otherwise: a year.
const DEFAULT_VALIDITY_HOURS: i64 = 365 * 24;

/// What an access body decides when it issues a permit.
pub struct PermitTerms {
    pub user: String,
    pub user_key: PublicKey,
    pub datasets: Vec<(NodeName, DatasetId)>,
    pub purpose: Purpose,
    pub about: String,
    pub variables: Vec<VariableName>,
    pub methods: Vec<Method>,
    pub export: ExportRules,
    /// `None`: the access body itself.
    pub coordinator: Option<NodeName>,
    /// `None`: now.
    pub valid_from: Option<Timestamp>,
    /// `None`: a year after the beginning.
    pub valid_until: Option<Timestamp>,
}

/// The rules of exports, with an officer as NAME=KEY.
fn export_rules(full_table: bool, officer: Option<&str>) -> Result<ExportRules> {
    let officer = officer.map(|words| {
        let (name, key) = words.split_once('=').with_context(|| {
            format!("{words} is no officer; write NAME=KEY, the key or the file that holds it")
        })?;
        anyhow::Ok(Party {
            name: name.to_owned(),
            key: public_key(key)?,
        })
    });
    Ok(ExportRules {
        full_table,
        officer: officer.transpose()?,
    })
}

/// Signs a permit with the access body's key and records it.
pub fn issue(body: &Folder, terms: PermitTerms) -> Result<SignedPermit> {
    let own = Party {
        name: body.name().to_string(),
        key: body.identity.public(),
    };
    let coordinator = match &terms.coordinator {
        None => own.clone(),
        Some(name) => Party {
            name: name.to_string(),
            key: peer(body, name)?.key,
        },
    };
    let datasets = terms
        .datasets
        .into_iter()
        .map(|(node, dataset)| permit_dataset(body, node, dataset));
    let now = Timestamp::now();
    let valid_from = terms.valid_from.unwrap_or(now);
    let valid_until = match terms.valid_until {
        Some(until) => until,
        None => valid_from.checked_add(DEFAULT_VALIDITY_HOURS.hours())?,
    };
    ensure!(
        valid_until > now,
        "the permit would be over already: it ends at {valid_until}"
    );
    let permit = Permit {
        version: VERSION,
        id: fresh_id(body)?,
        issuer: own,
        data_user: Party {
            name: terms.user.clone(),
            key: terms.user_key,
        },
        authorised_persons: vec![terms.user],
        coordinator,
        purpose: terms.purpose,
        purpose_text: terms.about,
        datasets: datasets.collect::<Result<_>>()?,
        pseudonymised: true,
        opt_out_exception: None,
        methods: terms.methods,
        variables: terms.variables,
        output: OutputRules::default(),
        export: terms.export,
        fee: None,
        conditions: Vec::new(),
        issued: now,
        valid_from,
        valid_until,
    };
    let issued = Issued {
        permit: permit.sign(&body.identity)?,
        extends: None,
    };
    register(body, &issued, None)?;
    Ok(issued.permit)
}

/// Keeps a new permit before anybody gets it: what is not in the register could not be revoked by
/// its id.
fn register(body: &Folder, issued: &Issued, extends: Option<Digest>) -> Result<()> {
    permits::keep(body, issued)?;
    let claims = issued.permit.permit();
    body.record(Event::PermitIssued {
        id: claims.id.clone(),
        permit: issued.permit.hash(),
        data_user: claims.data_user.key,
        extends,
    })?;
    Ok(())
}

/// A permit of this access body, by its id in the register or by the file that holds it.
fn find_own(body: &Folder, words: &str) -> Result<Issued> {
    let registered = |id: &PermitId| permits::find(body, id);
    if let Some(issued) = words
        .parse()
        .ok()
        .map(|id| registered(&id))
        .transpose()?
        .flatten()
    {
        return Ok(issued);
    }
    let file = Path::new(words);
    ensure!(
        file.exists(),
        "{words} is neither the id of a permit that {} issued nor a file; `ligate permit list` shows the ids",
        body.name()
    );
    let permit = read(file)?;
    ensure!(
        permit.permit().issuer.key == body.identity.public(),
        "the permit {} was issued by {}, not by {}",
        permit.permit().id,
        permit.permit().issuer.name,
        body.name()
    );
    match registered(&permit.permit().id)? {
        Some(issued) if issued.permit.hash() == permit.hash() => Ok(issued),
        Some(_) => bail!(
            "{} has another permit with the id {}",
            body.name(),
            permit.permit().id
        ),
        None => Ok(Issued {
            permit,
            extends: None,
        }),
    }
}

fn fresh_id(body: &Folder) -> Result<PermitId> {
    let mut bytes = [0; 6];
    OsRng.fill_bytes(&mut bytes);
    let name: String = body.name().as_str().chars().take(40).collect();
    Ok(format!("{name}-{}", hex::encode(bytes)).parse()?)
}

fn permit_dataset(body: &Folder, node: NodeName, dataset: DatasetId) -> Result<PermitDataset> {
    let peer = peer(body, &node)?;
    let country = peer.country.clone().with_context(|| {
        format!(
            "the country of peer {node} is not known; say it with `ligate peer set --name {node} --country CC`"
        )
    })?;
    Ok(PermitDataset {
        key: peer.key,
        country,
        node,
        dataset,
    })
}

fn peer<'a>(folder: &'a Folder, name: &NodeName) -> Result<&'a crate::config::Peer> {
    folder.config.peer(name).with_context(|| {
        format!(
            "{} knows no peer {name}; add it with `ligate peer add`",
            folder.name()
        )
    })
}

fn issue_from_words(args: PermitIssue, json: bool) -> Result<()> {
    let body = Folder::open(&args.dir)?;
    let terms = PermitTerms {
        user: args.user,
        user_key: public_key(&args.user_key)?,
        export: export_rules(args.export_full_table, args.export_officer.as_deref())?,
        datasets: args
            .datasets
            .iter()
            .map(|text| node_and_dataset(text))
            .collect::<Result<_>>()?,
        purpose: args.purpose,
        about: args.about,
        variables: args.variables,
        methods: args.methods,
        coordinator: args.coordinator,
        valid_from: args.valid_from,
        valid_until: args.valid_until,
    };
    let signed = issue(&body, terms)?;
    output::write_public(&args.out, |out| writeln!(out, "{}", signed.jws()))?;
    if json {
        return output::print_json(signed.permit());
    }
    say!(
        "wrote {}: permit {} for {}",
        args.out.display(),
        signed.permit().id,
        signed.permit().data_user.name
    );
    Ok(())
}

/// A key as text, or the file that holds it.
pub fn public_key(text: &str) -> Result<PublicKey> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    Ok(PublicKey::load(&PathBuf::from(text))?)
}

fn node_and_dataset(text: &str) -> Result<(NodeName, DatasetId)> {
    let Some((node, dataset)) = text.split_once('/') else {
        bail!("\"{text}\" does not name a dataset; write NODE/DATASET");
    };
    Ok((node.parse()?, dataset.parse()?))
}

/// Reads a permit whose signature is whole. Whether its issuer is trusted is each node's own
/// decision.
pub fn read(path: &Path) -> Result<SignedPermit> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the permit {}", path.display()))?;
    SignedPermit::read(text.trim()).with_context(|| format!("in {}", path.display()))
}

fn show(file: &Path, json: bool) -> Result<()> {
    let signed = read(file)?;
    if json {
        return output::print_json(signed.permit());
    }
    print(signed.permit());
    Ok(())
}

fn print(permit: &Permit) {
    let list = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join(", ");
    say!("permit       {}", permit.id);
    say!("issuer       {}  {}", permit.issuer.name, permit.issuer.key);
    say!(
        "data user    {}  {}",
        permit.data_user.name,
        permit.data_user.key
    );
    say!(
        "coordinator  {}  {}",
        permit.coordinator.name,
        permit.coordinator.key
    );
    say!(
        "purpose      {}, Article 53(1)({}): {}",
        permit.purpose,
        permit.purpose.point(),
        permit.purpose_text
    );
    say!(
        "methods      {}",
        list(&mut permit.methods.iter().map(ToString::to_string))
    );
    say!(
        "variables    {}",
        list(&mut permit.variables.iter().map(ToString::to_string))
    );
    say!(
        "valid        {} to {}",
        permit.valid_from,
        permit.valid_until
    );
    for held in &permit.datasets {
        say!(
            "dataset      {}/{} ({})  {}",
            held.node,
            held.dataset,
            held.country,
            held.key
        );
    }
    let part = if permit.export.full_table {
        "all variants that are common enough"
    } else {
        "leading variants"
    };
    say!("export       {part}, of results that hold with all that was exported before");
    if let Some(officer) = &permit.export.officer {
        say!(
            "officer      {}  {}  approves each export",
            officer.name,
            officer.key
        );
    }
    for condition in &permit.conditions {
        say!("condition    {condition}");
    }
}

fn verify(dir: &Path, file: &Path, json: bool) -> Result<()> {
    let folder = Folder::open(dir)?;
    let signed = read(file)?;
    signed.check_issuer(&folder.trusted_issuers())?;
    signed.check_dates(Timestamp::now())?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start to ask the peers")?;
    PermitWatch::new(&folder, &signed).check(&runtime)?;
    let here = dataset_here(&folder, signed.permit())?;
    if json {
        return output::print_json(&json!({
            "permit": signed.permit().id,
            "hash": signed.hash(),
            "valid": true,
            "datasets_here": here.as_slice(),
        }));
    }
    say!(
        "permit {} is genuine, from an issuer that {} trusts, in force and not revoked",
        signed.permit().id,
        folder.name()
    );
    match here {
        None => say!("it names no dataset of {}", folder.name()),
        Some(dataset) => say!("it gives access to {dataset} of {}", folder.name()),
    }
    Ok(())
}

/// The dataset of this node that the permit names. One that is named and not there is an error:
/// every study under the permit would fail at this node.
fn dataset_here(folder: &Folder, permit: &Permit) -> Result<Option<DatasetId>> {
    let own_key = folder.identity.public();
    let by_name = |named: &&PermitDataset| named.node == *folder.name();
    ensure!(
        permit
            .datasets
            .iter()
            .find(by_name)
            .is_none_or(|named| named.key == own_key),
        "the permit names the node {} with another key than the one that this node has; ask {} for \
         a permit with the key in keys/node.pub",
        folder.name(),
        permit.issuer.name
    );
    let Some(named) = permit.dataset_of(&own_key) else {
        return Ok(None);
    };
    ensure!(
        folder.datasets()?.contains(&named.dataset),
        "the permit names the dataset {}, and {} has none of that name; load it with `ligate \
         ingest`, or ask {} to correct the permit",
        named.dataset,
        folder.name(),
        permit.issuer.name
    );
    Ok(Some(named.dataset.clone()))
}
