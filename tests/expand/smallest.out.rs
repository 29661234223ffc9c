use seaworthy::prelude::*;

async fn hello() -> &'static str {
    "Hello!"
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum main {}

impl ::seaworthy::CloudService for main {
    const ABOUT: ::seaworthy::About = ::seaworthy::About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        description: "",
    };
    type Config = ();
    type Output = Router;
    fn parts() -> ::seaworthy::Parts<Self> {
        ::seaworthy::Parts::<Self>::stateless::<Router>()
    }
    async fn start(_: ()) -> Router {
        Router::new().route("/", get(hello))
    }
}

fn main() -> ::std::process::ExitCode {
    ::seaworthy::run::<main>()
}
