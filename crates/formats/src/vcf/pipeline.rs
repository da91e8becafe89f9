//! Reading in parallel. Workers take chunks in turn, inflate them, learn from the chunk before
//! where their first record starts, and encode; the calling thread puts the results in order and
//! hands them out. At most a few chunks for each thread are in memory, whatever the file's size.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use libdeflater::Decompressor;

use super::{
    Progress, ReadOptions, ReadReport, Source, VariantBatch,
    encoder::{Encoded, Encoder, LocalProblem},
    framing::{self, Fault, Framing},
    header::Header,
    order::Order,
};
use crate::{
    ReadError, ReadFailure,
    text::{CHUNK, Chunk, Input},
};

/// Chunks that may be under way for each thread.
const AHEAD: u64 = 3;

/// What the threads share.
struct Shared<'a> {
    header: &'a Header,
    framing: Framing,
    path: &'a Path,
    feed: Mutex<Feed>,
    /// The number of the next chunk to be cut into records, and what is carried to it.
    carry: Mutex<(u64, Vec<u8>)>,
    carried: Condvar,
    /// Chunks handed out so far.
    emitted: Mutex<u64>,
    moved: Condvar,
    /// Chunks that may be under way.
    window: u64,
    ended: AtomicBool,
}

/// The file and the number of its next chunk.
struct Feed {
    input: Input,
    next: u64,
    exhausted: bool,
}

/// What a worker made of a chunk.
struct Outcome {
    number: u64,
    last: bool,
    result: Result<Encoded, ReadError>,
}

