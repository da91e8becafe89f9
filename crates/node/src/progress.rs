//! Progress on standard error, a bar with an estimate where that is a terminal; and how long each
//! stage took.

use std::{
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// One piece of long work, in named stages.
pub struct Stages {
    bar: Option<ProgressBar>,
    prefix: String,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    stage: String,
    since: Option<Instant>,
    /// Stages that ended, in the order in which they began.
    ended: Vec<(String, Duration)>,
}

impl Current {
    /// Ends the stage that runs and begins the next one.
    fn begin(&mut self, stage: &str) {
        let ended = std::mem::replace(&mut self.stage, stage.to_owned());
        let Some(since) = self.since.replace(Instant::now()) else {
            return;
        };
        let took = since.elapsed();
        match self.ended.iter_mut().find(|(known, _)| *known == ended) {
            Some((_, before)) => *before += took,
            None => self.ended.push((ended, took)),
        }
    }
}

impl Stages {
    /// `prefix` says whose work it is; quiet where standard error is no terminal and `--json` is
    /// on.
    pub fn new(prefix: impl Into<String>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            bar: terminal.then(bar),
            prefix: prefix.into(),
            current: Mutex::default(),
        }
    }

    /// Reports that `done` of `total` units of `stage` are done. Threads may call it at any rate.
    pub fn update(&self, stage: &str, done: u64, total: u64) {
        let Ok(mut current) = self.current.lock() else {
            return;
        };
        if current.stage != stage {
            current.begin(stage);
            if let Some(bar) = &self.bar {
                bar.reset();
                bar.set_message(format!("{} {stage}", self.prefix));
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_length(total.max(1));
            bar.set_position(done);
        }
    }

    /// How long each stage took, in the order in which they began.
    pub fn took(&self) -> Vec<(String, Duration)> {
        let Ok(mut current) = self.current.lock() else {
            return Vec::new();
        };
        current.begin("");
        current.since = None;
        current.ended.clone()
    }

    /// Ends the work and removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.finish();
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:40} [{bar:30}] {percent:>3}% {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = ProgressBar::new(1).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
