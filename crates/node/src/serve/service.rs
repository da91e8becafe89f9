//! What a serving node does with every message: who asks (the key that TLS has proven), which run
//! it is about, and the answer. Runs are bounded in number; each is worked on by one question at a
//! time.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use axum::{
    Extension, Router,
    body::HttpBody as _,
    extract::{Request, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::{self, Event, Head},
    permit::SignedPermit,
};
use ligate_federation::{
    Answer, FileJournal, Journal, Roster, SignedRoster, ToNode, ToRound, transport,
};
use ligate_listener::{Client, read_body};
use ligate_model::Digest;
use tokio::runtime::Handle;

use super::{counts, known_runs, node_export::NodeExport, node_run::NodeRun};
use crate::{
    books,
    config::Config,
    folder::{Folder, LiveFolder},
    revocations,
    session::{self, OutgoingAnswer, Question},
};

/// Runs that a node keeps open at the same time; the oldest gives way.
const MAX_RUNS: usize = 16;

/// The longest question of a peer that is no coordinator.
const PEER_BODY_BYTES: u64 = 64 << 10;

/// Tree heads in one message.
const MAX_HEADS: usize = 64;

/// Refusals that the audit log takes in an hour; more are answered, not logged, so that nobody can
/// fill the disk.
const REFUSALS_LOGGED_PER_HOUR: u32 = 1000;

/// Tables and pages of tables that are served in an hour, each with an entry in the audit log.
const TABLES_SERVED_PER_HOUR: u32 = 2000;

/// Open runs, oldest first.
type Runs = VecDeque<Arc<OpenRun>>;

/// A run and what it is found by, which can be read while the run is at work.
struct OpenRun {
    permit: Digest,
    job: Digest,
    coordinator: PublicKey,
    roster: OnceLock<Digest>,
    state: Mutex<Work>,
}

/// What is open under a roster of its own.
enum Work {
    Study(Box<NodeRun>),
    Export(Box<NodeExport>),
}

impl Work {
    fn study(&mut self) -> Result<&mut NodeRun> {
        match self {
            Self::Study(run) => Ok(run),
            Self::Export(_) => bail!("an export is asked for nothing but accounts"),
        }
    }

    fn export(&mut self) -> Result<&mut NodeExport> {
        match self {
            Self::Export(export) => Ok(export),
            Self::Study(_) => bail!("the job is a study, not an export"),
        }
    }
}

/// One serving node.
pub struct NodeService {
    folder: Arc<LiveFolder>,
    journal: Arc<dyn Journal>,
    runs: Mutex<Runs>,
    /// Beginning of the current hour and the refusals logged in it.
    refusals: Mutex<(Timestamp, u32)>,
    /// The same of tables served.
    tables: Mutex<(Timestamp, u32)>,
}

/// Counts one more event in the current hour, and says how many there are.
fn count_of_hour(counted: &Mutex<(Timestamp, u32)>, now: Timestamp) -> u32 {
    let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
    if now.duration_since(counted.0).as_hours() >= 1 {
        *counted = (now, 0);
    }
    counted.1 = counted.1.saturating_add(1);
    counted.1
}

/// What peers and coordinators ask a node for.
pub fn routes(service: Arc<NodeService>) -> Router {
    Router::new()
        .route(session::PATH, post(respond))
        .route(transport::RUN_PATH, post(respond))
        .with_state(service)
}

/// Reads the body and answers on a thread that may compute for long.
async fn respond(
    State(service): State<Arc<NodeService>>,
    Extension(client): Extension<Client>,
    uri: Uri,
    request: Request,
) -> Response {
    let Some(peer) = client.key else {
        return (StatusCode::UNAUTHORIZED, "peers show their keys").into_response();
    };
    let bytes = request.body().size_hint().upper();
    let allowed = on_a_thread(Arc::clone(&service), move |service| {
        service.may_send(&peer, bytes)
    })
    .await;
    if !allowed.unwrap_or(false) {
        return (
            StatusCode::PAYLOAD_TOO_LARGE,
            "only a trusted coordinator may send that much",
        )
            .into_response();
    }
    let body = match read_body(request).await {
        Ok((_, body)) => body,
        Err(unread) => return unread.into_response(),
    };
    let answer = on_a_thread(service, move |service| {
        service.answer(peer, uri.path(), &body)
    })
    .await;
    match answer {
        Some(Some(body)) => body.into_response(),
        Some(None) => (StatusCode::NOT_FOUND, "there is nothing here").into_response(),
        None => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the node could not answer",
        )
            .into_response(),
    }
}

/// Does what reads files or computes where it keeps nobody else waiting; nothing where it panicked.
async fn on_a_thread<T: Send + 'static>(
    service: Arc<NodeService>,
    work: impl FnOnce(&NodeService) -> T + Send + 'static,
) -> Option<T> {
    tokio::task::spawn_blocking(move || work(&service))
        .await
        .ok()
}

