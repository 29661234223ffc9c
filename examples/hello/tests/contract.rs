//! The service as a process: it greets, and it stops without losing a request.

use seaworthy::testing::Process;

#[test]
fn it_greets_and_stops_as_kubernetes_needs_it() {
    let hello = Process::builder(env!("CARGO_BIN_EXE_hello")).env("GREETING", "Ahoy").spawn();
    hello.wait_ready();
    assert_eq!(hello.get("/hello/Ada").text(), r#"{"message":"Ahoy, Ada!"}"#);
    hello.assert_contract();
}
