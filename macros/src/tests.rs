//! Compares what the attributes write with the snapshots in `tests/expand`, which are compiled there.
//!
//! No item is longer than 25 lines. `UPDATE_EXPECT=1 cargo test -p seaworthy-macros` writes them anew.

mod cost;
mod half_typed;

use std::{
    collections::BTreeSet,
    env, fs,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, File, Item, ItemMod, Meta, Path, Token, punctuated::Punctuated};

const LONGEST: usize = 25;

/// Held by a test that measures, and by each that takes all cores.
pub(crate) fn quiet() -> MutexGuard<'static, ()> {
    static QUIET: Mutex<()> = Mutex::new(());
    QUIET.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn expansions_are_as_committed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand");
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

/// A variable of a service that the runtime reads itself would be read twice.
#[test]
fn every_setting_of_the_runtime_is_reserved() {
    let variables = format!("{:?}", <seaworthy::config::Settings as seaworthy::Config>::VARIABLES);
    let names: Vec<_> = variables.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(names.contains(&"HTTP_ADDR"), "no names in {variables}");
    for name in names {
        assert!(crate::config::is_reserved(name), "{name} is not in `config::names`");
    }
}

/// What the macros say of a shutdown, the runtime does.
#[test]
fn the_times_of_a_shutdown_are_those_of_the_runtime() {
    use crate::rules::{DRAIN, GRACE, LAME_DUCK, REST};

    let read = |grace: std::time::Duration| {
        let grace = format!("{}ms", grace.as_millis());
        let variables = [("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("TERMINATION_GRACE", &grace)];
        seaworthy::config::Settings::read(&variables.into_iter().collect())
    };
    let settings = read(GRACE).unwrap();
    assert_eq!([settings.lame_duck, settings.drain_timeout], [LAME_DUCK, DRAIN]);
    assert_eq!(seaworthy::config::Settings::default().termination_grace, GRACE);
    let longest = LAME_DUCK + DRAIN + REST;
    assert!(read(longest).is_ok());
    assert!(read(longest - std::time::Duration::from_millis(1)).is_err());
}

/// What the macros say of a check, the runtime does.
#[test]
fn the_times_of_a_check_are_those_of_the_runtime() {
    let check = format!("{:?}", seaworthy::Check::new("", ""));
    let expected = format!("every: {:?}, timeout: {:?}", crate::check::EVERY, crate::rules::CHECK_TIMEOUT);
    assert!(check.contains(&expected), "{check}");
}

/// A default that the macro lets pass, the runtime reads.
#[test]
fn a_size_is_one_for_the_macros_and_for_the_runtime() {
    let numbers = ["", "0", "1", " 17 ", "1.5", "-1", "18446744073709551615", "18446744073709551616", "x"];
    let units = ["", "B", "k", "kB", "KB", "kb", "Ki", "KiB", "M", "MB", "Mi", "MiB", "G", "GB", "Gi", "GiB"];
    for number in numbers {
        for unit in units.into_iter().chain(["T", "TB", "Ti", "TiB", "Pi", "s", " MiB ", "MiB 1"]) {
            let text = format!("{number}{unit}");
            let read = text.parse::<seaworthy::config::ByteSize>().is_ok();
            assert_eq!(crate::config::is_size(&text), read, "`{text}`");
        }
    }
}

/// The file as `cargo expand` shows it, with a blank line between two items.
fn expand_file(source: &str) -> String {
    let file = syn::parse_file(source).unwrap();
    let mut shown = Vec::new();
    for item in file.items.into_iter().flat_map(expand_item) {
        let text = print(item);
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{lines} lines, and {LONGEST} are allowed:\n{text}");
        shown.push(text);
    }
    shown.join("\n")
}

/// The items of a file as they are expanded, mistakes and all.
pub(crate) fn expand_items(source: &str) -> String {
    let file = syn::parse_file(source).unwrap();
    let items = file.items.into_iter().flat_map(with_those_inside).flat_map(expand_item);
    items.map(|item| item.into_token_stream().to_string()).collect::<Vec<_>>().join(" ")
}

/// The items of a module, and of those in it; any other item itself.
fn with_those_inside(item: Item) -> Vec<Item> {
    match item {
        Item::Mod(ItemMod { content: Some((_, items)), .. }) => items.into_iter().flat_map(with_those_inside).collect(),
        item => vec![item],
    }
}

/// What one item becomes: itself, where it has none of our attributes.
fn expand_item(mut item: Item) -> Vec<Item> {
    let Some(attributes) = attributes(&mut item) else {
        return vec![item];
    };
    let Some(ours) = attributes.iter().position(|attribute| name(attribute).is_some()) else {
        return vec![item];
    };
    let ours = attributes.remove(ours);
    let expanded = match name(&ours).unwrap_or_default().as_str() {
        "derive" => {
            let impls = crate::from_ref::expand(quote!(#item));
            let item = without_from_ref(item, &ours);
            quote!(#item #impls)
        }
        name => expand(name, arguments(&ours), quote!(#item)),
    };
    let file: File = syn::parse2(expanded).unwrap();
    file.items
}

/// What an attribute of ours makes of an item.
fn expand(attribute: &str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    match attribute {
        "cloud_service" => crate::cloud_service::expand(arguments, item),
        "config" => crate::config::expand(arguments, item),
        "handler" => crate::handler::expand(arguments, item),
        "health" => crate::check::health(arguments, item),
        "ready" => crate::check::ready(arguments, item),
        "command" => crate::command::expand(arguments, item),
        "worker" => crate::worker::expand(arguments, item),
        other => unreachable!("{other}"),
    }
}

/// What stands in the parentheses of an attribute.
fn arguments(attribute: &Attribute) -> TokenStream {
    match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    }
}

fn attributes(item: &mut Item) -> Option<&mut Vec<Attribute>> {
    match item {
        Item::Fn(item) => Some(&mut item.attrs),
        Item::Struct(item) => Some(&mut item.attrs),
        _ => None,
    }
}

/// The name of an attribute of ours; `derive` where it derives `FromRef`.
fn name(attribute: &Attribute) -> Option<String> {
    const OURS: [&str; 7] = ["cloud_service", "command", "config", "handler", "health", "ready", "worker"];
    let name = attribute.path().get_ident()?.to_string();
    let derives = name == "derive" && attribute.to_token_stream().to_string().contains("FromRef");
    (OURS.contains(&name.as_str()) || derives).then_some(name)
}

/// The struct as the compiler leaves it: with the other derives, and without the attributes of ours.
fn without_from_ref(item: Item, derive: &Attribute) -> Item {
    let Item::Struct(mut item) = item else {
        return item;
    };
    let derived = derive.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap();
    let others: Vec<_> = derived.iter().filter(|path| !path.is_ident("FromRef")).collect();
    item.attrs.push(syn::parse_quote!(#[derive(#(#others),*)]));
    for field in &mut item.fields {
        field.attrs.retain(|attribute| !attribute.path().is_ident("from_ref"));
    }
    Item::Struct(item)
}

fn print(item: Item) -> String {
    prettyplease::unparse(&File { shebang: None, frontmatter: None, attrs: Vec::new(), items: vec![item] })
}

/// Whoever audits a service reads these before anything else.
#[test]
fn the_macros_depend_on_nothing_but_darling_and_what_it_needs() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let tree = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--locked", "--edges=normal", "--prefix=none", "--format={lib}", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: BTreeSet<_> =
        tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).collect();
    let expected = [
        "darling",
        "darling_core",
        "darling_macro",
        "ident_case",
        "proc_macro2",
        "quote",
        "seaworthy_macros",
        "strsim",
        "syn",
        "unicode_ident",
    ];
    assert_eq!(crates, BTreeSet::from(expected));
    let of_darling = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    let (_, of_darling) = of_darling.split_once("name = \"darling_core\"\nversion = \"0.24").unwrap();
    let (of_darling, _) = of_darling.split_once("\n\n").unwrap();
    assert!(of_darling.contains("\"strsim\""), "strsim is not what darling brings: {of_darling}");
}
