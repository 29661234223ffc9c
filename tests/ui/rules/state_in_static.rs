seaworthy::audit!();

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{LazyLock, Mutex, RwLock as Lock},
};

use seaworthy::prelude::*;

static SESSIONS: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);

static BY_ALIAS: Lock<Vec<String>> = Lock::new(Vec::new());

type Orders = tokio::sync::Mutex<Vec<u64>>;

static BY_TYPE: LazyLock<Orders> = LazyLock::new(Orders::default);

pub static mut COUNT: u64 = 0;

thread_local! {
    static OF_THREAD: RefCell<HashMap<String, u64>> = RefCell::default();
}

#[handler]
async fn inside_of_function() -> String {
    tokio::join!(async {
        static LAST: Mutex<Option<String>> = Mutex::new(None);
        LAST.lock().unwrap().clone().unwrap_or_default()
    })
    .0
}

fn main() {
    _ = inside_of_function();
    _ = (&SESSIONS, &BY_ALIAS, &BY_TYPE, &OF_THREAD);
}
