//! `ligate export`: the one way by which a file is marked as one that may leave the environment.
//! `ligate approve`: the word of an officer, where the permit asks for one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use ligate_access::{Identity, export::Approval};
use ligate_formats::gwas_ssf::{self, Metadata};
use ligate_model::{Digest, VariableName};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    cli,
    folder::Folder,
    output::{self, thousands},
    progress::Stages,
    report,
    run::{
        export::{
            self, Outcome, Wish,
            content::{self, Content, HeldBack, round_up},
        },
        pages, release_files,
        store::{Kept, Store},
    },
};

/// What an officer is asked to approve.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    version: u32,
    #[serde(rename = "trait")]
    trait_name: VariableName,
    permit: Digest,
    job: Digest,
    content: Digest,
    variants: u64,
    /// The table that would leave, beside this file.
    table: String,
    bounds: String,
}

pub fn run(args: &cli::Export, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let kept = stored(&folder, &args.result)?;
    let key = args
        .key
        .clone()
        .unwrap_or_else(|| folder.path().join("keys/user.key"));
    let user = Identity::load(&key)?;
    let approval = args.approval.as_deref().map(read_text).transpose()?;
    let out = args.out.clone().unwrap_or_default();
    if !args.plan {
        check_out(&out)?;
    }
    let wish = Wish {
        user: &user,
        approval: approval.as_deref(),
        plan_only: args.plan,
    };
    let stages = Stages::new(kept.release.plan.trait_name.as_str());
    let outcome = export::run(&folder, kept, &wish, &stages)?;
    stages.finish();
    match outcome {
        Outcome::Planned(content) => tell(&content, None, &[], json),
        Outcome::NeedsApproval { content, officer } => {
            let request = write_request(&args.result, &content)?;
            bail!(
                "nothing has left: the permit asks for the approval of {officer} (rule: officer), who looks at {} and \
                 runs: ligate approve {} --key OFFICER.key --out approval.jws; then export again with --approval \
                 approval.jws",
                args.result.display(),
                request.display()
            )
        }
        Outcome::Leaves(content) => {
            let held_back = write_held_back(&args.result, &content)?;
            let files = write(&out, &content)?;
            tell(&content, Some(&held_back), &files, json)
        }
    }
}

/// What leaves does not lie among what stays: a folder with a result is refused, before anything
/// counts as exported.
fn check_out(out: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(out) else {
        return Ok(());
    };
    let inside = |name: &std::ffi::OsStr| {
        let name = name.to_string_lossy();
        name.ends_with(".provenance.json") || name.ends_with(".suppressed.tsv.gz")
    };
    let found = entries.flatten().any(|entry| inside(&entry.file_name()));
    ensure!(
        !found,
        "{} holds a result that stays inside; name another folder with --out",
        out.display()
    );
    Ok(())
}

/// The stored result of which a folder of `ligate gwas` has the files. The files themselves are not
/// read: they may have been changed.
fn stored(folder: &Folder, result: &Path) -> Result<Kept> {
    let provenance = provenance(result)?;
    let text = read_text(&provenance)?;
    let value: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("{} cannot be read", provenance.display()))?;
    let authority = value.get("authority").filter(|authority| !authority.is_null()).with_context(|| {
        format!(
            "{} is a result on own data: it passed no gate and is in no account, so nothing of it can be exported; run the \
             study under a permit",
            result.display()
        )
    })?;
    let digest = |name: &str| -> Result<Digest> {
        let text = authority.get(name).and_then(serde_json::Value::as_str);
        let digest = text.and_then(|text| text.parse().ok());
        digest.with_context(|| format!("{} names no {name}", provenance.display()))
    };
    let (question, job) = (digest("question")?, digest("job")?);
    let of_job = |kept: &Kept| {
        kept.release
            .authority
            .as_ref()
            .is_some_and(|authority| authority.job == job)
    };
    let kept = Store::new(folder).of_question(&question)?.filter(of_job);
    kept.with_context(|| {
        format!(
            "{} keeps no result of this job; export it at the coordinator where it was made",
            folder.name()
        )
    })
}

/// The provenance file of a result folder, or the file itself.
fn provenance(result: &Path) -> Result<PathBuf> {
    const SUFFIX: &str = ".provenance.json";
    if result.is_file() {
        return Ok(result.to_owned());
    }
    let entries = fs::read_dir(result)
        .with_context(|| format!("cannot read the result {}", result.display()))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().ends_with(SUFFIX))
        })
        .collect();
    found.sort();
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => bail!(
            "{} holds no result of `ligate gwas` (no *{SUFFIX})",
            result.display()
        ),
        _ => bail!(
            "{} holds several results; name one of its files *{SUFFIX}",
            result.display()
        ),
    }
}

