//! `check`: whether the service could start here, without serving.

use std::process::ExitCode;

use crate::{
    CloudService, IntoService,
    config::{self, Environment, Loaded},
    lifecycle::exit::{CONFIG, DRAINED, Exit, FAILED, UNAVAILABLE},
    panic::caught,
    probe::runner::run_once,
    service::{Closer, ReadinessPart, Service, StateOf},
};

pub(super) fn run<C: CloudService>() -> ExitCode {
    let Loaded { config, warnings, .. } = match config::load::<C::Config>(&Environment::of_process(), C::DEFAULTS) {
        Ok(loaded) => loaded,
        Err(report) => return end(Exit::new(CONFIG, report.to_string())),
    };
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    println!("configuration: ok");
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Exit::new(FAILED, format!("no runtime could be started: {error}"))),
    };
    let code = runtime.block_on(async {
        let service = match caught(async { C::start(config).await.into_service() }).await {
            Ok(Ok(service)) => service,
            Ok(Err(error)) => return end(Exit::from(&error)),
            Err(message) => return end(Exit::new(FAILED, format!("the set-up panicked: {message}"))),
        };
        println!("set-up: ok");
        check::<C>(service, C::parts().readiness).await
    });
    runtime.shutdown_background();
    code
}

async fn check<C: CloudService>(service: Service<StateOf<C>>, checks: Vec<ReadinessPart<StateOf<C>>>) -> ExitCode {
    let Service { state, closers, .. } = service;
    let mut failed = 0;
    for ReadinessPart { check, run } in checks {
        let state = state.clone();
        let outcome = run_once(&check, Box::pin(async move { run(&state).await })).await;
        match outcome {
            Ok(()) => println!("{}: ok", check.name),
            Err(error) => {
                println!("{}: {error}{}", check.name, if check.critical { "" } else { " (not critical)" });
                failed += usize::from(check.critical);
            }
        }
    }
    for Closer { close, .. } in closers.into_iter().rev() {
        // Nothing was used: whether it closes well doesn't change the answer.
        let _ = caught(close).await;
    }
    match failed {
        0 => end(Exit::new(DRAINED, "ready to serve")),
        1 => end(Exit::new(UNAVAILABLE, "1 readiness check failed")),
        _ => end(Exit::new(UNAVAILABLE, format!("{failed} readiness checks failed"))),
    }
}

fn end(exit: Exit) -> ExitCode {
    if exit.code == DRAINED {
        println!("{}", exit.reason);
    } else {
        eprintln!("{}", exit.reason);
    }
    ExitCode::from(exit.code)
}
