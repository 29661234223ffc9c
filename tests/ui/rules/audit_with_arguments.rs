seaworthy::audit!("src");

fn main() {}
