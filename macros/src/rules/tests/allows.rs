//! What is allowed, where, and what is said of an `allow` that does nothing.

use super::reported;

/// What is said first of each thing in a file.
fn said(source: &str) -> Vec<String> {
    reported(source).iter().map(|text| text.lines().next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_comment_allows_one_arm_or_field_and_no_other() {
    let arms = |first: &str, second: &str| {
        format!(
            "fn f() {{ match a {{\n{first}\nA => std::process::exit(1),\n{second}\nB => std::process::exit(2),\n}} }}"
        )
    };
    let comment = "// seaworthy: allow(SW008) a reason";
    assert_eq!(said(&arms(comment, comment)), [""; 0]);
    let only = said(&arms("", comment));
    assert!(matches!(&only[..], [one] if one.contains("main.rs:3:6")), "{only:?}");
    let only = said(&arms(comment, ""));
    assert!(matches!(&only[..], [one] if one.contains("main.rs:5:6")), "{only:?}");
}

#[test]
fn a_comment_is_above_the_statement_or_the_line() {
    for source in [
        "fn f() {\n// seaworthy: allow(SW008) a reason\nlet a =\nstd::process::exit(1);\n}",
        "fn f() {\nlet a =\n// seaworthy: allow(SW008) a reason\nstd::process::exit(1);\n}",
        "fn f() {\n// seaworthy: allow(SW008, reason = \"as in an attribute\")\nstd::process::exit(1);\n}",
        "fn f() {}\n// seaworthy: drains here, as everywhere\nfn g() {}",
    ] {
        assert_eq!(said(source), [""; 0], "{source}");
    }
}

#[test]
fn an_allow_that_does_nothing_is_warned_of_wherever_it_stands() {
    for source in [
        "#[handler(allow(SW004, reason = \"a\"))] async fn f() {}",
        "#[config(env)] struct A { #[config(allow(SW006, reason = \"a\"))] port: u16 }",
        "#[config(env)] struct A { #[config(skip, allow(SW006, reason = \"a\"))] port: u16 }",
        "// seaworthy: allow(SW004) a reason\nfn f() {}",
    ] {
        let said = said(source);
        assert!(matches!(&said[..], [one] if one.contains("finds nothing below")), "{source}: {said:?}");
    }
}

#[test]
fn an_allow_where_it_can_do_nothing_is_a_mistake() {
    let cases = [
        ("#[config(env, allow(SW006, reason = \"a\"))] struct A { port: u16 }", "look at its fields"),
        ("#[handler(allow(SW029, reason = \"a\"))] async fn f() {}", "looks at the whole crate"),
        ("#[handler(allow(SW001, reason = \"a\"))] async fn f() {}", "can't be allowed"),
    ];
    for (source, what) in cases {
        let said = said(source);
        assert!(matches!(&said[..], [one] if one.contains(what)), "{source}: {said:?}");
    }
}

/// In an `impl`, where no constant without a name can stand.
#[test]
fn nothing_is_warned_of_beside_a_mistake() {
    let said = said("#[handler(allow(SW004, reason = \"a\"))] async fn f(&self) {}");
    assert!(matches!(&said[..], [one] if one.contains("can't take `&self`")), "{said:?}");
}

#[test]
fn an_argument_that_is_half_typed_takes_no_allow_with_it() {
    let source = "#[handler(allow(SW004, reason = \"a\"), name = )] async fn f() { tokio::spawn(a()); }";
    assert!(!said(source).iter().any(|said| said.contains("tokio::spawn")), "{:?}", said(source));
}

#[test]
fn functions_of_tests_are_left_alone() {
    let function = "#[handler] async fn f() { std::thread::sleep(a); }";
    assert_eq!(said(function).len(), 1);
    for module in ["#[cfg(test)] mod tests", "#[cfg(all(test, not(miri)))] mod tests"] {
        assert_eq!(said(&format!("{module} {{ {function} }}")), [""; 0], "{module}");
    }
    assert_eq!(said(&format!("#[cfg(not(test))] mod m {{ {function} }}")).len(), 1);
}
