//! A real Prometheus server that scrapes a service.

use std::{net::SocketAddr, path::PathBuf};

use seaworthy::testing::{Connection, Process};
use serde_json::Value;

use super::{own_address, tools};

/// A server with a folder of its own. Both are gone when it is dropped.
pub(crate) struct Prometheus {
    // In this order: what runs has to end before its folder is removed.
    process: Process,
    _folder: Folder,
    address: SocketAddr,
}

struct Folder(PathBuf);

impl Prometheus {
    /// Scrapes the address five times a second.
    pub(crate) fn scraping(target: SocketAddr) -> Self {
        let address = own_address();
        let folder = Folder(std::env::temp_dir().join(format!("prometheus-{}", address.ip())));
        std::fs::create_dir_all(&folder.0).expect("there is room for a folder");
        let config = folder.0.join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\n\
             scrape_configs: [{{ job_name: seaworthy, static_configs: [{{ targets: ['{target}'] }}] }}]\n"
        );
        std::fs::write(&config, text).expect("there is room for a file");
        let flag = |name: &str, value: &str| format!("--{name}={value}");
        let process = Process::builder(tools::installed("prometheus", "prometheus"))
            .arg(flag("config.file", &config.to_string_lossy()))
            .arg(flag("storage.tsdb.path", &folder.0.join("data").to_string_lossy()))
            .arg(flag("web.listen-address", &address.to_string()))
            .arg("--enable-feature=exemplar-storage")
            .spawn();
        let server = Self { process, _folder: folder, address };
        server.process.wait_until("Prometheus is ready", || {
            let answer = Connection::open(address).and_then(|mut server| server.get("/-/ready"));
            answer.is_ok_and(|answer| answer.status == 200)
        });
        server
    }

    /// What its API answers: `data` of a success.
    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let path = format!("/api/v1/{path}?{}", query.join("&"));
        let mut connection = Connection::open(self.address).expect("it listens");
        let answer = connection.get(&path).expect("it answers").json();
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// What a query gives now: the labels of each series, and its value.
    pub(crate) fn query(&self, query: &str) -> Vec<(Value, f64)> {
        let data = self.ask("query", &[("query", query)]);
        let series = data["result"].as_array().expect("a vector");
        let value = |series: &Value| series["value"][1].as_str().and_then(|text| text.parse().ok());
        series.iter().map(|series| (series["metric"].clone(), value(series).expect("a number"))).collect()
    }

    /// Asks again and again until the answer is yes.
    pub(crate) fn wait_until(&self, what: &str, done: impl FnMut() -> bool) {
        self.process.wait_until(what, done);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is in the folder for what is temporary in any case.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// For a query in a URL.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}