impl NodeService {
    pub fn open(folder: Arc<LiveFolder>) -> Result<Self> {
        let journal = FileJournal::new(&folder.open().journal())?;
        Ok(Self {
            folder,
            journal: Arc::new(journal),
            runs: Mutex::default(),
            refusals: Mutex::default(),
            tables: Mutex::default(),
        })
    }

    /// Peers ask short questions; only a coordinator that the steward trusts sends the state of a
    /// method, and only an issuer a long list of revoked permits.
    fn may_send(&self, peer: &PublicKey, bytes: Option<u64>) -> bool {
        let short = bytes.is_some_and(|bytes| bytes <= PEER_BODY_BYTES);
        let is_trusted = |config: &Config| {
            config.coordinators().contains(peer) || config.issuers().contains(peer)
        };
        short || is_trusted(&self.folder.open().config)
    }

    /// The body of the answer; `None` where there is nothing at `path`.
    fn answer(&self, peer: PublicKey, path: &str, body: &Bytes) -> Option<Bytes> {
        match path {
            session::PATH => {
                let answer = match postcard::from_bytes(body) {
                    Ok(question) => self.question(peer, question),
                    Err(_) => OutgoingAnswer::Declined {
                        reason: "the question cannot be read; use the same version".to_owned(),
                    },
                };
                postcard::to_stdvec(&answer).ok().map(Bytes::from)
            }
            transport::RUN_PATH => Some(self.round(peer, body).bytes()),
            _ => None,
        }
    }

    fn question(&self, peer: PublicKey, question: Question) -> OutgoingAnswer {
        let answered = self
            .check_books(&question)
            .and_then(|()| self.answer_to(peer, question));
        answered.unwrap_or_else(|error| OutgoingAnswer::Declined {
            reason: crate::output::one_line(&error),
        })
    }

    /// Books that were put back answer nobody. What says nothing of people may be said: others
    /// recover with it.
    fn check_books(&self, question: &Question) -> Result<()> {
        match question {
            Question::HeadsHeld | Question::RunsKnown | Question::Revocations { .. } => Ok(()),
            _ => books::check(&self.folder.open()),
        }
    }

    fn answer_to(&self, peer: PublicKey, question: Question) -> Result<OutgoingAnswer> {
        match question {
            Question::Start {
                permit,
                job,
                head,
                held,
            } => self.start(peer, &permit, &job, (&head, &held)),
            Question::Describe { permit } => self.describe(peer, &permit),
            Question::Confirm { permit, job } => self.confirm(peer, &permit, &job),
            Question::HeadsHeld => self.heads_held(peer),
            Question::RunsKnown => known_runs::of_node(&self.folder.open(), peer),
            Question::Recoveries { held_sizes } => {
                let proof = self.folder.open().log()?.prove_recoveries(&held_sizes)?;
                Ok(OutgoingAnswer::Recoveries { proof })
            }
            Question::KeepHeads { heads } => self.keep_heads(peer, &heads),
            Question::DiagnosisCounts => self.counts(peer, counts::diagnosis),
            Question::AlleleCounts { page } => {
                self.counts(peer, |folder, peer| counts::alleles(folder, peer, page))
            }
            Question::Revocations { issuer } => self.revocations(&issuer),
            Question::KeepRevocations { list } => self.keep_revocations(peer, &list),
            Question::Prepare { job, coding } => {
                self.with_job(peer, job, |work| work.study()?.prepare(coding))
            }
            Question::Offer { job, page } => {
                self.with_job(peer, job, |work| work.study()?.offer(page))
            }
            Question::Exponents { job } => self.with_job(peer, job, |work| work.study()?.scales()),
            Question::Account { job, model } => {
                self.with_job(peer, job, |work| work.study()?.account(&model))
            }
            Question::Judge { job, grams } => self.with_job(peer, job, |work| match work {
                Work::Study(run) => run.judge(&grams),
                Work::Export(export) => export.judge(&grams),
            }),
            Question::Finish {
                job,
                result,
                released,
                suppressed,
            } => self.with_last(peer, job, |work| {
                work.study()?.finish(result, released, suppressed)
            }),
            Question::Abandon { job, reason } => self.with_last(peer, job, |work| match work {
                Work::Study(run) => run.abandon(&reason),
                Work::Export(export) => export.abandon(&reason),
            }),
            Question::Export {
                permit,
                job,
                export,
                result,
                head,
                held,
            } => self.start_export(peer, [&permit, &job, &export], result, (&head, &held)),
            Question::Changed { export, keys } => {
                self.with_job(peer, export, |work| work.export()?.changed(&keys))
            }
            Question::Leave { export, leaving } => {
                self.with_last(peer, export, |work| work.export()?.leave(&leaving))
            }
        }
    }

