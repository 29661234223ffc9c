use std::time::Duration;

use seaworthy::prelude::*;
use tokio::time::sleep as pause;

const SECOND: Duration = Duration::from_secs(1);

#[worker]
async fn mistake() {
    loop {
        tokio::time::sleep(SECOND).await;
    }
}

#[worker]
async fn by_alias(_shutdown: Shutdown) {
    loop {
        pause(SECOND).await;
    }
}

#[worker]
async fn inside_of_macro() {
    tokio::join!(async {
        let mut ticks = tokio::time::interval(SECOND);
        loop {
            ticks.tick().await;
            for number in 0..7 {
                if number == 5 {
                    break;
                }
            }
        }
    });
}

#[worker]
async fn with_a_result(shutdown: Shutdown) -> Result<()> {
    loop {
        pause(SECOND).await;
    }
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, with_a_result);
}