pub(super) fn run<E>(
    source: Source,
    options: &ReadOptions<'_>,
    sink: &mut dyn FnMut(VariantBatch) -> Result<(), E>,
) -> Result<ReadReport, ReadFailure<E>> {
    let Source {
        path,
        header,
        framing,
        input,
        carry,
    } = source;
    let (read, total) = input.progress();
    let threads = options.threads.max(1);
    let shared = Shared {
        header: &header,
        framing,
        path: &path,
        feed: Mutex::new(Feed {
            input,
            next: 0,
            exhausted: false,
        }),
        carry: Mutex::new((0, carry)),
        carried: Condvar::new(),
        emitted: Mutex::new(0),
        moved: Condvar::new(),
        window: AHEAD * threads as u64,
        ended: AtomicBool::new(false),
    };
    let mut collector = Collector::new(&shared, options, sink);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads {
            let (sender, shared) = (sender.clone(), &shared);
            scope.spawn(move || shared.work(options, &sender));
        }
        drop(sender);
        let progress = || {
            let bytes = read.load(Ordering::Relaxed).min(total);
            (options.progress)(Progress { bytes, total });
        };
        let result = collector.collect(&receiver, &progress);
        shared.end();
        result
    })?;
    Ok(collector.report)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared<'_> {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Lets every thread end. A thread that waits holds the lock while it looks at `ended`: with
    /// the locks taken here, none can miss the call.
    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        drop(lock(&self.carry));
        self.carried.notify_all();
        drop(lock(&self.emitted));
        self.moved.notify_all();
    }

    fn work(&self, options: &ReadOptions<'_>, sender: &mpsc::Sender<Outcome>) {
        let mut encoder = Encoder::new(
            self.header,
            self.framing,
            &options.blocks,
            options.reference,
        );
        let (mut decompressor, mut buffer) = (Decompressor::new(), Vec::new());
        while let Some((number, chunk)) = self.take() {
            let last = matches!(chunk, Ok(None));
            let result = chunk.and_then(|chunk| {
                buffer.clear();
                if chunk.is_some_and(|chunk| !chunk.inflate(&mut decompressor, &mut buffer)) {
                    return Err(ReadError::corrupt(
                        self.path,
                        "a bgzf block does not inflate to what it should",
                    ));
                }
                self.encode(number, last, &buffer, &mut encoder)
            });
            let Some(result) = result.transpose() else {
                return;
            };
            if sender
                .send(Outcome {
                    number,
                    last,
                    result,
                })
                .is_err()
            {
                return;
            }
        }
    }

    /// The next chunk once there is room for it; after the last, an empty one that ends the file.
    fn take(&self) -> Option<(u64, Result<Option<Chunk>, ReadError>)> {
        let mut feed = lock(&self.feed);
        if feed.exhausted || !self.wait_for_room(feed.next) {
            return None;
        }
        let chunk = feed.input.next_chunk(CHUNK);
        feed.exhausted = !matches!(chunk, Ok(Some(_)));
        feed.next += 1;
        Some((feed.next - 1, chunk))
    }

    fn wait_for_room(&self, number: u64) -> bool {
        let mut emitted = lock(&self.emitted);
        while number >= *emitted + self.window {
            if self.has_ended() {
                return false;
            }
            emitted = self
                .moved
                .wait(emitted)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !self.has_ended()
    }

    /// Cuts a chunk into records once the chunk before has been, and encodes them. `None` if the
    /// reading ended.
    fn encode(
        &self,
        number: u64,
        last: bool,
        chunk: &[u8],
        encoder: &mut Encoder<'_>,
    ) -> Result<Option<Encoded>, ReadError> {
        let Some(parts) = self.cut(number, last, chunk)? else {
            return Ok(None);
        };
        encoder.encode(&parts.straddling)?;
        encoder.encode(&chunk[parts.body])?;
        Ok(Some(encoder.finish()))
    }

    fn cut(
        &self,
        number: u64,
        last: bool,
        chunk: &[u8],
    ) -> Result<Option<framing::Parts>, ReadError> {
        let mut carry = lock(&self.carry);
        while carry.0 != number {
            if self.has_ended() {
                return Ok(None);
            }
            carry = self
                .carried
                .wait(carry)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let carried = std::mem::take(&mut carry.1);
        let mut parts =
            framing::split(self.framing, carried, chunk, last).map_err(|fault| match fault {
                Fault::Truncated(what) => ReadError::truncated(self.path, what),
                Fault::Corrupt(what) => ReadError::corrupt(self.path, what),
            })?;
        *carry = (number + 1, std::mem::take(&mut parts.tail));
        self.carried.notify_all();
        Ok(Some(parts))
    }
}

/// Puts the workers' results in order.
struct Collector<'a, 'o, E> {
    shared: &'a Shared<'a>,
    options: &'a ReadOptions<'o>,
    sink: &'a mut dyn FnMut(VariantBatch) -> Result<(), E>,
    report: ReadReport,
    order: Order,
    /// Lines before the chunk at hand; records in BCF.
    lines: u64,
}

impl<'a, 'o, E> Collector<'a, 'o, E> {
    fn new(
        shared: &'a Shared<'a>,
        options: &'a ReadOptions<'o>,
        sink: &'a mut dyn FnMut(VariantBatch) -> Result<(), E>,
    ) -> Self {
        let report = ReadReport {
            problems: shared.header.problems.clone(),
            ..ReadReport::default()
        };
        let lines = match shared.framing {
            Framing::Lines => shared.header.lines,
            Framing::Records => 0,
        };
        Self {
            shared,
            options,
            sink,
            report,
            order: Order::default(),
            lines,
        }
    }

    fn collect(
        &mut self,
        outcomes: &mpsc::Receiver<Outcome>,
        progress: &dyn Fn(),
    ) -> Result<(), ReadFailure<E>> {
        let (mut waiting, mut next) = (BTreeMap::new(), 0);
        for outcome in outcomes {
            waiting.insert(outcome.number, outcome);
            while let Some(outcome) = waiting.remove(&next) {
                if self.options.stop.load(Ordering::Relaxed) {
                    return Err(ReadFailure::Stopped);
                }
                self.emit(outcome.result?)?;
                progress();
                if outcome.last {
                    return Ok(());
                }
                next += 1;
                *lock(&self.shared.emitted) = next;
                self.shared.moved.notify_all();
            }
        }
        // Only a panic of a worker leads here, which the scope passes on.
        Err(ReadFailure::Stopped)
    }

    fn emit(&mut self, mut chunk: Encoded) -> Result<(), ReadFailure<E>> {
        let (before, path) = (self.lines, self.shared.path);
        self.lines += chunk.lines;
        for run in chunk.runs.drain(..) {
            let line = run.line;
            if let Some(message) = self.order.add(run) {
                chunk.problems.push(LocalProblem {
                    line,
                    message: message.into(),
                    note: true,
                });
            }
        }
        chunk.problems.sort_by_key(|problem| problem.line);
        let problems = &mut self.report.problems;
        for LocalProblem {
            line,
            message,
            note,
        } in chunk.problems
        {
            if note {
                problems.note(path, before + line, message)
            } else {
                problems.push(path, before + line, message)
            }
        }
        problems.add_unkept(chunk.unkept);
        self.report.records += chunk.records;
        self.report.skipped += chunk.skipped;
        self.report.variants += chunk.batch.variants.len() as u64;
        if chunk.batch.variants.is_empty() {
            return Ok(());
        }
        chunk
            .batch
            .variants
            .iter_mut()
            .for_each(|variant| variant.line += before);
        (self.sink)(chunk.batch).map_err(ReadFailure::Sink)
    }
}
