use seaworthy::prelude::*;

#[ready(evry = "5s", timeout = 1, critical = "no", critical = true)]
unsafe fn sessions<T>(redis: T, Path(_name): Path<String>) -> impl Send {}

fn main() {}
