use std::sync::Arc;

use seaworthy::prelude::*;

#[derive(Clone, Debug, FromRef)]
pub struct App {
    names: Arc<Vec<String>>,
    #[cfg(unix)]
    limit: u16,
    #[from_ref(skip)]
    _other_limit: u16,
}
