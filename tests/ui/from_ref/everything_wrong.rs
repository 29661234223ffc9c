use seaworthy::prelude::*;

#[derive(Clone, FromRef)]
struct App {
    #[from_ref(skp)]
    name: String,
    greeting: String,
    #[from_ref]
    answer: String,
}

fn main() {}
