//! Code is read as the compiler reads it, and names stand for what they stand for.

use std::{fs, path::Path as FilePath};

use proc_macro2::TokenStream;

use super::*;

impl Code {
    /// Where tokens of a file stand in its text.
    pub(crate) fn source(&self, tokens: Range<usize>) -> Range<usize> {
        self.tokens[tokens.start].start as usize..self.tokens[tokens.end - 1].end as usize
    }
}

fn of(source: &str) -> Code {
    Code::of_tokens(source.parse().unwrap())
}

fn of_file(source: &str) -> Code {
    Code::of_file(source.to_owned(), FilePath::new("x.rs").into()).unwrap()
}

/// Every token with what it is, its partner, and how deep it stands.
fn tokens(code: &Code) -> Vec<(Kind, String, usize, usize)> {
    (0..code.len())
        .map(|at| (code.kind(at).unwrap(), code.text(at).to_owned(), code.partner(at), code.around(at).count()))
        .collect()
}

/// The Rust files in a folder, however deep.
fn rust_files(folder: &FilePath, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn files_have_the_tokens_that_the_compiler_finds() {
    let mut files = Vec::new();
    let mut compared = 0;
    for folder in ["macros", "runtime", "tests", "examples"] {
        rust_files(&FilePath::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), &mut files);
    }
    assert!(files.len() > 100, "{}", files.len());
    for path in files {
        let source = fs::read_to_string(&path).unwrap();
        let Ok(stream) = source.parse::<TokenStream>() else { continue };
        let ours = tokens(&of_file(&source));
        let theirs = tokens(&Code::of_tokens(without_docs_in(stream)));
        for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_eq!(ours, theirs, "token {index} of {}", path.display());
        }
        assert_eq!(ours.len(), theirs.len(), "{}", path.display());
        compared += 1;
    }
    assert!(compared > 300, "{compared} files were compared");
}

/// Doc comments are attributes to the compiler, and comments to us.
fn without_docs_in(stream: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in stream {
        let is_doc = match &token {
            TokenTree::Group(group) => {
                let mut inside = group.stream().into_iter();
                group.delimiter() == Delimiter::Bracket
                    && inside.next().is_some_and(|word| word.to_string() == "doc")
                    && inside.next().is_some_and(|equals| equals.to_string() == "=")
                    && inside.next().is_some_and(|text| text.to_string().starts_with(['"', 'r']))
            }
            _ => false,
        };
        if is_doc {
            while kept.last().is_some_and(|mark| matches!(mark.to_string().as_str(), "#" | "!")) {
                kept.pop();
            }
            continue;
        }
        kept.push(match token {
            TokenTree::Group(group) => {
                proc_macro2::Group::new(group.delimiter(), without_docs_in(group.stream())).into()
            }
            token => token,
        });
    }
    kept.into_iter().collect()
}

#[test]
fn every_sort_of_token_ends_where_it_ends() {
    let source = r###"
        let r#type = 'a: b'\'' '"' '\u{1f600}' 'é' b'x' b"\"" c"c" br#"""# r"\" r##"a"#b"## 1..2 1.5e-3_f64 0xe+1 1.max(2)
        x.0.1 /* a /* b */ "c */ d<'static> a::<b>::c! // "e
    "###;
    assert_eq!(tokens(&of_file(source)), tokens(&of(source)));
    for unfinished in ["(", ")", "(]", "\"a", "r#\"a\"", "/* /* */", "'", "b'", "'\\"] {
        assert!(Code::of_file(unfinished.to_owned(), FilePath::new("x.rs").into()).is_none(), "{unfinished}");
    }
    assert_eq!(of_file("\u{feff}#!/usr/bin/env run\nfn f() {}").len(), 6);
    assert_eq!(of_file("#![no_std]").len(), 5);
}

fn names(code: &Code) -> Vec<&str> {
    code.paths().iter().filter(|path| path.is_call()).map(|path| path.name.as_str()).collect()
}