    fn describe(&self, peer: PublicKey, permit: &str) -> Result<OutgoingAnswer> {
        self.fetch_revocations(permit);
        let described = NodeRun::describe(&self.folder.open(), peer, permit);
        if let Err(refusal) = &described {
            self.log_refusal(None, peer, refusal);
        }
        described
    }

    fn confirm(&self, peer: PublicKey, permit: &str, job: &str) -> Result<OutgoingAnswer> {
        let confirmed = NodeRun::confirm(&self.folder.open(), peer, permit, job);
        if let Err(refusal) = &confirmed {
            self.log_refusal(None, peer, refusal);
        }
        confirmed
    }

    /// A table for a peer. Each is recorded before it leaves, so their number is bounded, as that
    /// of refusals is.
    fn counts(
        &self,
        peer: PublicKey,
        table: impl FnOnce(&Folder, PublicKey) -> Result<OutgoingAnswer>,
    ) -> Result<OutgoingAnswer> {
        ensure!(
            count_of_hour(&self.tables, Timestamp::now()) <= TABLES_SERVED_PER_HOUR,
            "this node has served as many tables as it does in an hour; ask again later"
        );
        let answered = table(&self.folder.open(), peer);
        if let Err(refusal) = &answered {
            self.log_refusal(None, peer, refusal);
        }
        answered
    }

    fn start(
        &self,
        peer: PublicKey,
        permit: &str,
        job: &str,
        heads: (&Head, &[Head]),
    ) -> Result<OutgoingAnswer> {
        self.fetch_revocations(permit);
        let started = NodeRun::start(
            self.folder.open(),
            peer,
            permit,
            job,
            heads,
            self.journal.clone(),
        );
        match started {
            Ok((run, answer)) => {
                let [permit, job] = [run.permit_hash(), run.job()];
                self.keep([permit, job], run.coordinator(), Work::Study(Box::new(run)));
                Ok(answer)
            }
            Err(refusal) => {
                self.log_refusal(None, peer, &refusal);
                Err(refusal)
            }
        }
    }

    fn start_export(
        &self,
        peer: PublicKey,
        [permit, job, export]: [&str; 3],
        result: Digest,
        heads: (&Head, &[Head]),
    ) -> Result<OutgoingAnswer> {
        self.fetch_revocations(permit);
        let texts = [permit, job, export];
        let folder = self.folder.open();
        match NodeExport::start(folder, peer, texts, result, heads, self.journal.clone()) {
            Ok((export, answer)) => {
                let [permit, hash] = [export.permit_hash(), export.hash()];
                self.keep(
                    [permit, hash],
                    export.coordinator(),
                    Work::Export(Box::new(export)),
                );
                Ok(answer)
            }
            Err(refusal) => {
                self.log_refusal(None, peer, &refusal);
                Err(refusal)
            }
        }
    }

