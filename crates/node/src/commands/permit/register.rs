//! `ligate permit list` and `extend`: what an access body issued, and a longer time for one of its
//! permits.

use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use ligate_access::{
    permit::{Permit, PermitId, SignedPermit},
    revocation::{Revocation, RevocationList},
};
use serde_json::json;

use super::{find_own, fresh_id, register};
use crate::{
    cli::PermitExtend,
    folder::Folder,
    output,
    permits::{self, Issued},
    revocations,
};

/// Article 68(12): by how much a permit can be extended at the most.
const EXTENSION_YEARS_MAX: i64 = 10;

/// What became of a permit.
enum State<'a> {
    InForce,
    NotYet,
    Expired,
    Revoked(&'a Revocation),
}

impl<'a> State<'a> {
    fn of(permit: &SignedPermit, list: &'a RevocationList, now: Timestamp) -> Self {
        let dates = permit.permit();
        match list.find(permit) {
            Some(revocation) => Self::Revoked(revocation),
            None if now < dates.valid_from => Self::NotYet,
            None if now >= dates.valid_until => Self::Expired,
            None => Self::InForce,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::NotYet => "not-yet",
            Self::Expired => "expired",
            Self::Revoked(_) => "revoked",
        }
    }

    fn revocation(&self) -> Option<&Revocation> {
        if let Self::Revoked(revocation) = self {
            Some(revocation)
        } else {
            None
        }
    }
}

impl fmt::Display for State<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InForce => f.write_str("in force"),
            Self::NotYet => f.write_str("not yet in force"),
            Self::Expired => f.write_str("expired"),
            Self::Revoked(revocation) => {
                write!(
                    f,
                    "revoked on {}: {}",
                    revocation.revoked, revocation.reason
                )
            }
        }
    }
}

pub fn list(body: &Folder, json: bool) -> Result<()> {
    let (all, revoked, now) = (
        permits::all(body)?,
        revocations::own(body)?,
        Timestamp::now(),
    );
    let with_state = || {
        all.iter()
            .map(|issued| (issued, State::of(&issued.permit, revoked.list(), now)))
    };
    if json {
        let rows: Vec<_> = with_state()
            .map(|(issued, state)| row(issued, &state))
            .collect();
        return output::print_json(&rows);
    }
    for (issued, state) in with_state() {
        print(issued, &state);
    }
    if all.is_empty() {
        say!("{} has issued no permit", body.name());
    }
    Ok(())
}

fn row(issued: &Issued, state: &State<'_>) -> serde_json::Value {
    let permit = issued.permit.permit();
    json!({
        "id": permit.id,
        "hash": issued.permit.hash(),
        "data_user": permit.data_user.name,
        "data_user_key": permit.data_user.key,
        "datasets": datasets(permit),
        "valid_from": permit.valid_from,
        "valid_until": permit.valid_until,
        "state": state.word(),
        "revoked": state.revocation().map(|revocation| revocation.revoked),
        "reason": state.revocation().map(|revocation| &revocation.reason),
        "extends": issued.extends,
    })
}

fn print(issued: &Issued, state: &State<'_>) {
    let permit = issued.permit.permit();
    say!("{}  {state}", permit.id);
    say!(
        "    for {}, valid {} to {}",
        permit.data_user.name,
        permit.valid_from,
        permit.valid_until
    );
    say!("    {}", datasets(permit).join(", "));
    if let Some(earlier) = &issued.extends {
        say!("    extends {earlier}");
    }
}

fn datasets(permit: &Permit) -> Vec<String> {
    permit
        .datasets
        .iter()
        .map(|held| format!("{}/{}", held.node, held.dataset))
        .collect()
}

pub fn extend(args: &PermitExtend, json: bool) -> Result<()> {
    let body = Folder::open(&args.dir)?;
    let earlier = find_own(&body, &args.permit)?;
    check_extension(&body, &earlier, args.valid_until)?;
    let now = Timestamp::now();
    let terms = earlier.permit.permit();
    let permit = Permit {
        id: fresh_id(&body)?,
        issued: now,
        valid_from: terms.valid_from.max(now),
        valid_until: args.valid_until,
        ..terms.clone()
    };
    let issued = Issued {
        permit: permit.sign(&body.identity)?,
        extends: Some(terms.id.clone()),
    };
    register(&body, &issued, Some(earlier.permit.hash()))?;
    let signed = &issued.permit;
    output::write_public(&args.out, |out| writeln!(out, "{}", signed.jws()))?;
    if json {
        return output::print_json(signed.permit());
    }
    say!(
        "wrote {}: permit {} extends {} until {}",
        args.out.display(),
        signed.permit().id,
        terms.id,
        signed.permit().valid_until
    );
    Ok(())
}

/// Article 68(12): before the permit ends, once, and by ten years at the most. What was revoked
/// stays so.
fn check_extension(body: &Folder, earlier: &Issued, until: Timestamp) -> Result<()> {
    let (permit, revoked) = (earlier.permit.permit(), revocations::own(body)?);
    let id = &permit.id;
    match State::of(&earlier.permit, revoked.list(), Timestamp::now()) {
        State::InForce | State::NotYet => {}
        state => bail!("permit {id} cannot be extended, it is {state}; issue a new one"),
    }
    if let Some(first) = &earlier.extends {
        bail!("permit {id} extends {first} already; a permit is extended once (Article 68(12))");
    }
    if let Some(extension) = extension_of(body, id)? {
        bail!(
            "permit {id} was extended by {extension}; a permit is extended once (Article 68(12))"
        );
    }
    ensure!(
        until > permit.valid_until,
        "permit {id} is valid until {} as it is",
        permit.valid_until
    );
    let latest = permit
        .valid_until
        .to_zoned(TimeZone::UTC)
        .checked_add(EXTENSION_YEARS_MAX.years());
    let latest = latest
        .context("the end of the permit is out of range")?
        .timestamp();
    ensure!(
        until <= latest,
        "permit {id} can be extended until {latest} (Article 68(12))"
    );
    Ok(())
}

fn extension_of(body: &Folder, id: &PermitId) -> Result<Option<PermitId>> {
    let extension = permits::all(body)?
        .into_iter()
        .find(|issued| issued.extends.as_ref() == Some(id));
    Ok(extension.map(|issued| issued.permit.permit().id.clone()))
}
