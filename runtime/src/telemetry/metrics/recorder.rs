//! The recorder of this process and its page.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use metrics::Key;
use tokio::runtime::Handle;

use super::{accept::Format, cells, exposition, process, registry::Registry, runtime::Watched};

static REGISTRY: Registry = Registry::new();
static RUNTIME: Watched = Watched::none();

/// Whether what the facade records comes here.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Installs the recorder; an error says what it means that another one is there.
pub(super) fn install() -> Result<(), String> {
    let installed = metrics::set_global_recorder(&REGISTRY);
    INSTALLED.store(installed.is_ok(), Ordering::Release);
    installed.map_err(|_| {
        "another recorder of metrics is installed in this process: `/metrics` has those of the process alone".to_owned()
    })
}

/// The histogram of this key, if it is this recorder that has it.
pub(super) fn own_histogram(key: &Key) -> Option<Arc<cells::Histogram>> {
    if !INSTALLED.load(Ordering::Acquire) {
        return None;
    }
    REGISTRY.histogram(key)
}

/// Reads what is read only when somebody asks.
pub(super) fn collect() {
    process::collect(&REGISTRY);
    RUNTIME.collect(&REGISTRY);
    #[cfg(feature = "postgres")]
    super::scrape::READERS.call();
}

/// Watches this runtime in place of the one before.
pub(super) fn watch_runtime(runtime: &Handle) {
    RUNTIME.watch(runtime);
}

/// The page for a scraper that sent this as `Accept`, and its content type.
pub(super) fn page(accept: Option<&str>) -> (&'static str, String) {
    let format = Format::choose(accept);
    collect();
    (format.content_type(), exposition::render(&REGISTRY.families(), format))
}
