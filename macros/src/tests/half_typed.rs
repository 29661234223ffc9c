//! What an editor sees: the functions of `examples/hello`, cut at every token of their bodies.
//!
//! The function and its type are always there, nothing panics, and the compiler finds no more mistakes than in the same
//! function without the attribute.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Item, ItemFn};

use super::{arguments, expand, name, quiet};

/// One annotated function, half typed.
struct Cut {
    /// Of the function.
    name: String,
    attribute: String,
    arguments: TokenStream,
    /// What the macro is given.
    function: TokenStream,
    body: TokenStream,
    /// Everything else in the file.
    others: TokenStream,
}

#[test]
fn a_half_typed_function_stays_with_its_type() {
    let cuts = cuts();
    assert!(cuts.len() > 90, "{} cuts", cuts.len());
    for cut in cuts {
        let expanded = cut.expand().to_string();
        let (name, body) = (&cut.name, cut.body.to_string());
        for part in [format!("fn {name} ("), format!("enum {name} {{ }}"), body] {
            assert!(expanded.contains(&part), "`{part}` is missing from\n{expanded}");
        }
        assert!(!expanded.contains("compile_error"), "{expanded}");
    }
}

#[test]
fn the_compiler_finds_no_more_mistakes_in_a_half_typed_function_than_without_the_attribute() {
    let _quiet = quiet();
    let compiler = Compiler::find();
    let cuts = cuts();
    let worse: Vec<String> = thread::scope(|scope| {
        let halves = cuts.chunks(cuts.len().div_ceil(thread::available_parallelism().map_or(2, usize::from)));
        let texts = halves.map(|half| half.iter().map(Cut::texts).collect::<Vec<_>>());
        let workers: Vec<_> = texts
            .enumerate()
            .map(|(number, texts)| {
                scope.spawn({
                    let compiler = &compiler;
                    move || compiler.compare(number, &texts)
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(worse.is_empty(), "{}", worse.join("\n\n"));
}

// === Cuts ===

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hello/src/main.rs")
}

/// Every annotated function of the example, cut after each token of its body.
fn cuts() -> Vec<Cut> {
    let mut file = syn::parse_file(&fs::read_to_string(example()).unwrap()).unwrap();
    file.items.retain(|item| !matches!(item, Item::Mod(_)));
    let mut cuts = Vec::new();
    for (index, item) in file.items.iter().enumerate() {
        let Item::Fn(ItemFn { attrs, vis, sig, block, .. }) = item else { continue };
        let Some(ours) = attrs.iter().find(|attribute| name(attribute).is_some()) else { continue };
        let attributes = attrs.iter().filter(|attribute| *attribute != ours);
        let head = quote!(#(#attributes)* #vis #sig);
        let others = file.items.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, item)| item);
        let others = quote!(#(#others)*);
        let TokenTree::Group(body) = block.to_token_stream().into_iter().next().unwrap() else { panic!() };
        for length in 0..=count(body.stream()) {
            let body = Group::new(Delimiter::Brace, first(body.stream(), &mut { length })).to_token_stream();
            cuts.push(Cut {
                name: sig.ident.to_string(),
                attribute: name(ours).unwrap(),
                arguments: arguments(ours),
                function: quote!(#head #body),
                body,
                others: others.clone(),
            });
        }
    }
    cuts
}

fn count(tokens: TokenStream) -> usize {
    let inside = |token: TokenTree| match token {
        TokenTree::Group(group) => count(group.stream()),
        _ => 0,
    };
    tokens.into_iter().map(|token| 1 + inside(token)).sum()
}

/// The first so many tokens; a bracket that was opened is closed.
fn first(tokens: TokenStream, left: &mut usize) -> TokenStream {
    let mut kept = TokenStream::new();
    for token in tokens {
        if *left == 0 {
            break;
        }
        *left -= 1;
        kept.extend([match token {
            TokenTree::Group(group) => Group::new(group.delimiter(), first(group.stream(), left)).into(),
            token => token,
        }]);
    }
    kept
}

impl Cut {
    fn expand(&self) -> TokenStream {
        expand(&self.attribute, self.arguments.clone(), self.function.clone())
    }

    /// The file with the attribute, and without.
    fn texts(&self) -> [String; 2] {
        let Self { attribute, arguments, function, others, .. } = self;
        let attribute = format_ident!("{attribute}");
        [quote!(#others #[#attribute(#arguments)] #function), quote!(#others #function)].map(|file| file.to_string())
    }
}

// === What the compiler says ===

/// The compiler, and the libraries that were built together with this test.
struct Compiler {
    libraries: PathBuf,
    seaworthy: PathBuf,
    serde: PathBuf,
}

impl Compiler {
    /// Finds the libraries that the whole example compiles with: there may be some of earlier builds.
    fn find() -> Self {
        let libraries = env::current_exe().unwrap().parent().unwrap().to_owned();
        let built = |name: &str| {
            let is_it = |path: &PathBuf| {
                let file = path.file_name().unwrap().to_str().unwrap();
                file.starts_with(&format!("lib{name}-")) && file.ends_with(".rlib")
            };
            let mut built: Vec<_> =
                fs::read_dir(&libraries).unwrap().map(|entry| entry.unwrap().path()).filter(is_it).collect();
            built.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
            built.reverse();
            built
        };
        let example = fs::read_to_string(example()).unwrap().replace("mod tests;", "mod tests {}");
        for seaworthy in built("seaworthy") {
            for serde in built("serde") {
                let compiler = Self { libraries: libraries.clone(), seaworthy: seaworthy.clone(), serde };
                if compiler.mistakes("whole", &example).is_empty() {
                    return compiler;
                }
            }
        }
        panic!("no library in {} that examples/hello compiles with", libraries.display());
    }

    /// Each text whose attribute makes more of the mistakes in it.
    fn compare(&self, number: usize, texts: &[[String; 2]]) -> Vec<String> {
        let mut worse = Vec::new();
        for [with, without] in texts {
            let ours = self.mistakes(&format!("with_{number}"), with);
            let theirs = self.mistakes(&format!("without_{number}"), without);
            if ours.len() > theirs.len() {
                worse.push(format!("{with}\n{}\nwhere there would be\n{}", ours.join("\n"), theirs.join("\n")));
            }
        }
        worse
    }

    /// The errors in a file.
    fn mistakes(&self, name: &str, text: &str) -> Vec<String> {
        let folder = self.libraries.join("half_typed");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.rs"));
        fs::write(&path, text).unwrap();
        let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args([
                "--edition=2024",
                "--crate-type=lib",
                "--emit=metadata",
                "--error-format=short",
                "--cap-lints=allow",
            ])
            .arg("--out-dir")
            .arg(&folder)
            .arg("-L")
            .arg(format!("dependency={}", self.libraries.display()))
            .arg("--extern")
            .arg(format!("seaworthy={}", self.seaworthy.display()))
            .arg("--extern")
            .arg(format!("serde={}", self.serde.display()))
            .arg(&path)
            .env("CARGO_PKG_NAME", "hello")
            .env("CARGO_PKG_VERSION", "0.1.0")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked"), "{text}\n{said}");
        let is_error = |line: &&str| line.contains(": error");
        let errors: Vec<_> = said.lines().filter(is_error).map(str::to_owned).collect();
        assert_eq!(errors.is_empty(), output.status.success(), "{said}");
        errors
    }
}
