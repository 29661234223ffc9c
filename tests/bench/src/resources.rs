//! What a call to Postgres or Redis costs with Seaworthy's resources, to what it costs with their crates alone.

use std::{
    error::Error,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
};

use crate::{
    build::{self, Kind},
    server::Launch,
    variant::{Ready, Variant},
};

/// How many turns of 100 calls each kind has in a round.
const TURNS: u32 = 50;

/// What is measured: its name, and the route that does it.
const CALLS: [(&str, &str); 2] = [("statement", "/statements"), ("command", "/commands")];

const SAMPLED: Variant =
    Variant { name: "resources-100", package: "bench-resources", sampled: Some(1.0), ready: Ready::Admin, about: "" };
const UNSAMPLED: Variant = Variant { name: "resources-0", sampled: Some(0.0), ..SAMPLED };

/// One kind of call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// With the crate alone, in nanoseconds.
    pub(crate) bare: f64,
    /// With the resource, to that: where the trace is kept, and where it isn't.
    pub(crate) sampled: f64,
    pub(crate) unsampled: f64,
}

/// Measures all of them, against servers that are started for it.
pub(crate) fn measure(launch: &Launch<'_>, rounds: usize) -> Result<Vec<Call>, Box<dyn Error>> {
    eprintln!("building {}", SAMPLED.package);
    let program = build::build(&SAMPLED, Kind::Release)?;
    let (postgres, redis) = (servers::Postgres::start(), servers::Redis::start());
    let (postgres_url, redis_url) = (postgres.url(), redis.url());
    let variables = [("DATABASE_URL", postgres_url.as_str()), ("REDIS_URL", redis_url.as_str())];
    let mut services = Vec::new();
    for variant in [&SAMPLED, &UNSAMPLED] {
        let mut service = launch.start(variant, Command::new(&program), &variables)?;
        service.wait_ready()?;
        services.push(service);
    }
    let mut calls = Vec::new();
    for (name, route) in CALLS {
        let (mut bare, mut ratios) = (Vec::new(), [Vec::new(), Vec::new()]);
        for round in 0..=rounds {
            for (service, ratios) in services.iter().zip(&mut ratios) {
                let [alone, resource] = ask(service.http, &format!("{route}/{TURNS}"))?;
                // The first warms up.
                if round > 0 {
                    bare.push(alone);
                    ratios.push(resource / alone);
                }
            }
        }
        let [sampled, unsampled] = ratios.map(median);
        let call = Call { name, bare: median(bare), sampled, unsampled };
        eprintln!("{call:?}");
        calls.push(call);
    }
    for service in services {
        service.stop()?;
    }
    Ok(calls)
}

/// Lets the service call; gives what a call took in nanoseconds, with the crate alone and with the resource.
fn ask(address: SocketAddr, path: &str) -> Result<[f64; 2], Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    serde_json::from_str(body).map_err(|error| format!("{error}: {answer}").into())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
