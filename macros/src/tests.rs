//! Compares what the attributes write with the snapshots in `tests/expand`, which are compiled there.
//!
//! `UPDATE_EXPECT=1 cargo test -p seaworthy-macros` writes them anew.

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, File, Item, Meta};

const LONGEST: usize = 25;

#[test]
fn expansions_are_as_committed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand");
    let mut differing = Vec::new();
    let mut compared = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let input = entry.unwrap().path();
        let name = input.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = name.strip_suffix(".in.rs") else {
            continue;
        };
        let expanded = expand_file(&fs::read_to_string(&input).unwrap());
        let snapshot = folder.join(format!("{name}.out.rs"));
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&snapshot, &expanded).unwrap();
        }
        if fs::read_to_string(&snapshot).unwrap_or_default() != expanded {
            println!("{name}.out.rs would be\n\n{expanded}");
            differing.push(name.to_owned());
        }
        compared += 1;
    }
    assert!(compared > 0, "no snapshots");
    assert!(differing.is_empty(), "differ from their snapshots: {differing:?}; UPDATE_EXPECT=1 writes them anew");
}

/// The file as `cargo expand` shows it, a blank line between two items.
fn expand_file(source: &str) -> String {
    let file = syn::parse_file(source).unwrap();
    let mut shown = Vec::new();
    for item in file.items {
        let (written, items) = expand_item(item);
        for item in items {
            let text = print(item.clone());
            let lines = text.lines().count();
            assert!(is_users(&item, &written) || lines <= LONGEST, "{lines} lines, at most {LONGEST}:\n{text}");
            shown.push(text);
        }
    }
    shown.join("\n")
}

/// The names that the user wrote in the item, and what the item becomes.
fn expand_item(mut item: Item) -> (String, Vec<Item>) {
    let written = item.to_token_stream().to_string();
    let Some((name, arguments)) = take_attribute(&mut item) else {
        return (written, vec![item]);
    };
    let expanded = match name.as_str() {
        "FromRef" => {
            let parts = crate::from_ref::expand(quote!(#item));
            remove_from_ref(&mut item);
            quote!(#item #parts)
        }
        "cloud_service" => crate::cloud_service::expand(arguments, quote!(#item)),
        "config" => crate::config::expand(arguments, quote!(#item)),
        "handler" => crate::handler::expand(arguments, quote!(#item)),
        "health" => crate::check::health(arguments, quote!(#item)),
        "ready" => crate::check::ready(arguments, quote!(#item)),
        "worker" => crate::worker::expand(arguments, quote!(#item)),
        other => unreachable!("{other}"),
    };
    let file: File = syn::parse2(expanded).unwrap();
    (written, file.items)
}
