//! The desk of a serving node: who asks (the key that TLS has proven), which run it is about, and the answer. Runs
//! are bounded in number; each is worked on by one question at a time.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::{self, Event, Head},
};
use http_body_util::{Full, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming};
use ligate_federation::{
    Answer, FileJournal, Journal, Roster, SignedRoster, ToNode, ToRound,
    transport::{self, ServeOptions},
};
use ligate_model::Digest;
use tokio::net::TcpListener;

use super::node_run::NodeRun;
use crate::{
    config::Config,
    folder::Folder,
    session::{self, OutgoingAnswer, Question},
};

/// Runs that a node keeps open at the same time; the oldest gives way.
const MAX_RUNS: usize = 16;

/// Open runs, oldest first.
type Runs = VecDeque<Arc<OpenRun>>;

/// A run and what it is found by, which can be read while the run is at work.
struct OpenRun {
    job: Digest,
    coordinator: PublicKey,
    roster: OnceLock<Digest>,
    state: Mutex<NodeRun>,
}

/// One serving node.
pub struct Desk {
    dir: PathBuf,
    journal: Arc<dyn Journal>,
    runs: Mutex<Runs>,
}

/// Answers on `listener` until `stop`.
pub async fn answer_until(listener: TcpListener, desk: Arc<Desk>, stop: impl Future<Output = ()>) -> Result<()> {
    let folder = Folder::open(&desk.dir)?;
    let settings = folder.settings();
    // Read anew for each connection, so that `peer add` needs no restart. Whoever is not pinned is not let in.
    let known = move |key: &PublicKey| Config::read(&settings).is_ok_and(|config| config.peer_by_key(key).is_some());
    let tls = transport::server_config(&folder.identity, Arc::new(known))?;
    let handler = move |peer, request| respond(desk.clone(), peer, request);
    transport::serve(listener, tls, ServeOptions::default(), handler, stop).await;
    Ok(())
}

