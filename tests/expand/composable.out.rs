use seaworthy::prelude::*;

mod checks {
    pub async fn unmarked() {}
}

/// Answers no one.
pub async fn silent(_config: ()) -> Service<u8> {
    checks::unmarked().await;
    Service::new(0)
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum silent {}

impl ::seaworthy::CloudService for silent {
    const ABOUT: ::seaworthy::About = ::seaworthy::About {
        name: "silence",
        version: env!("CARGO_PKG_VERSION"),
        description: "Answers no one.",
    };
    type Config = ();
    type Output = Service<u8>;
    fn parts() -> ::seaworthy::Parts<Self> {
        ::seaworthy::Parts::<Self>::new()
    }
    async fn start(config: ()) -> Service<u8> {
        silent(config).await
    }
}
