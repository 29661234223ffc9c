//! Compiles each mistake in these folders and compares what the compiler says with the file beside it.
//!
//! `TRYBUILD=overwrite cargo test -p seaworthy-tests-ui` writes the messages anew: read them as a stranger would.
//! They are those of the pinned toolchain.

#[test]
fn mistakes_are_explained() {
    let tests = trybuild::TestCases::new();
    tests.pass("accepted/*.rs");
    tests.pass("accepted/rules/*.rs");
    for attribute in ["cloud_service", "command", "config", "from_ref", "handler", "health", "ready", "rules", "worker"]
    {
        tests.compile_fail(format!("{attribute}/*.rs"));
    }
}