/// Reads the body and answers on a thread that may compute for long.
async fn respond(desk: Arc<Desk>, peer: PublicKey, request: Request<Limited<Incoming>>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let body = match transport::read_body(request).await {
        Ok((_, body)) => body,
        Err(response) => return *response,
    };
    let answer = tokio::task::spawn_blocking(move || desk.answer(peer, &path, &body)).await;
    match answer {
        Ok(Some(body)) => Response::new(Full::new(body)),
        Ok(None) => plain(StatusCode::NOT_FOUND, "there is nothing here"),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the node could not answer"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

impl Desk {
    pub fn open(folder: &Folder) -> Result<Self> {
        let journal = FileJournal::new(&folder.journal())?;
        Ok(Self { dir: folder.path().to_owned(), journal: Arc::new(journal), runs: Mutex::default() })
    }

    /// The body of the answer; `None` where there is nothing at `path`.
    fn answer(&self, peer: PublicKey, path: &str, body: &Bytes) -> Option<Bytes> {
        match path {
            session::PATH => {
                let answer = match postcard::from_bytes(body) {
                    Ok(question) => self.question(peer, question),
                    Err(_) => OutgoingAnswer::Declined { reason: "the question cannot be read; use the same version".to_owned() },
                };
                postcard::to_stdvec(&answer).ok().map(Bytes::from)
            }
            transport::RUN_PATH => Some(self.round(peer, body).bytes()),
            _ => None,
        }
    }

    fn question(&self, peer: PublicKey, question: Question) -> OutgoingAnswer {
        let answered = match question {
            Question::Start { permit, job, head } => self.start(peer, &permit, &job, &head),
            Question::Describe { permit } => self.describe(peer, &permit),
            Question::HeadsHeld => self.heads_held(peer),
            Question::KeepHeads { heads } => self.keep_heads(&heads),
            Question::Prepare { job, coding } => self.with_job(peer, job, |run| run.prepare(coding)),
            Question::Offer { job, page } => self.with_job(peer, job, |run| run.offer(page)),
            Question::Finish { job, result, released, suppressed } => {
                let finished = self.with_job(peer, job, |run| run.finish(result, released, suppressed));
                self.forget(&job);
                finished
            }
            Question::Abandon { job, reason } => {
                let abandoned = self.with_job(peer, job, |run| run.abandon(&reason));
                self.forget(&job);
                abandoned
            }
        };
        answered.unwrap_or_else(|error| OutgoingAnswer::Declined { reason: crate::output::one_line(&error) })
    }

    fn describe(&self, peer: PublicKey, permit: &str) -> Result<OutgoingAnswer> {
        NodeRun::describe(&Folder::open(&self.dir)?, peer, permit)
    }

    fn start(&self, peer: PublicKey, permit: &str, job: &str, head: &Head) -> Result<OutgoingAnswer> {
        let folder = Folder::open(&self.dir)?;
        match NodeRun::start(folder, peer, permit, job, head, self.journal.clone()) {
            Ok((run, answer)) => {
                self.keep(run);
                Ok(answer)
            }
            Err(refusal) => {
                let reason = crate::output::one_line(&refusal);
                Folder::open(&self.dir)?.record(Event::Refusal { permit: None, job: None, peer: Some(peer), reason })?;
                Err(refusal)
            }
        }
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, Runs> {
        // The list is whole at every step, so a panic elsewhere has not torn it.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, run: NodeRun) {
        let (job, coordinator) = (run.job(), run.coordinator());
        self.forget(&job);
        let mut runs = self.runs();
        while runs.len() >= MAX_RUNS {
            runs.pop_front();
        }
        runs.push_back(Arc::new(OpenRun { job, coordinator, roster: OnceLock::new(), state: Mutex::new(run) }));
    }

    fn forget(&self, job: &Digest) {
        self.runs().retain(|open| open.job != *job);
    }

    /// Works on the open run that `wanted` describes and that `peer` coordinates.
    fn with_run<T>(
        &self,
        peer: PublicKey,
        wanted: impl Fn(&OpenRun) -> bool,
        work: impl FnOnce(&mut NodeRun, &OpenRun) -> Result<T>,
    ) -> Result<T> {
        let open = self.runs().iter().find(|open| open.coordinator == peer && wanted(open)).cloned();
        let open = open.context("no such run is open here; start it again")?;
        let mut run = open.state.lock().map_err(|_| anyhow!("the run failed here; start it again"))?;
        work(&mut run, &open)
    }

    fn with_job<T>(&self, peer: PublicKey, job: Digest, work: impl FnOnce(&mut NodeRun) -> Result<T>) -> Result<T> {
        self.with_run(peer, |open| open.job == job, |run, _| work(run))
    }

    fn round(&self, peer: PublicKey, body: &Bytes) -> Answer {
        let answered = match ToNode::decode(body) {
            Ok(ToNode::Roster(roster)) => self.sign_roster(peer, &roster),
            Ok(ToNode::SignedRoster(roster)) => self.join(peer, roster),
            Ok(ToNode::Round(message)) => self.step(peer, message),
            Ok(ToNode::Session(_)) => return Answer::declined("questions go to another path"),
            Err(error) => return Answer::declined(&error.to_string()),
        };
        answered.unwrap_or_else(|error| Answer::declined(&crate::output::one_line(&error)))
    }

    fn sign_roster(&self, peer: PublicKey, roster: &Roster) -> Result<Answer> {
        self.with_job(peer, roster.context().job, |run| run.sign_roster(roster))
    }

    fn join(&self, peer: PublicKey, roster: SignedRoster) -> Result<Answer> {
        let (job, digest) = (roster.roster().context().job, roster.roster().digest());
        self.with_run(peer, |open| open.job == job, |run, open| {
            let ready = run.join(roster)?;
            open.roster.get_or_init(|| digest);
            Ok(ready)
        })
    }

    fn step(&self, peer: PublicKey, message: ToRound) -> Result<Answer> {
        let roster = message.roster;
        self.with_run(peer, |open| open.roster.get() == Some(&roster), |run, _| run.step(message))
    }

    fn heads_held(&self, peer: PublicKey) -> Result<OutgoingAnswer> {
        let folder = Folder::open(&self.dir)?;
        let heads = match folder.config.peer_by_key(&peer) {
            Some(known) => audit::heads_of(&folder.audit(), &known.name)?,
            None => Vec::new(),
        };
        Ok(OutgoingAnswer::Heads { heads })
    }

    /// Keeps the heads of known peers. A head that contradicts an earlier one is refused, and the refusal is noted.
    fn keep_heads(&self, heads: &[Head]) -> Result<OutgoingAnswer> {
        let folder = Folder::open(&self.dir)?;
        let mut log = folder.log()?;
        for head in heads {
            if let Some(peer) = folder.config.peer_by_key(&head.node) {
                log.store_head(&peer.name, peer.key, head, Timestamp::now())?;
            }
        }
        Ok(OutgoingAnswer::Heads { heads: vec![log.head().clone()] })
    }
}
