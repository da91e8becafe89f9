//! The coordinator's eye on the permit of a run: its dates, and whether its issuer revoked it. It
//! looks before anything is asked or handed out and again before every round, fetches the issuer's
//! list when the held one is old, and hands it to the nodes, some of which the issuer may be unable
//! to reach.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::Result;
use jiff::Timestamp;
use ligate_access::{audit::Event, permit::SignedPermit, revocation::Revocations};
use tokio::runtime::Runtime;

use super::admission::Nodes;
use crate::{
    folder::Folder,
    output,
    revocations::{self, LIST_DEADLINE},
    session::Question,
};

/// The permit of one run at the coordinator.
pub struct PermitWatch<'a> {
    folder: &'a Folder,
    permit: &'a SignedPermit,
    /// When the list was last fetched, or the attempt failed.
    fetched: Cell<Option<Instant>>,
    /// When the nodes were last given the list.
    handed_out: Cell<Option<Instant>>,
}

impl<'a> PermitWatch<'a> {
    pub fn new(folder: &'a Folder, permit: &'a SignedPermit) -> Self {
        Self {
            folder,
            permit,
            fetched: Cell::new(None),
            handed_out: Cell::new(None),
        }
    }

    /// Refuses a permit that is revoked, and one of an issuer whose list is too old.
    pub fn check(&self, runtime: &Runtime) -> Result<()> {
        let issuer = self.permit.permit().issuer.key;
        if self.is_past(&self.fetched) && revocations::is_due(self.folder, &issuer)? {
            self.fetched.set(Some(Instant::now()));
            if let Err(error) = revocations::refresh(self.folder, issuer, runtime.handle()) {
                note!("warning: {}", output::one_line(&error));
            }
        }
        let lists = revocations::newest(self.folder, &issuer)?
            .into_iter()
            .collect();
        let stale_after = self.folder.config.revocation.stale_after();
        Ok(Revocations { lists, stale_after }.check(self.permit, Timestamp::now())?)
    }

    /// [`check`](Self::check) before a run or a stored release; a refusal enters the audit log.
    pub fn admit(&self, runtime: &Runtime) -> Result<()> {
        let checked = self.check(runtime);
        if let Err(error) = &checked {
            let (permit, reason) = (Some(self.permit.hash()), output::one_line(error));
            self.folder.record(Event::Refusal {
                permit,
                job: None,
                peer: None,
                reason,
            })?;
        }
        checked
    }

    /// What must hold before each round: dates, no revocation, and nodes that can tell so
    /// themselves.
    pub fn still_in_force(&self, runtime: &Runtime, nodes: &Nodes) -> Result<()> {
        self.permit.check_dates(Timestamp::now())?;
        self.check(runtime)?;
        self.hand_out(runtime, nodes)
    }

    /// Hands the newest list to the nodes, unless they got it a short while ago. A node that does
    /// not take it says so when it is asked about the permit.
    pub fn hand_out(&self, runtime: &Runtime, nodes: &Nodes) -> Result<()> {
        if !self.is_past(&self.handed_out) {
            return Ok(());
        }
        let issuer = self.permit.permit().issuer.key;
        if let Some(list) = revocations::newest(self.folder, &issuer)? {
            self.handed_out.set(Some(Instant::now()));
            let question = Question::KeepRevocations {
                list: list.jws().to_owned(),
            };
            let deadline = nodes.deadline.min(LIST_DEADLINE);
            drop(runtime.block_on(nodes.ask_all_within(&question, deadline)));
        }
        Ok(())
    }

    fn is_past(&self, last: &Cell<Option<Instant>>) -> bool {
        let interval = Duration::from_secs(self.folder.config.revocation.fetch_seconds);
        last.get().is_none_or(|last| last.elapsed() >= interval)
    }
}
