//! A node behind mutual TLS. Messages of rounds and rosters may be repeated (the node gives the
//! same answer), so a connection that breaks under one is made anew once.

use std::time::Duration;

use bytes::Bytes;
use ligate_model::NodeName;
use tokio::time::Instant;

use super::{Client, MAX_BODY_BYTES, RUN_PATH, TransportError};
use crate::{FromNode, Link, LinkError, ToNode};

/// A link over HTTP.
pub struct HttpLink {
    node: NodeName,
    client: Client,
}

impl HttpLink {
    pub fn new(node: NodeName, client: Client) -> Self {
        Self { node, client }
    }

    /// The connection, for what is asked besides the rounds.
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn post(&self, body: Bytes, deadline: Duration) -> Result<Bytes, TransportError> {
        self.client
            .post(RUN_PATH, body, MAX_BODY_BYTES, deadline)
            .await
    }
}

impl Link for HttpLink {
    fn node(&self) -> &NodeName {
        &self.node
    }

    async fn call(&self, message: ToNode, deadline: Duration) -> Result<FromNode, LinkError> {
        let start = Instant::now();
        let body = Bytes::from(message.encode());
        let answer = match self.post(body.clone(), deadline).await {
            Err(TransportError::Broken { .. }) => {
                self.post(body, deadline.saturating_sub(start.elapsed()))
                    .await
            }
            answer => answer,
        };
        let answer = answer.map_err(|error| link_error(&error, deadline))?;
        FromNode::decode(&answer).map_err(|error| LinkError::Unreadable(error.to_string()))
    }
}

fn link_error(error: &TransportError, deadline: Duration) -> LinkError {
    match error {
        TransportError::Late { .. } => LinkError::Late(deadline),
        error => LinkError::Unreachable(with_sources(error)),
    }
}

/// The text of an error with its causes.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
