#![deny(warnings)]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use seaworthy::{axum::http::HeaderMap, prelude::*};
use serde_json::Value;

#[handler(allow(SW020, reason = "the route takes digits only"))]
async fn allowed(Path(id): Path<String>) -> String {
    id.parse::<u32>().unwrap().to_string()
}

/// What was asked before, what can't fail, and what is not the request's.
#[handler]
async fn innocent(
    State(counts): State<Arc<Mutex<Vec<u32>>>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    Json(value): Json<Value>,
) -> Result<String, StatusCode> {
    let count = counts.lock().unwrap().first().copied().unwrap();
    let page: u32 = query.get("page").and_then(|page| page.parse().ok()).ok_or(StatusCode::BAD_REQUEST)?;
    let agent = if headers.contains_key("user-agent") { headers["user-agent"].to_str().unwrap_or("") } else { "" };
    let name = value["name"].as_str().unwrap_or_default().split(' ').next().unwrap();
    let json = serde_json::to_string(&value).unwrap();
    Ok(format!("{count} {page} {agent} {name} {json}"))
}

fn main() {
    _ = (allowed, innocent);
}
