//! Reads a request's body at a pace: a peer that trickles is cut off, one that sends much has the time for it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Incoming},
    http::request::Parts,
};
use tokio::time::{Instant, timeout_at};

use super::ServeOptions;

/// No body takes longer, whatever the options.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How slowly a body may come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    grace: Duration,
    bytes_per_second: u64,
}

impl From<&ServeOptions> for Pace {
    fn from(options: &ServeOptions) -> Self {
        Self { grace: options.body, bytes_per_second: options.body_bytes_per_second_min }
    }
}

impl Pace {
    /// How long after the start there must be more than `received` bytes.
    fn allowed(&self, received: usize) -> Duration {
        let earned_ms = (received as u64).saturating_mul(1000) / self.bytes_per_second.max(1);
        self.grace.saturating_add(Duration::from_millis(earned_ms)).min(LONGEST)
    }
}

/// Why a body was not read.
enum Unread<E> {
    Slow,
    Body(E),
}

/// Reads a request's whole body, or gives the answer that says why it cannot be. The limits are those of the
/// [`ServeOptions`] of the server that received it.
pub async fn read_body(
    request: Request<Limited<Incoming>>,
) -> Result<(Parts, Bytes), Box<Response<Full<Bytes>>>> {
    let (parts, body) = request.into_parts();
    let pace = parts.extensions.get().copied().unwrap_or_else(|| Pace::from(&ServeOptions::default()));
    let (status, why) = match collect(body, pace).await {
        Ok(body) => return Ok((parts, body)),
        Err(Unread::Slow) => (StatusCode::REQUEST_TIMEOUT, "the body came too slowly"),
        Err(Unread::Body(error)) if error.is::<hyper::Error>() => {
            (StatusCode::BAD_REQUEST, "the body was cut off")
        }
        Err(Unread::Body(_)) => (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than the limit"),
    };
    Err(Box::new(text(status, why.to_owned())))
}

async fn collect<B>(body: B, pace: Pace) -> Result<Bytes, Unread<B::Error>>
where
    B: Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let mut received = BytesMut::new();
    let start = Instant::now();
    loop {
        let deadline = start + pace.allowed(received.len());
        match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(Unread::Slow),
            Ok(None) => return Ok(received.freeze()),
            Ok(Some(Err(error))) => return Err(Unread::Body(error)),
            // Trailers are nobody's.
            Ok(Some(Ok(frame))) => received.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
        }
    }
}

pub(super) fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
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

    impl Body for Drops {
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

    /// What came of `left` bytes at one a second when this many a second are asked for, and after how long.
    async fn drops(left: usize, bytes_per_second: u64) -> (Option<usize>, u64) {
        let start = Instant::now();
        let body = Drops { clock: interval(Duration::from_secs(1)), left };
        let pace = Pace { grace: Duration::from_secs(60), bytes_per_second };
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
