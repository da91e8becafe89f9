//! Reads a request's body at a pace: a client that trickles is cut off, one that sends much has the
//! time for it.

use std::time::Duration;

use axum::{
    body::Body,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError};
use hyper::{Request, body::Body as HttpBody};
use tokio::time::{Instant, timeout_at};

use crate::Limits;

/// No body takes longer, whatever the limits.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How slowly a body may come.
#[derive(Clone, Copy, Debug)]
struct Pace {
    grace: Duration,
    bytes_per_second: u64,
}

/// What the port knows of a request's body before anybody reads it; it is among the request's
/// extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced {
    pace: Pace,
    too_large: bool,
}

impl Announced {
    pub(crate) fn new(limits: &Limits, bytes: u64) -> Self {
        let pace = Pace {
            grace: limits.body,
            bytes_per_second: limits.body_bytes_per_second_min,
        };
        let too_large = bytes > limits.body_bytes_max as u64;
        Self { pace, too_large }
    }
}

impl Pace {
    /// How long after the start there must be more than `received` bytes.
    fn allowed(&self, received: usize) -> Duration {
        let earned_ms = (received as u64).saturating_mul(1000) / self.bytes_per_second.max(1);
        let earned = Duration::from_millis(earned_ms);
        self.grace.saturating_add(earned).min(LONGEST)
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    Slow,
    CutOff,
    TooLarge,
}

impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "the body came too slowly"),
            Self::CutOff => (StatusCode::BAD_REQUEST, "the body was cut off"),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than the limit",
            ),
        };
        (status, why).into_response()
    }
}

/// Reads a request's whole body, within the limits of the port that it came through.
///
/// # Errors
///
/// Says why the body could not be read; as a response, where the face has no form of its own for
/// that.
pub async fn read_body(request: Request<Body>) -> Result<(Parts, Bytes), Unread> {
    let (parts, body) = request.into_parts();
    let announced = parts.extensions.get().copied();
    let announced = announced.unwrap_or_else(|| Announced::new(&Limits::default(), 0));
    if announced.too_large {
        return Err(Unread::TooLarge);
    }
    let body = collect(body, announced.pace)
        .await
        .map_err(|failure| match failure {
            Failure::Slow => Unread::Slow,
            Failure::Body(error) => match error.into_inner().is::<LengthLimitError>() {
                true => Unread::TooLarge,
                false => Unread::CutOff,
            },
        })?;
    Ok((parts, body))
}

enum Failure<E> {
    Slow,
    Body(E),
}

async fn collect<B>(body: B, pace: Pace) -> Result<Bytes, Failure<B::Error>>
where
    B: HttpBody<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let mut received = BytesMut::new();
    let start = Instant::now();
    loop {
        let deadline = start + pace.allowed(received.len());
        match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(Failure::Slow),
            Ok(None) => return Ok(received.freeze()),
            Ok(Some(Err(error))) => return Err(Failure::Body(error)),
            // Trailers are nobody's.
            Ok(Some(Ok(frame))) => {
                received.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll, ready},
    };

    use hyper::body::Frame;
    use tokio::time::{Interval, interval};

    use super::*;

    /// So many bytes, one a second.
    struct Drops {
        clock: Interval,
        left: usize,
    }

    impl HttpBody for Drops {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            ready!(self.clock.poll_tick(context));
            self.left -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    /// What came of `left` bytes at one a second when this many a second are asked for, and after
    /// how long.
    async fn drops(left: usize, bytes_per_second: u64) -> (Option<usize>, u64) {
        let start = Instant::now();
        let body = Drops {
            clock: interval(Duration::from_secs(1)),
            left,
        };
        let pace = Pace {
            grace: Duration::from_secs(60),
            bytes_per_second,
        };
        let read = collect(body, pace).await.ok().map(|body| body.len());
        (read, start.elapsed().as_secs())
    }

    /// The clock is stopped and goes on by itself when everybody waits for it.
    #[tokio::test(start_paused = true)]
    async fn a_body_that_keeps_the_pace_has_the_time_it_needs() {
        assert_eq!(drops(1000, 1).await, (Some(1000), 999));
        assert_eq!(drops(60, 1_000_000).await, (Some(60), 59));
        assert_eq!(drops(1000, 1_000_000).await, (None, 60));
        // With half the pace, the grace is used up after twice its time.
        assert_eq!(drops(1000, 2).await, (None, 120));
    }
}
