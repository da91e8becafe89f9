//! The asking side of a session: questions to one node over its pinned TLS connection.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use ligate_access::{PublicKey, audit::Head};
use ligate_federation::{
    FromNode, Link, LinkError, ToNode,
    transport::{self, Client, ClientOptions, HttpLink, MAX_BODY_BYTES},
};
use ligate_model::NodeName;

use super::{Answer, PATH, Question};
use crate::{config::Peer, folder::Folder};

/// How long a peer may take to say which heads it holds.
const HEADS_DEADLINE: Duration = Duration::from_secs(20);

/// The longest reason that is shown.
const REASON_CHARS: usize = 1000;

/// A node that can be asked.
pub struct Correspondent {
    pub name: NodeName,
    pub key: PublicKey,
    link: HttpLink,
}

impl Correspondent {
    /// A way to `peer`, whose key is pinned, under the name that a permit gives it. Nothing is sent
    /// yet.
    pub fn new(folder: &Folder, peer: &Peer, name: &NodeName) -> Result<Self> {
        let address = peer.address.as_deref().with_context(|| {
            format!(
                "the address of {} is not known; say it with `ligate peer set --name {} --address HOST:PORT`",
                peer.name, peer.name
            )
        })?;
        let tls = transport::client_config(&folder.identity, peer.key)?;
        let client = Client::new(address, tls, ClientOptions::default());
        Ok(Self {
            name: name.clone(),
            key: peer.key,
            link: HttpLink::new(name.clone(), client),
        })
    }

    /// Asks, and waits at most until the deadline. What the node declines is an error that names
    /// it.
    pub async fn ask(&self, question: &Question, deadline: Duration) -> Result<Answer> {
        match self.put(question, deadline).await? {
            Answer::Declined { reason } => bail!("{} declines: {reason}", self.name),
            answer => Ok(answer),
        }
    }

    /// Asks, and waits at most until the deadline. That the node declines is an answer; its reason
    /// is fit for a terminal.
    pub async fn put(&self, question: &Question, deadline: Duration) -> Result<Answer> {
        let body = postcard::to_stdvec(question).context("the question cannot be written")?;
        let answer: Bytes = self
            .link
            .client()
            .post(PATH, body, MAX_BODY_BYTES, deadline)
            .await
            .with_context(|| format!("{} did not answer", self.name))?;
        match postcard::from_bytes(&answer) {
            Ok(Answer::Declined { reason }) => Ok(Answer::Declined {
                reason: printable(&reason),
            }),
            Ok(answer) => Ok(answer),
            Err(cause) => Err(anyhow::Error::new(cause).context(Unreadable(self.name.clone()))),
        }
    }
}

/// A peer answered something that is no answer.
#[derive(Debug)]
pub struct Unreadable(NodeName);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the answer of {} cannot be read", self.0)
    }
}

/// A correspondent as the rounds see it.
pub struct Way<'a>(pub &'a Correspondent);

impl Link for Way<'_> {
    fn node(&self) -> &NodeName {
        &self.0.name
    }

    async fn call(&self, message: ToNode, deadline: Duration) -> Result<FromNode, LinkError> {
        self.0.link.call(message, deadline).await
    }
}

/// A node's words, fit for a terminal.
fn printable(words: &str) -> String {
    words
        .chars()
        .filter(|letter| !letter.is_control())
        .take(REASON_CHARS)
        .collect()
}

/// The heads of this node's log that `peer` keeps.
pub async fn heads_held(folder: &Folder, peer: &Peer) -> Result<Vec<Head>> {
    match Correspondent::new(folder, peer, &peer.name)?
        .ask(&Question::HeadsHeld, HEADS_DEADLINE)
        .await?
    {
        Answer::Heads { heads } => Ok(heads),
        _ => bail!("{} answered something else", peer.name),
    }
}
