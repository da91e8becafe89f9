//! Ctrl-C. The first one asks everything to stop at the next safe point; a second one ends the
//! process at once.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Result, bail};

static STOP: AtomicBool = AtomicBool::new(false);

/// What must not outlive the process, also where it ends at once.
static DELETED_AT_ONCE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Starts to listen for Ctrl-C and for a supervisor's SIGTERM.
pub fn install() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            wait_for_signal().await;
            STOP.store(true, Ordering::SeqCst);
            wait_for_signal().await;
            delete_at_once();
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

/// Names a folder that is deleted when a second Ctrl-C ends the process and nothing else is dropped
/// any more.
pub fn delete_when_stopped_at_once(folder: &Path) {
    *DELETED_AT_ONCE
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Some(folder.to_owned());
}

/// Tries twice, because what still runs may make a file while its folder is emptied.
fn delete_at_once() {
    let folder = DELETED_AT_ONCE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(folder) = folder
        && fs::remove_dir_all(&folder).is_err()
        && fs::remove_dir_all(&folder).is_err()
        && folder.exists()
    {
        note!(
            "warning: {} could not be deleted; delete it by hand",
            folder.display()
        );
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
