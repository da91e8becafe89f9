//! What a coordinator can prove of runs to a node that was restored: the runs of its own audit log
//! whose roster that node has signed. It tells a node of its own runs only.

use std::collections::BTreeMap;

use anyhow::Result;
use ligate_access::{
    PublicKey,
    audit::{self, Entry},
};
use ligate_disclosure::DataUser;
use ligate_model::Digest;

use crate::{
    folder::Folder,
    recovery::data_user,
    session::{KnownRun, OutgoingAnswer},
};

/// Runs of one answer, the newest.
const RUNS_MAX: usize = 10_000;

/// The runs that this coordinator had with the node `asking`.
pub fn of_node(folder: &Folder, asking: PublicKey) -> Result<OutgoingAnswer> {
    let mut found = Found::new(folder.identity.public(), asking);
    audit::entries(&folder.audit(), &mut |entry| found.take(&entry))?;
    let excess = found.runs.len().saturating_sub(RUNS_MAX);
    Ok(OutgoingAnswer::RunsKnown {
        runs: found.runs.split_off(excess),
    })
}

struct Found {
    coordinator: String,
    asking: String,
    users: BTreeMap<Digest, DataUser>,
    runs: Vec<KnownRun>,
}

impl Found {
    fn new(coordinator: PublicKey, asking: PublicKey) -> Self {
        let (coordinator, asking) = (coordinator.to_string(), asking.to_string());
        Self {
            coordinator,
            asking,
            users: BTreeMap::new(),
            runs: Vec::new(),
        }
    }

    fn take(&mut self, entry: &Entry) {
        let Some(job) = entry.text("job").and_then(|job| job.parse::<Digest>().ok()) else {
            return;
        };
        match entry.kind.as_str() {
            "job" if entry.text("coordinator") == Some(&self.coordinator) => {
                self.users.extend(data_user(entry).map(|user| (job, user)));
            }
            "roster-agreed" if self.takes_part(entry) => {
                let user = self.users.get(&job).cloned();
                self.runs.extend(user.map(|data_user| KnownRun {
                    job,
                    data_user,
                    released: false,
                    exported: 0,
                }));
            }
            "release" => {
                self.runs
                    .iter_mut()
                    .filter(|run| run.job == job)
                    .for_each(|run| run.released = true);
            }
            "exported" => {
                self.runs
                    .iter_mut()
                    .filter(|run| run.job == job)
                    .for_each(|run| run.exported += 1);
            }
            _ => {}
        }
    }

    fn takes_part(&self, entry: &Entry) -> bool {
        let nodes = entry.fields.get("nodes").and_then(|nodes| nodes.as_array());
        nodes.is_some_and(|nodes| nodes.iter().any(|node| node.as_str() == Some(&self.asking)))
    }
}
