//! scratch
use seaworthy::{prelude::*, *};
use std::time::Duration;
#[allow(non_camel_case_types)]
enum svc {}
impl CloudService for svc {
    const ABOUT: About = About { name: "svc", version: "1", description: "d" };
    type Config = ();
    type Output = Router;
    fn parts() -> Parts<Self> {
        Parts::stateless::<Router>()
    }
    async fn start((): ()) -> Router {
        Router::new()
            .route("/", get(async || "hello\n"))
            .route(
                "/slow",
                get(async || {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    "slow\n"
                }),
            )
            .route(
                "/hang",
                get(async || {
                    tokio::time::sleep(Duration::from_secs(300)).await;
                    "slow\n"
                }),
            )
            .route(
                "/panic",
                get(async || {
                    if true {
                        panic!("oh")
                    };
                    "x"
                }),
            )
            .route(
                "/block",
                get(async || {
                    std::thread::sleep(Duration::from_secs(600));
                    "x"
                }),
            )
            .route("/echo", post(async |b: String| b.len().to_string()))
    }
}
fn main() -> std::process::ExitCode {
    seaworthy::run::<svc>()
}
