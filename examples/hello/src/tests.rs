//! The service inside a test: no process, no environment.

use seaworthy::testing;

use super::*;

fn config(greeting: &str) -> Config {
    Config { greeting: greeting.into(), longest_name: 50 }
}

#[test]
fn it_greets_as_configured() {
    let service = testing::start::<super::main>(config("Ahoy"));
    assert_eq!(service.get("/hello/Ada").text(), r#"{"message":"Ahoy, Ada!"}"#);
    assert_eq!(service.get(&format!("/hello/{}", "a".repeat(51))).status, 400);
    assert_eq!(service.stop(), 0);
}