fn read_text(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The files of what leaves, each whole or not at all. They are the owner's alone, as every file
/// that the program writes: who passes them on decides who reads them.
fn write(out: &Path, content: &Content) -> Result<Vec<PathBuf>> {
    let name = |suffix: &str| out.join(format!("{}.{suffix}", content.release.plan.trait_name));
    let [table, manhattan, account] = ["gwas.tsv.gz", "manhattan.svg", "export.json"].map(name);
    output::write_private(&table, |file| file.write_all(&content.table))?;
    let metadata = PathBuf::from(Metadata::file_name(&table.to_string_lossy()));
    let status = content.status()?;
    let described =
        release_files::metadata_of(&content.release, &table, content.md5.clone(), status);
    release_files::write_text(&metadata, &described.to_yaml())?;
    release_files::write_text(
        &manhattan,
        &report::manhattan(&pages::study(&content.release, None, &[])),
    )?;
    release_files::write_text(&account, &format!("{:#}\n", as_json(content)?))?;
    Ok(vec![table, metadata, manhattan, account])
}

/// What stays inside, variant by variant with the rule: in the result's own folder, because it says
/// more than what leaves.
fn write_held_back(result: &Path, content: &Content) -> Result<PathBuf> {
    let path = folder_of(result).join(format!(
        "{}.held-back.tsv.gz",
        content.release.plan.trait_name
    ));
    output::write_private(&path, |file| {
        gwas_ssf::write_suppressed(
            file,
            content.held_back.iter().map(|(key, rule)| (key, rule)),
        )
        .map(drop)
    })?;
    Ok(path)
}

/// The folder of a result that is named by itself or by a file in it.
fn folder_of(result: &Path) -> &Path {
    if result.is_file() {
        result.parent().unwrap_or(Path::new("."))
    } else {
        result
    }
}

fn write_request(result: &Path, content: &Content) -> Result<PathBuf> {
    let folder = folder_of(result);
    let name = |suffix: &str| format!("{}.{suffix}", content.release.plan.trait_name);
    let authority = content
        .release
        .authority
        .as_ref()
        .context("the result was made without a permit")?;
    let table = name("to-approve.tsv.gz");
    let (leaving, inside) = (content.status()?, content.release.status());
    output::write_private(&folder.join(&table), |file| {
        let written = release_files::write_shown_table(file, &content.release, &leaving, &inside);
        written.map(drop).map_err(std::io::Error::other)
    })?;
    let request = Request {
        version: 1,
        trait_name: content.release.plan.trait_name.clone(),
        permit: authority.permit_hash,
        job: authority.job,
        content: content.digest,
        variants: content.variants(),
        table,
        bounds: content.words(),
    };
    let path = folder.join(name("export-request.json"));
    release_files::write_text(&path, &format!("{:#}\n", serde_json::to_value(&request)?))?;
    Ok(path)
}

fn as_json(content: &Content) -> Result<serde_json::Value> {
    let authority = content
        .release
        .authority
        .as_ref()
        .context("the result was made without a permit")?;
    let (before, people) = (content.bounds.left_before, content.bounds.people as f64);
    let share = |of_people: f64| (of_people * people).ceil();
    Ok(json!({
        "version": 1,
        "status": content.status()?.standing(),
        "trait": content.release.plan.trait_name,
        "permit": authority.permit,
        "job": authority.job,
        "content": content.digest,
        "people": gwas_ssf::significant_count(content.bounds.people, 4),
        "variants": content.variants(),
        "exported_before": { "variants": share(before.variants), "strength": share(before.strength) },
        "guess_of_trait": (content.bounds.guess(content.strength) * 1e3).round() / 1e3,
        "lowest_frequency": content.bounds.lowest_frequency().map(round_up),
        "full_table": content.bounds.full_table,
        "held_back": {
            "rare": content.held_back_by(HeldBack::Rare),
            "changed": content.held_back_by(HeldBack::Changed),
            "region": content.held_back_by(HeldBack::Region),
            "number": content.held_back_by(HeldBack::Number),
        },
        "significant_digits": 4,
        "frequency_decimals": 3,
    }))
}

fn tell(content: &Content, held_back: Option<&Path>, files: &[PathBuf], json: bool) -> Result<()> {
    if json {
        let mut value = as_json(content)?;
        if held_back.is_none() {
            value["status"] = json!("planned");
        }
        value["files"] = json!(files);
        value["held_back_list"] = json!(held_back);
        return output::print_json(&value);
    }
    let name = &content.release.plan.trait_name;
    let verb = if held_back.is_some() {
        "may leave the environment"
    } else {
        "could leave; nothing has, and nothing counts"
    };
    say!("{name}: {} variants {verb}", thousands(content.variants()));
    say!("{}", content.words());
    for (rule, count) in HeldBack::ALL.map(|rule| (rule, content.held_back_by(rule))) {
        if count > 0 {
            say!("held back: {} {rule}", thousands(count));
        }
    }
    for file in files {
        say!("wrote {}", file.display());
    }
    if let Some(list) = held_back {
        say!("what stays inside, with the rule: {}", list.display());
    }
    Ok(())
}

/// Signs that some content may leave.
pub fn approve(args: &cli::Approve) -> Result<()> {
    let text = read_text(&args.request)?;
    let request: Request = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is no request of `ligate export`",
            args.request.display()
        )
    })?;
    ensure!(
        request.version == 1,
        "the request has the form {}, which this program does not know",
        request.version
    );
    let folder = args.request.parent().unwrap_or(Path::new("."));
    let table = folder.join(
        Path::new(&request.table)
            .file_name()
            .context("the request names no table")?,
    );
    let opened =
        fs::File::open(&table).with_context(|| format!("cannot read {}", table.display()))?;
    ensure!(
        content::digest_of(opened).with_context(|| format!("in {}", table.display()))?
            == request.content,
        "{} is not the table that the request is about; have it made again with `ligate export`",
        table.display()
    );
    let officer = Identity::load(&args.key)?;
    let approval = Approval {
        permit: request.permit,
        job: request.job,
        content: request.content,
        variants: request.variants,
        created: Timestamp::now(),
    };
    let signed = approval.sign(&officer)?;
    release_files::write_text(&args.out, &format!("{signed}\n"))?;
    say!(
        "approved: {} variants of {}; {}",
        thousands(request.variants),
        request.trait_name,
        request.bounds
    );
    say!("wrote {}", args.out.display());
    Ok(())
}
