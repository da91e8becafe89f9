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
            note!("error: stopped at once");
            std::process::exit(1);
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

/// Whether somebody asked to stop.
pub fn is_requested() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// An error where somebody asked to stop.
pub fn check() -> Result<()> {
    if is_requested() {
        bail!("stopped");
    }
    Ok(())
}

/// Waits until somebody asks to stop.
pub async fn requested() {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(50));
    while !is_requested() {
        ticks.tick().await;
    }
}
