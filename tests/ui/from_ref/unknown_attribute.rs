use seaworthy::prelude::*;

#[derive(Clone, FromRef)]
struct App {
    #[from_ref(skp)]
    part: String,
}

fn main() {}
