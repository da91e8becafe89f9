//! `ligate backup`, `restore` and `recover`, and what others say about a node that was recovered.

use anyhow::{Context, Result};
use jiff::Timestamp;
use ligate_access::audit::Entry;
use ligate_model::NodeName;
use serde_json::{Value, json};

use crate::{
    books::{
        backup::{self, Extent, Manifest},
        peers,
    },
    cli,
    folder::Folder,
    output,
    recovery::{self, Recovered, Words},
};

pub fn back_up(args: &cli::Backup, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let extent = Extent {
        keys: args.with_keys,
        datasets: !args.without_datasets,
    };
    let manifest = backup::backup(&folder, &args.to, extent)?;
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    if json {
        return output::print_json(&json!({
            "version": 1, "node": manifest.node, "made": manifest.made, "files": manifest.files.len(), "bytes": bytes,
            "log_size": manifest.log_size, "with_keys": manifest.with_keys, "with_datasets": manifest.with_datasets,
        }));
    }
    say!(
        "copied {} files, {} bytes, at {} entries of the audit log, to {}",
        output::thousands(manifest.files.len() as u64),
        output::thousands(bytes),
        output::thousands(manifest.log_size),
        args.to.display()
    );
    say!("it holds data of people and the ledgers' keys: keep it as you keep the node's folder");
    if !args.with_keys {
        say!("keys/node.key is not in it: keep a copy of the key in another place");
    }
    Ok(())
}

pub fn restore(args: &cli::Restore, json: bool) -> Result<()> {
    let Manifest {
        node,
        made,
        with_keys,
        with_datasets,
        ..
    } = backup::restore(&args.from, &args.to)?;
    if json {
        return output::print_json(
            &json!({ "version": 1, "node": node, "made": made, "with_keys": with_keys }),
        );
    }
    say!(
        "{node} is back as it was at {made}, in {}",
        args.to.display()
    );
    if !with_keys {
        say!("put its signing key back as keys/node.key, mode 0600");
    }
    if !with_datasets {
        say!("load its datasets again");
    }
    say!(
        "it answers nobody before `ligate recover --dir {}`; docs/operations.md says what that does",
        args.to.display()
    );
    Ok(())
}

pub fn recover(args: &cli::Recover, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let words = Words {
        nothing_shown_since: args.nothing_was_shown_since,
        withdrawn: args.withdrawn.clone(),
        no_withdrawals_since: args.no_withdrawals_since,
    };
    let recovered = recovery::recover(&folder, &words)?;
    if json {
        return output::print_json(&json!({ "version": 1, "recovered": recovered }));
    }
    print(&folder, &recovered, args.nothing_was_shown_since);
    Ok(())
}

fn print(folder: &Folder, done: &Recovered, word: Option<Timestamp>) {
    let names = |names: &[NodeName]| match names {
        [] => "nobody".to_owned(),
        names => names
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    };
    if done.reasons.is_empty() && word.is_none() {
        say!(
            "{}: there is nothing to recover; asked: {}",
            folder.name(),
            names(&done.peers_asked)
        );
        return;
    }
    done.reasons
        .iter()
        .for_each(|reason| say!("found: {reason}"));
    say!(
        "asked: {}; silent: {}",
        names(&done.peers_asked),
        names(&done.peers_silent)
    );
    say!(
        "taken over from the log and from coordinators: {} runs",
        output::thousands(done.runs_taken_over)
    );
    for user in &done.accounts_closed {
        say!("closed for good: the account of {user}, of whose runs the columns are not known");
    }
    if done.all_accounts_closed {
        say!(
            "closed: every account of this node, because nobody can prove what was shown since; if you know that nothing \
             was, see --nothing-was-shown-since in `ligate recover --help`"
        );
    }
    if done.withdrawals > 0 {
        say!(
            "{} withdrawals were entered",
            output::thousands(done.withdrawals)
        );
    }
    if done.consents_closed {
        say!(
            "closed: the consents of all patients to matchmaking and single counts, because some may have been taken back \
             since; add the cases again with those that stand, or see --no-withdrawals-since in `ligate recover --help`"
        );
    }
    say!(
        "{} may answer again; the recovery is in its audit log",
        folder.name()
    );
    if done.lost_size > 0 {
        say!(
            "peers hold heads of up to {} entries: each of their stewards takes this node back with \
             `ligate peer accept-recovery --name {}`",
            output::thousands(done.lost_size),
            folder.name()
        );
    }
}

/// The word of this node's steward that a peer was restored. The peer must prove its recovery
/// first.
pub fn accept(args: &cli::PeerRecovered) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let peer = folder
        .config
        .peer(&args.name)
        .with_context(|| format!("{} is no peer of this node", args.name))?;
    let proof = if args.unseen {
        None
    } else {
        Some(peers::recovery_of(&folder, peer)?)
    };
    let recovery = proof.as_ref().and_then(|(proof, _)| proof.leaf());
    let head = folder
        .log()?
        .accept_recovery(&args.name, recovery, Timestamp::now())?;
    if let Some((proof, entries)) = &proof {
        folder
            .log()?
            .store_head(&args.name, peer.key, &proof.head, Timestamp::now())?;
        entries
            .iter()
            .for_each(|entry| say_recovery(&args.name, entry));
    }
    say!(
        "{} begins anew: its heads of up to {} entries stay on file and are compared with no later one",
        args.name,
        output::thousands(head.size)
    );
    note!(
        "what this means: {}; do it only when its steward has told you, by another way than this network, that the node \
         was restored",
        if args.unseen {
            "that its log was cut cannot be seen any more from here, and nobody has seen what was done about it"
        } else {
            "that the entries above are all that was done about what is lost is the word of its steward"
        }
    );
    Ok(())
}

/// What a recovery took over, and what it closed.
fn say_recovery(peer: &NodeName, entry: &Entry) {
    let number = |field| entry.fields.get(field).and_then(Value::as_u64).unwrap_or(0);
    let is = |field| {
        entry
            .fields
            .get(field)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    };
    say!(
        "{peer} was recovered at {} (entry {} of its log): heads of up to {} entries are lost, {} runs were taken over and \
         their accounts closed",
        entry.time,
        entry.seq,
        output::thousands(number("lost_size")),
        output::thousands(number("runs_taken_over"))
    );
    if is("all_accounts_closed") {
        say!("every account of {peer} is closed");
    }
    if let Some(since) = entry.text("nothing_shown_since") {
        say!("its steward's word: apart from these runs nothing was shown since {since}");
    }
    if number("withdrawals") > 0 {
        say!(
            "{} withdrawals were entered",
            output::thousands(number("withdrawals"))
        );
    }
    if is("consents_closed") {
        say!("the consents of its registry's patients count as not given");
    }
}
