use seaworthy::prelude::*;

#[health(every = "soon", critical = false)]
const unsafe fn alive<T>(_count: T) -> ! {
    loop {}
}

fn main() {}
