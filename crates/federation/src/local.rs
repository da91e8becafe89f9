//! A node in the same process, for tests and for measuring: messages are encoded and decoded as on
//! the network, the vector comes from a function.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use ligate_access::Identity;
use ligate_model::NodeName;
use rand_core::{CryptoRng, RngCore};

use crate::{
    Answer, FromNode, Handled, Journal, Link, LinkError, Participant, Refusal, ToNode, ToRound,
};

type Vector = dyn Fn(&[u8]) -> Vec<u64> + Send + Sync;

/// A link to a participant in this process; it works on a thread of tokio's blocking pool.
pub struct LocalLink<R> {
    name: NodeName,
    node: Arc<Mutex<Node<R>>>,
}

struct Node<R> {
    identity: Arc<Identity>,
    journal: Arc<dyn Journal>,
    vector: Box<Vector>,
    rng: R,
    participant: Option<Participant>,
}

impl<R: RngCore + CryptoRng + Send + 'static> LocalLink<R> {
    /// `vector` computes what the node adds for an ask.
    pub fn new(
        name: NodeName,
        identity: Arc<Identity>,
        journal: Arc<dyn Journal>,
        rng: R,
        vector: impl Fn(&[u8]) -> Vec<u64> + Send + Sync + 'static,
    ) -> Self {
        let node = Node {
            identity,
            journal,
            vector: Box::new(vector),
            rng,
            participant: None,
        };
        Self {
            name,
            node: Arc::new(Mutex::new(node)),
        }
    }
}

impl<R: RngCore + CryptoRng> Node<R> {
    fn answer(&mut self, body: &Bytes) -> Answer {
        let answer = match ToNode::decode(body) {
            Ok(ToNode::Roster(roster)) => roster
                .sign(&self.identity)
                .map(|signature| Answer::roster_signature(&signature))
                .map_err(Refusal::from),
            Ok(ToNode::SignedRoster(roster)) => Participant::new(
                Arc::clone(&self.identity),
                roster,
                Arc::clone(&self.journal),
            )
            .and_then(|participant| self.participant.insert(participant).ready()),
            Ok(ToNode::Round(message)) => self.round(message),
            Err(error) => return Answer::declined(&error.to_string()),
        };
        answer.unwrap_or_else(|refusal| Answer::refused(&refusal))
    }

    fn round(&mut self, message: ToRound) -> Result<Answer, Refusal> {
        let participant = self.participant.as_mut().ok_or(Refusal::WrongRun)?;
        match participant.handle(message, &mut self.rng)? {
            Handled::Answer(answer) => Ok(answer),
            Handled::WantsVector { .. } => {
                let vector = (self.vector)(participant.ask().unwrap_or_default());
                participant.contribute(vector)
            }
        }
    }
}

impl<R: RngCore + CryptoRng + Send + 'static> Link for LocalLink<R> {
    fn node(&self) -> &NodeName {
        &self.name
    }

    async fn call(&self, message: ToNode, deadline: Duration) -> Result<FromNode, LinkError> {
        let node = Arc::clone(&self.node);
        let work = tokio::task::spawn_blocking(move || {
            let body = message.encode().into();
            // A participant that panicked half way has a state that refuses what does not fit it.
            node.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .answer(&body)
                .bytes()
        });
        let body = tokio::time::timeout(deadline, work)
            .await
            .map_err(|_| LinkError::Late(deadline))?;
        let body = body.map_err(|error| LinkError::Unreachable(error.to_string()))?;
        FromNode::decode(&body).map_err(|error| LinkError::Unreadable(error.to_string()))
    }
}
