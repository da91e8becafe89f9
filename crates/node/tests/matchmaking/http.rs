//! HTTP/1.1 by hand, so that the tests see the bytes: one request on one connection, and peers that
//! answer as a test says.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

/// What came back.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Sends `METHOD PATH` with these headers and reads the answer to its end.
#[track_caller]
pub fn send(address: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    announce(address, line, headers, body.len(), body)
}

/// The same with a length that need not be the body's.
#[track_caller]
pub fn announce(
    address: &str,
    line: &str,
    headers: &[(&str, &str)],
    length: usize,
    body: &[u8],
) -> Response {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let mut head = format!("{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    headers
        .iter()
        .for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    head.push_str(&format!("Content-Length: {length}\r\n\r\n"));
    stream
        .write_all(head.as_bytes())
        .expect("the head is taken");
    // Who refuses a body may close before it has all of it.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    Response {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// A request that a fake peer got.
#[derive(Clone)]
pub struct Seen {
    pub at: Instant,
    pub head: String,
    pub body: String,
}

/// A peer that answers every request in one way.
pub struct Fake {
    pub address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    pub fn start(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        // It ends with the test.
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if let Some(request) = read(&mut stream) {
                    kept.lock().expect("no test failed here").push(request);
                }
                answer(&mut stream);
            }
        });
        Self { address, seen }
    }

    /// Answers with this status, these header lines and this body.
    pub fn answering(status: u16, lines: &str, body: Vec<u8>) -> Self {
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{lines}Connection: close\r\n\r\n",
            body.len()
        );
        Self::start(move |stream| {
            // Who has read enough closes.
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
        })
    }

    /// Takes the request and says nothing until the other side gives up.
    pub fn hanging() -> Self {
        Self::start(|stream| {
            let _ = stream.read(&mut [0]);
        })
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test failed here").clone()
    }
}

fn read(stream: &mut TcpStream) -> Option<Seen> {
    let at = Instant::now();
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        take(stream, &mut bytes)?;
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        if name.eq_ignore_ascii_case("content-length") {
            value.parse::<usize>().ok()
        } else {
            None
        }
    });
    while bytes.len() < head + length.unwrap_or(0) {
        take(stream, &mut bytes)?;
    }
    Some(Seen {
        at,
        head: text,
        body: String::from_utf8(bytes[head..].to_vec()).ok()?,
    })
}

fn take(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 4096];
    let count = stream.read(&mut piece).ok().filter(|&count| count > 0)?;
    bytes.extend_from_slice(&piece[..count]);
    Some(())
}
