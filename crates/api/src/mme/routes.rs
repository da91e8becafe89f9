//! The addresses of the API: who may ask at all, which version is spoken, and what comes back. What
//! is answered is decided by the [`Exchange`] behind it.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ligate_listener::{Unread, read_body};
use serde::Serialize;

use super::{
    DisclaimerAnswer, HeartbeatAnswer, MatchRequest, MatchResponse, MetricsAnswer, MmeError,
    TOKEN_HEADER, Version, answer_version, content_type,
};

/// Bytes of a request's body at the most.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// What answers behind the addresses. Matches and metrics may read files and compute: they are
/// asked for on a thread where that keeps nobody else waiting.
pub trait Exchange: Send + Sync + 'static {
    /// The name of the peer whose token this is.
    fn peer_of(&self, token: &str) -> Option<String>;

    /// The patients to show to a peer, after it was recorded that they are shown.
    ///
    /// # Errors
    ///
    /// Why nobody is shown.
    fn matches(&self, peer: &str, request: &MatchRequest) -> Result<MatchResponse, MmeError>;

    /// Sums over the patients who may be shown.
    ///
    /// # Errors
    ///
    /// Why there are none.
    fn metrics(&self) -> Result<MetricsAnswer, MmeError>;

    fn heartbeat(&self) -> HeartbeatAnswer;

    fn disclaimer(&self) -> DisclaimerAnswer;
}

/// The peer who asks, among the request's extensions.
#[derive(Clone)]
struct Peer(String);

/// `/match`, `/metrics`, `/heartbeat` and `/disclaimer`, for peers alone.
pub fn routes<E: Exchange>(exchange: Arc<E>) -> Router {
    let only_get = || async { MmeError::Method("GET") };
    let only_post = || async { MmeError::Method("POST") };
    Router::new()
        .route("/match", post(matches::<E>).fallback(only_post))
        .route("/metrics", get(metrics::<E>).fallback(only_get))
        .route("/heartbeat", get(heartbeat::<E>).fallback(only_get))
        .route("/disclaimer", get(disclaimer::<E>).fallback(only_get))
        .fallback(|| async { MmeError::NotFound })
        // Nothing is said to a stranger, not even which addresses there are.
        .layer(middleware::from_fn_with_state(
            Arc::clone(&exchange),
            peers_only::<E>,
        ))
        .with_state(exchange)
}

async fn peers_only<E: Exchange>(
    State(exchange): State<Arc<E>>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = text(request.headers(), TOKEN_HEADER);
    let Some(peer) = token.and_then(|token| exchange.peer_of(token)) else {
        return MmeError::Unauthorized.into_response();
    };
    request.extensions_mut().insert(Peer(peer));
    next.run(request).await
}

async fn matches<E: Exchange>(
    State(exchange): State<Arc<E>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Result<Response, MmeError> {
    let headers = request.headers();
    let accept = text(headers, ACCEPT.as_str());
    let version = answer_version(accept, text(headers, CONTENT_TYPE.as_str()))?;
    let (_, body) = read_body(request).await?;
    let request = MatchRequest::parse(&body)?;
    let response = on_a_thread(move || exchange.matches(&peer, &request)).await?;
    json(version, &response)
}

async fn metrics<E: Exchange>(State(exchange): State<Arc<E>>) -> Result<Response, MmeError> {
    json(
        Version::LATEST,
        &on_a_thread(move || exchange.metrics()).await?,
    )
}

async fn heartbeat<E: Exchange>(State(exchange): State<Arc<E>>) -> Result<Response, MmeError> {
    json(Version::LATEST, &exchange.heartbeat())
}

async fn disclaimer<E: Exchange>(State(exchange): State<Arc<E>>) -> Result<Response, MmeError> {
    json(Version::LATEST, &exchange.disclaimer())
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MmeError> + Send + 'static,
) -> Result<T, MmeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(MmeError::Internal))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn json(version: Version, value: &impl Serialize) -> Result<Response, MmeError> {
    let body = serde_json::to_string(value).map_err(|_| MmeError::Internal)?;
    Ok(response(StatusCode::OK, version, body))
}

fn response(status: StatusCode, version: Version, body: String) -> Response {
    let mut response = (status, body).into_response();
    if let Ok(value) = HeaderValue::from_str(&content_type(version)) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

impl IntoResponse for MmeError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response(status, Version::LATEST, self.body())
    }
}

impl From<Unread> for MmeError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Slow => Self::Slow,
            Unread::CutOff => Self::CutOff,
            Unread::TooLarge => Self::TooLarge(BODY_BYTES_MAX),
        }
    }
}
