use std::sync::Arc;

use seaworthy::prelude::*;

#[derive(Clone, Debug)]
pub struct App {
    names: Arc<Vec<String>>,
    #[cfg(unix)]
    limit: u16,
    _other_limit: u16,
}

impl ::seaworthy::axum::extract::FromRef<App> for Arc<Vec<String>> {
    fn from_ref(state: &App) -> Self {
        <Arc<Vec<String>> as ::std::clone::Clone>::clone(&state.names)
    }
}

#[cfg(unix)]
impl ::seaworthy::axum::extract::FromRef<App> for u16 {
    fn from_ref(state: &App) -> Self {
        <u16 as ::std::clone::Clone>::clone(&state.limit)
    }
}
