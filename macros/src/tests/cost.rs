//! What the attributes cost whoever compiles: the shortest of many runs, in a build of the macros without optimization,
//! as cargo makes it. `cargo test -p seaworthy-macros cost -- --nocapture` prints the figures.
//!
//! What counts is the time of the thread on its core, not that in which it waits for one.

use std::{fs, path::Path, time::Duration};

use proc_macro2::TokenStream;
use quote::quote;
use rustix::time::{ClockId, clock_gettime};

use super::quiet;
use crate::{
    code::{File, within},
    errors::Errors,
    rules::Crate,
};

/// How often each is measured.
const RUNS: u32 = 50;

/// Prints the shortest time, and refuses twice the budget: a slower machine is no mistake.
fn shortest(what: &str, budget: Duration, mut run: impl FnMut()) {
    let _quiet = quiet();
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let time = |_| {
        let start = now();
        run();
        now() - start
    };
    let shortest = (0..RUNS).map(time).min().unwrap();
    println!("{what}: {shortest:?} of {budget:?}");
    assert!(shortest < 2 * budget, "{what} takes {shortest:?}, and its budget is {budget:?}");
}

#[test]
fn a_handler_costs_about_300_microseconds_at_most() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hello/src/main.rs");
    let source = fs::read_to_string(&path).unwrap();
    let file = syn::parse_file(&source).unwrap();
    let item = file.items.into_iter().find(|item| matches!(item, syn::Item::Fn(item) if item.sig.ident == "hello"));
    let syn::Item::Fn(mut function) = item.unwrap() else { panic!() };
    function.attrs.clear();
    let handler = quote!(#function);
    within(File::new(source, &path).unwrap(), || {
        shortest("a handler", Duration::from_micros(300), || {
            crate::handler::expand(TokenStream::new(), handler.clone());
        });
    });
}

#[test]
fn the_view_of_this_workspace_costs_about_100_milliseconds_at_most() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let roots = [
        "examples/hello/src/main.rs",
        "examples/hello-by-hand/src/main.rs",
        "macros/src/lib.rs",
        "runtime/src/lib.rs",
        "tests/fixture/main.rs",
    ];
    let crates = || roots.map(|path| Crate::read(&root.join(path)));
    let lines: usize = crates().iter().map(Crate::lines).sum();
    println!("{lines} lines");
    assert!(lines > 10_000, "{lines}");
    shortest("the view of this workspace", Duration::from_millis(100), || {
        for audited in crates() {
            audited.audit(&mut Errors::default());
        }
    });
}
