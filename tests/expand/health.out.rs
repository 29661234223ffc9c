use std::sync::atomic::{AtomicBool, Ordering};

use seaworthy::prelude::*;

static STUCK: AtomicBool = AtomicBool::new(false);

/// Work goes on.
fn moving() -> bool {
    !STUCK.load(Ordering::Relaxed)
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum moving {}

impl ::seaworthy::Liveness for moving {
    const CHECK: ::seaworthy::Check = ::seaworthy::Check::new("moving", "Work goes on.")
        .every(::std::time::Duration::from_secs(1))
        .timeout(::std::time::Duration::from_millis(100));
    async fn check() -> ::seaworthy::Outcome {
        let output = moving();
        ::seaworthy::__private::check_outcome::<bool>(output)
    }
}

pub async fn awake() {}

#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum awake {}

impl ::seaworthy::Liveness for awake {
    const CHECK: ::seaworthy::Check = ::seaworthy::Check::new("awake", "");
    async fn check() -> ::seaworthy::Outcome {
        let output = awake().await;
        ::seaworthy::__private::check_outcome::<()>(output)
    }
}
