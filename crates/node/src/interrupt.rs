//! Ctrl-C. The first one asks everything to stop at the next safe point; a second one ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};

static STOP: AtomicBool = AtomicBool::new(false);

/// Starts to listen for Ctrl-C and for a supervisor's SIGTERM.
pub fn install() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            wait_for_signal().await;
            STOP.store(true, Ordering::SeqCst);
            wait_for_signal().await;
            std::process::exit(130);
        });
    });
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// The flag that long work looks at.
pub fn flag() -> &'static AtomicBool {
    &STOP
}

/// Asks everything to stop, as Ctrl-C does.
pub fn request() {
    STOP.store(true, Ordering::SeqCst);
}

/// An error where somebody asked to stop.
pub fn check() -> Result<()> {
    if STOP.load(Ordering::SeqCst) {
        bail!("stopped; nothing was left half-done");
    }
    Ok(())
}

/// Waits until somebody asks to stop.
pub async fn requested() {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(50));
    while !STOP.load(Ordering::SeqCst) {
        ticks.tick().await;
    }
}
