seaworthy::audit!();

use seaworthy::prelude::*;

#[handler(allow(SW004))]
async fn no_reason() {
    tokio::spawn(async {});
}

#[handler(allow(SW004, reason = " "))]
async fn empty_reason() {
    tokio::spawn(async {});
}

#[handler(allow)]
async fn nothing() {}

#[handler(allow(SW04, reason = "close"), allow(detached_task, reason = "the name"), allow(E0308, reason = "no rule"))]
async fn unknown() {}

#[handler(allow(SW001, reason = "not possible"))]
async fn absolute() {}

#[handler(alow(SW004, reason = "misspelt"))]
async fn misspelt() {}

#[config(env)]
struct Config {
    #[config(allow(SW006))]
    csrf_token: String,
}

fn by_comment() {
    // seaworthy: allow(SW004)
    tokio::spawn(async {});
    // seaworthy: allow(SW999) no rule
    // seaworthy: permit(SW004) no comment of ours
}

fn main() {
    by_comment();
    _ = (no_reason(), empty_reason(), nothing(), unknown(), absolute(), misspelt());
}
