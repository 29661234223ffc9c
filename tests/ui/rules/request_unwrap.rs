use std::collections::HashMap;

use seaworthy::axum::{body::Bytes, extract::Query as Params, http::HeaderMap};
use seaworthy::prelude::*;

#[handler]
async fn mistake(Path(id): Path<String>) -> String {
    let id: u32 = id.parse().unwrap();
    id.to_string()
}

#[handler]
async fn by_alias(Params(query): Params<HashMap<String, String>>) -> String {
    query.get("page").expect("a page").clone()
}

#[handler]
async fn inside_of_macro(headers: HeaderMap) -> String {
    format!("{:?}", headers["authorization"])
}

#[handler]
async fn by_a_function(body: Bytes) -> String {
    std::str::from_utf8(&body).unwrap().to_owned()
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, by_a_function);
}
