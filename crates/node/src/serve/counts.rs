//! Tables that listed peers may fetch whole. The question names no patient, disease or variant, so
//! there is nothing to learn from it, and everybody who may ask gets the same bytes. Default:
//! nobody.

use anyhow::{Result, ensure};
use ligate_access::{
    PublicKey,
    audit::{CountsKind, Event},
};
use ligate_model::{NodeName, Purpose};

use crate::{
    folder::Folder,
    registry::{Registry, alleles},
    session::OutgoingAnswer,
};

/// The diagnosis counts that are served now.
pub fn diagnosis(folder: &Folder, peer: PublicKey) -> Result<OutgoingAnswer> {
    may_fetch(
        folder,
        peer,
        &folder.config.diagnosis.counts_for,
        "diagnosis counts",
    )?;
    let rows = Registry::open(folder)?.table()?;
    record(
        folder,
        peer,
        CountsKind::DiagnosisCounts,
        0,
        rows.get().len(),
    )?;
    Ok(OutgoingAnswer::DiagnosisCounts { rows })
}

/// A page of the allele counts that the steward released.
pub fn alleles(folder: &Folder, peer: PublicKey, page: u32) -> Result<OutgoingAnswer> {
    may_fetch(
        folder,
        peer,
        &folder.config.diagnosis.alleles_for,
        "allele counts",
    )?;
    let answer = alleles::page(folder, page)?;
    record(
        folder,
        peer,
        CountsKind::AlleleCounts,
        page,
        answer.rows.get().len(),
    )?;
    Ok(OutgoingAnswer::AlleleCounts { page: answer })
}

fn may_fetch(folder: &Folder, peer: PublicKey, listed: &[NodeName], table: &str) -> Result<()> {
    let name = folder.config.peer_by_key(&peer).map(|known| &known.name);
    let purpose_refused = folder.config.veto.purposes.contains(&Purpose::Care);
    ensure!(
        !purpose_refused,
        "the steward refuses purpose (f) of Article 53(1)"
    );
    ensure!(
        name.is_some_and(|name| listed.contains(name)),
        "the steward has not listed this peer for the {table} ([diagnosis] in ligate.toml)"
    );
    Ok(())
}

/// Before the table leaves: what cannot be recorded is not served.
fn record(
    folder: &Folder,
    peer: PublicKey,
    table: CountsKind,
    page: u32,
    rows: usize,
) -> Result<()> {
    folder.record(Event::CountsServed {
        peer,
        table,
        page,
        rows: rows as u64,
        purpose: Purpose::Care,
    })?;
    Ok(())
}