#[test]
fn a_path_stands_for_what_was_imported() {
    let cases = [
        ("std::thread::sleep(a)", "std::thread::sleep"),
        ("::std::thread::sleep(a)", "std::thread::sleep"),
        ("use std::thread; thread::sleep(a)", "std::thread::sleep"),
        ("use std::thread as t; t::sleep(a)", "std::thread::sleep"),
        ("use std::thread::sleep; sleep(a)", "std::thread::sleep"),
        ("use std::thread::sleep as wait; wait(a)", "std::thread::sleep"),
        ("use std::{fs, thread::{self, sleep as wait}}; wait(a)", "std::thread::sleep"),
        ("use std::{fs, thread::{self as t}}; t::sleep(a)", "std::thread::sleep"),
        ("use std::thread; use thread::sleep; sleep(a)", "std::thread::sleep"),
        ("use ::std::thread; thread::sleep(a)", "std::thread::sleep"),
        ("use tokio::time as thread; { use std::thread; thread::sleep(a) }", "std::thread::sleep"),
        ("{ use tokio::time as thread; } use std::thread; thread::sleep(a)", "std::thread::sleep"),
        ("use std::thread; join!(thread::sleep(a))", "std::thread::sleep"),
        ("Vec::<u8>::with_capacity(1)", "Vec::with_capacity"),
        ("a.b(); x..std::thread::sleep(a)", "std::thread::sleep"),
        ("tokio::spawn::<F<A, fn() -> B>>(a)", "tokio::spawn"),
        ("mod redis; redis::get(a)", "self::redis::get"),
        ("mod redis { } use redis::get; get(a)", "self::redis::get"),
        ("mod redis; mod m { fn f() { redis::get(a) } }", "redis::get"),
        ("fn f() -> impl A + use<> { tokio::spawn(a) }", "tokio::spawn"),
        ("html! { <use href=\"a\"/> } tokio::spawn(a)", "tokio::spawn"),
    ];
    for (source, name) in cases {
        assert_eq!(names(&of(source)), [name], "{source}");
        assert_eq!(names(&of_file(source)), [name], "{source}");
    }
}

#[test]
fn a_function_is_used_where_it_is_called_or_given() {
    let source = "use a::b as c; use a::b; c(d); e.map(a::b); a::b; a::b!(d); a::bb(d); let b = d; f(b)";
    for code in [of(source), of_file(source)] {
        let functions: Vec<_> =
            code.functions(&["a::b"]).map(|path| (code.text(path.tokens.start), path.is_call())).collect();
        assert_eq!(functions, [("c", true), ("a", false), ("a", false)]);
    }
}

#[test]
fn what_is_not_certain_has_no_name() {
    for source in [
        "sleep(a)",
        "use std::thread::*; sleep(a)",
        "{ use std::thread::sleep; } sleep(a)",
        "use std::thread::sleep; mod m { fn f() { sleep(a) } }",
        "use std::thread::sleep as _; sleep(a)",
        "#[cfg(unix)] use tokio::fs; #[cfg(not(unix))] use std::fs; fs(a)",
        "a.sleep(b)",
        "fn sleep(a: A) {}",
    ] {
        assert_eq!(names(&of(source)), [""; 0], "{source}");
    }
}

#[test]
fn a_function_knows_the_imports_of_its_file_and_module() {
    let source = "use std::thread;\nmod m {\n    use tokio::time as thread;\n    fn f() {}\n}\n";
    let file = std::rc::Rc::new(File::new(source.to_owned(), FilePath::new("x.rs")).unwrap());
    for (line, name) in [(2, "std::thread::sleep"), (4, "tokio::time::sleep")] {
        let at = file.code.token_at(line);
        let code = Code { around: Some((file.clone(), at)), ..of("fn f() { thread::sleep(a) }") };
        assert_eq!(names(&code), [name]);
    }
}

#[test]
fn a_statement_is_what_a_person_would_call_one() {
    let source = "{ a; let x = b(match c { d => e }); if f { g; } else { h } i }";
    let cases = [
        ("a", "a"),
        ("b", "let x = b ( match c { d = > e } )"),
        ("c", "let x = b ( match c { d = > e } )"),
        ("f", "if f { g ; } else { h }"),
        ("g", "g"),
        ("i", "i"),
    ];
    let code = of(source);
    for (word, expected) in cases {
        let at = (0..code.len()).find(|at| code.is_word(*at, word)).unwrap();
        let statement: Vec<_> = code.statement(at).map(|at| code.text(at)).collect();
        assert_eq!(statement.join(" "), expected);
    }
}

