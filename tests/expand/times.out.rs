use seaworthy::prelude::*;

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum main {}

impl ::seaworthy::CloudService for main {
    const ABOUT: ::seaworthy::About = ::seaworthy::About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        description: "Says hello, slowly.",
    };
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[
        ("LAME_DUCK", "7s"),
        ("DRAIN_TIMEOUT", "25s"),
        ("TERMINATION_GRACE", "40s"),
        ("REQUEST_TIMEOUT", "25s"),
    ];
    type Config = ();
    type Output = Router;
    fn parts() -> ::seaworthy::Parts<Self> {
        ::seaworthy::Parts::<Self>::stateless::<Router>()
    }
    async fn start(_: ()) -> Router {
        Router::new().route("/", get(async || "hello"))
    }
}

fn main() -> ::std::process::ExitCode {
    ::seaworthy::run::<main>()
}
