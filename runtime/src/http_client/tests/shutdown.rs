use std::{sync::Arc, thread};

use super::*;
use crate::{
    About,
    lifecycle::{Lifecycle, Owner, State},
};

/// Runs the code on a thread of a service with this lifecycle.
fn in_service<T: Send + 'static>(code: impl FnOnce(Arc<Lifecycle>) -> T + Send + 'static) -> T {
    let run = || {
        let lifecycle = Arc::new(Lifecycle::new());
        let about = About { name: "orders", version: "1.2.0", description: "" };
        Owner { about, lifecycle: Arc::clone(&lifecycle) }.own_thread();
        code(lifecycle)
    };
    thread::spawn(run).join().unwrap()
}

#[test]
fn a_call_begins_for_as_long_as_the_drain_waits_for_somebody() {
    in_service(|lifecycle| {
        let mut server = Server::answering(OK);
        let http = changed(|client| client.pool_max_idle_per_host(0));
        for state in [State::Starting, State::Ready, State::LameDuck, State::Draining] {
            lifecycle.enter(state);
            let (answer, _) = in_trace(true, http.get(server.url("/")).send());
            assert_eq!(answer.unwrap().status(), StatusCode::OK, "{state:?}");
            assert!(!server.is_quiet());
        }
        for state in [State::Cancelling, State::Closing, State::Flushing] {
            lifecycle.enter(state);
            let (refused, spans) = in_trace(true, http.get(server.url("/")).send());
            assert!(matches!(refused, Err(Error::ShuttingDown)), "{state:?}: {refused:?}");
            assert_eq!(error_type(&spans), Some("shutdown"));
            assert!(server.is_quiet(), "nothing was sent");
        }
        let allowed = [
            http.get(server.url("/")).allow_during_shutdown(),
            http.clone().allow_during_shutdown().get(server.url("/")),
        ];
        for request in allowed {
            let (answer, _) = in_trace(true, request.send());
            assert_eq!(answer.unwrap().status(), StatusCode::OK);
            assert!(!server.is_quiet());
        }
    });
}

#[test]
fn a_service_that_skips_the_cut_refuses_too() {
    in_service(|lifecycle| {
        let server = Server::answering(OK);
        // All ended within the drain.
        lifecycle.enter(State::Closing);
        let (refused, _) = in_trace(true, client().get(server.url("/")).send());
        assert!(matches!(refused, Err(Error::ShuttingDown)), "{refused:?}");
    });
}

#[test]
fn a_call_in_flight_is_cut() {
    in_service(|lifecycle| {
        let mut server = Server::silent();
        let url = server.url("/");
        let (cut, spans) = in_trace(true, async {
            let cutting = async {
                server.head().await;
                lifecycle.enter(State::Cancelling);
            };
            tokio::join!(client().get(url).send(), cutting).0
        });
        assert!(matches!(cut, Err(Error::Cut)), "{cut:?}");
        assert_eq!(error_type(&spans), Some("cut"));
        server.closed_by_client();
    });
}

#[test]
fn whoever_waits_for_a_call_is_cut_before_it_fails() {
    in_service(|lifecycle| {
        let mut server = Server::silent();
        let url = server.url("/");
        let (first, spans) = in_trace(true, async {
            let handler = async {
                tokio::select! {
                    // In the order of a request: the handler, and then its limits.
                    biased;
                    answer = client().get(url).send() => panic!("it could go on: {answer:?}"),
                    () = lifecycle.cut.cancelled() => "the handler was cut",
                }
            };
            let cutting = async {
                server.head().await;
                lifecycle.enter(State::Cancelling);
            };
            tokio::join!(handler, cutting).0
        });
        assert_eq!(first, "the handler was cut");
        assert_eq!(error_type(&spans), Some("cut"));
    });
}

#[test]
fn a_call_that_was_dropped_by_the_cut_is_recorded_as_cut() {
    in_service(|lifecycle| {
        let mut server = Server::silent();
        let url = server.url("/");
        let ((), spans) = in_trace(true, async {
            let worker = async {
                tokio::select! {
                    biased;
                    () = lifecycle.cut.cancelled() => {}
                    answer = client().get(url).send() => panic!("it was polled: {answer:?}"),
                }
            };
            let cutting = async {
                server.head().await;
                lifecycle.enter(State::Cancelling);
            };
            tokio::join!(worker, cutting).0
        });
        assert_eq!(error_type(&spans), Some("cut"));
    });
}

#[test]
fn a_call_that_is_allowed_goes_on_through_the_cut() {
    in_service(|lifecycle| {
        let mut server = Server::silent();
        let url = server.url("/");
        let (answer, spans) = in_trace(true, async {
            let cutting = async {
                server.head().await;
                lifecycle.enter(State::Closing);
                tokio::task::yield_now().await;
                server.answer(OK);
            };
            tokio::join!(client().get(url).allow_during_shutdown().send(), cutting).0
        });
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
        assert_eq!(error_type(&spans), None);
    });
}

#[test]
fn the_user_agent_is_the_service() {
    in_service(|_| {
        let mut server = Server::answering(OK);
        let (head, _) = in_trace(true, async {
            client().get(server.url("/")).send().await.unwrap();
            server.head().await
        });
        assert!(head.contains("user-agent: orders/1.2.0\r\n"), "{head}");
    });
}