    /// Notes a refusal. That the log cannot be written is no reason to allow what was refused.
    fn log_refusal(&self, run: Option<&OpenRun>, peer: PublicKey, refusal: &anyhow::Error) {
        if count_of_hour(&self.refusals, Timestamp::now()) > REFUSALS_LOGGED_PER_HOUR {
            return;
        }
        let (permit, job) = (run.map(|run| run.permit), run.map(|run| run.job));
        let reason = crate::output::one_line(refusal);
        let event = Event::Refusal {
            permit,
            job,
            peer: Some(peer),
            reason,
        };
        if let Err(error) = self.folder.open().record(event) {
            note!(
                "a refusal could not be written into the audit log: {}",
                crate::output::one_line(&error)
            );
        }
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, Runs> {
        // The list is whole at every step, so a panic elsewhere has not torn it.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, [permit, job]: [Digest; 2], coordinator: PublicKey, work: Work) {
        let open = OpenRun {
            permit,
            job,
            coordinator,
            roster: OnceLock::new(),
            state: Mutex::new(work),
        };
        let mut runs = self.runs();
        runs.retain(|other| other.job != job);
        while runs.len() >= MAX_RUNS {
            runs.pop_front();
        }
        runs.push_back(Arc::new(open));
    }

    /// Works on the open run that `wanted` describes and that `peer` coordinates. A refusal is
    /// logged.
    fn with_run<T>(
        &self,
        peer: PublicKey,
        wanted: impl Fn(&OpenRun) -> bool,
        work: impl FnOnce(&mut Work, &OpenRun) -> Result<T>,
    ) -> Result<T> {
        let open = self
            .runs()
            .iter()
            .find(|open| open.coordinator == peer && wanted(open))
            .cloned();
        let open = open.context("no such run is open here; start it again")?;
        let mut run = open
            .state
            .lock()
            .map_err(|_| anyhow!("the run failed here; start it again"))?;
        let worked = work(&mut run, &open);
        if let Err(refusal) = &worked {
            self.log_refusal(Some(&open), peer, refusal);
        }
        worked
    }

    /// The last word on a run: when it has been taken in, the run is closed.
    fn with_last<T>(
        &self,
        peer: PublicKey,
        job: Digest,
        work: impl FnOnce(&mut Work) -> Result<T>,
    ) -> Result<T> {
        let answer = self.with_job(peer, job, work)?;
        self.runs().retain(|open| open.job != job);
        Ok(answer)
    }

    fn with_job<T>(
        &self,
        peer: PublicKey,
        job: Digest,
        work: impl FnOnce(&mut Work) -> Result<T>,
    ) -> Result<T> {
        self.with_run(peer, |open| open.job == job, |run, _| work(run))
    }

    fn round(&self, peer: PublicKey, body: &Bytes) -> Answer {
        let answered = match ToNode::decode(body) {
            Ok(ToNode::Roster(roster)) => self.sign_roster(peer, &roster),
            Ok(ToNode::SignedRoster(roster)) => self.join(peer, roster),
            Ok(ToNode::Round(message)) => self.step(peer, message),
            Err(error) => return Answer::declined(&error.to_string()),
        };
        answered.unwrap_or_else(|error| Answer::declined(&crate::output::one_line(&error)))
    }

    fn sign_roster(&self, peer: PublicKey, roster: &Roster) -> Result<Answer> {
        self.with_job(peer, roster.context().job, |work| match work {
            Work::Study(run) => run.sign_roster(roster),
            Work::Export(export) => export.sign_roster(roster),
        })
    }

    fn join(&self, peer: PublicKey, roster: SignedRoster) -> Result<Answer> {
        let (job, digest) = (roster.roster().context().job, roster.roster().digest());
        self.with_run(
            peer,
            |open| open.job == job,
            |work, open| {
                let ready = match work {
                    Work::Study(run) => run.join(roster),
                    Work::Export(export) => export.join(roster),
                }?;
                open.roster.get_or_init(|| digest);
                Ok(ready)
            },
        )
    }

    fn step(&self, peer: PublicKey, message: ToRound) -> Result<Answer> {
        let roster = message.roster;
        self.with_run(
            peer,
            |open| open.roster.get() == Some(&roster),
            |work, _| match work {
                Work::Study(run) => run.step(message),
                Work::Export(export) => export.step(message),
            },
        )
    }

    /// Gets the list of a permit's issuer anew where it is old. What cannot be fetched, or is no
    /// permit, shows when the permit is checked.
    fn fetch_revocations(&self, permit: &str) {
        let Ok(permit) = SignedPermit::read(permit) else {
            return;
        };
        let fetched =
            revocations::refresh_where_due(&self.folder.open(), &permit, &Handle::current());
        if let Err(error) = fetched {
            note!("warning: {}", crate::output::one_line(&error));
        }
    }

    fn revocations(&self, issuer: &PublicKey) -> Result<OutgoingAnswer> {
        let newest = revocations::newest(&self.folder.open(), issuer)?;
        Ok(OutgoingAnswer::Revocations {
            list: newest.map(|list| list.jws().to_owned()),
        })
    }

    /// Keeps a list that its issuer signed, whoever hands it over. A refused one is noted: it may
    /// be an attack.
    fn keep_revocations(&self, peer: PublicKey, list: &str) -> Result<OutgoingAnswer> {
        let taken = revocations::take(&self.folder.open(), list);
        if let Err(refusal) = &taken {
            self.log_refusal(None, peer, refusal);
        }
        taken.map(|()| OutgoingAnswer::Heads { heads: Vec::new() })
    }

    fn heads_held(&self, peer: PublicKey) -> Result<OutgoingAnswer> {
        let folder = self.folder.open();
        let heads = match folder.config.peer_by_key(&peer) {
            Some(known) => audit::heads_of(&folder.audit(), &known.name)?,
            None => Vec::new(),
        };
        Ok(OutgoingAnswer::Heads { heads })
    }

    /// Keeps the heads of known peers. One that is forged or contradicts an earlier one is not
    /// kept, and noted.
    fn keep_heads(&self, peer: PublicKey, heads: &[Head]) -> Result<OutgoingAnswer> {
        let folder = self.folder.open();
        ensure!(
            heads.len() <= MAX_HEADS,
            "more than {MAX_HEADS} tree heads in one message"
        );
        let mut log = folder.log()?;
        for head in heads {
            let Some(known) = folder.config.peer_by_key(&head.node) else {
                continue;
            };
            if let Err(error) = log.store_head(&known.name, known.key, head, Timestamp::now()) {
                self.log_refusal(None, peer, &error.into());
            }
        }
        Ok(OutgoingAnswer::Heads { heads: Vec::new() })
    }
}