#[test]
fn commas_separate_what_is_given_to_a_call() {
    for (source, expected) in [("(a, f(b, c), d)", vec!["a", "f ( b , c )", "d"]), ("(a,)", vec!["a"]), ("()", vec![])]
    {
        let code = of(source);
        let parts: Vec<_> = code
            .parts(code.inside(0))
            .into_iter()
            .map(|part| part.map(|at| code.text(at)).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(parts, expected);
    }
}

#[test]
fn what_is_compiled_for_tests_is_known() {
    let is_tested = |source: &str| {
        let file = File::new(source.to_owned(), FilePath::new("x.rs")).unwrap();
        file.is_test(file.code.each_word("here").next().unwrap())
    };
    for source in [
        "#[cfg(test)] mod tests { here }",
        "#[cfg(all(test, not(miri)))] mod tests { here }",
        "#[cfg(any(test, all(unix, test)))] fn f() { here }",
        "#[tokio::test(flavor = \"current_thread\")] async fn f() { here }",
        "#![cfg(test)] fn f() { here }",
        "mod tests { #![cfg(test)] fn f() { here } }",
    ] {
        assert!(is_tested(source), "{source}");
    }
    for source in [
        "#[cfg(not(test))] mod m { here }",
        "#[cfg(any(test, feature = \"testing\"))] mod m { here }",
        "#[cfg(feature = \"test\")] mod m { here }",
        "#[cfg(test)] mod tests {} here",
        "mod tests { #![cfg(test)] } here",
    ] {
        assert!(!is_tested(source), "{source}");
    }
}

#[test]
fn a_function_is_annotated_by_attributes_of_ours_alone() {
    let marked = |source: &str| {
        let file = File::new(source.to_owned(), FilePath::new("x.rs")).unwrap();
        file.marked.iter().map(|marked| marked.attribute.clone()).collect::<Vec<_>>()
    };
    for source in [
        "#[handler] async fn f() {}",
        "#[handler(name = \"a\")] #[other] pub async fn f() {}",
        "#[seaworthy::handler] async fn f() {}",
        "#[::seaworthy::prelude::handler] async fn f() {}",
        "use seaworthy::handler as route; #[route] async fn f() {}",
        "#[cfg_attr(feature = \"a\", other, handler(name = \"a\"))] async fn f() {}",
    ] {
        assert_eq!(marked(source), ["handler"], "{source}");
    }
    for source in [
        "#[salvo::handler] async fn f() {}",
        "use salvo::handler; #[handler] async fn f() {}",
        "#[cfg_attr(handler, other)] async fn f() {}",
        "#[handler] struct F;",
    ] {
        assert_eq!(marked(source), [""; 0], "{source}");
    }
}

fn texts(code: &Code, tokens: std::ops::Range<usize>) -> String {
    tokens.map(|at| code.text(at)).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_chain_ends_where_its_value_does() {
    for (source, chain) in [
        ("a.b(c)?[d].e::<F<G>>(h).0.await + i", "a . b ( c ) ? [ d ] . e : : < F < G > > ( h ) . 0 . await"),
        ("a::<B>::c(d).e; f", "a : : < B > : : c ( d ) . e"),
        ("a::b!(c).d, e", "a : : b ! ( c ) . d"),
        ("(a, b).c()", "( a , b ) . c ( )"),
        ("\"a\".parse()? == b", "\"a\" . parse ( ) ?"),
        ("a..b", "a"),
        ("|a| b.c()", ""),
        ("{ a }.b", ""),
    ] {
        let code = of(source);
        assert_eq!(texts(&code, code.chain(0)), chain, "{source}");
    }
    let code = of("a.b(c)?.d");
    let links: Vec<_> = code.links(1).map(|link| (code.text(link.at), link.arguments.is_some())).collect();
    assert_eq!(links, [("b", true), ("?", false), ("d", false)]);
}

#[test]
fn a_let_binds_names_to_a_value() {
    for (source, names, value, block) in [
        ("let a = b.c(); d", "a", "b . c ( )", false),
        ("let mut a: Vec<b::C> = d;", "a", "d", false),
        ("let (a, B { c, d: E(f) }) = g(h);", "a c d f", "g ( h )", false),
        ("let Ok(a) = b else { c };", "a", "b", false),
        ("let a = if b { c } else { d };", "a", "if b { c } else { d }", false),
        ("let _ = a;", "", "a", false),
        ("if let Some(a) = b.c(d) { e }", "a", "b . c ( d )", true),
        ("while let 0..=5 | 7 = a { b }", "", "a", true),
        ("if a && let Some(b) = c && d { e }", "b", "c", true),
    ] {
        let code = of(&format!("{{ {source} }}"));
        let binding = code.lets().next().unwrap();
        assert_eq!(binding.names.iter().map(|at| code.text(*at)).collect::<Vec<_>>().join(" "), names, "{source}");
        assert_eq!(texts(&code, binding.value), value, "{source}");
        assert_eq!(binding.block.is_some_and(|open| code.is(open, "{")), block, "{source}");
    }
    assert_eq!(of("{ let a; let b: C; }").lets().count(), 0);
}

#[test]
fn loops_and_what_runs_later_are_known() {
    let source = "loop { a } while b(c { d }) { e } for f in g { h } 'i: loop {} j.loop_(); for<'k> fn(&'k l);";
    let code = of(source);
    let loops = code.loops().map(|it| format!("{} {}", code.text(it.at), code.text(it.open + 1)));
    assert_eq!(loops.collect::<Vec<_>>(), ["loop a", "while e", "for h", "loop }"]);
    let source = "{ now1; if x { now2 } { now3 } async { later } async move { later } y(|z| { later }); \
                  move || { later }; async fn w(v: V) { later } match u { t => { now4 } } }";
    let code = of(source);
    for at in 0..code.len() {
        let word = code.word(at).unwrap_or_default();
        if word.starts_with("now") || word == "later" {
            assert_eq!(code.is_deferred(at, 0), word == "later", "{word} {at}");
        }
    }
}

#[test]
fn macros_that_await_wait_as_well() {
    let code = of("a.await; tokio::select! { b = c => d } join!(e, f); g.awaits; await_(h)");
    let waits: Vec<_> = code.waits(0..code.len()).map(|at| code.text(at)).collect();
    assert_eq!(waits, ["await", "tokio", "join"]);
}
