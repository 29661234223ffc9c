//! One variable after the other: its text, what it may be, and what is said where it is not.

use std::{collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use super::{BatchSettings, ExporterSettings, Propagator, Protocol, SamplerChoice};
use crate::config::Environment;

/// Reads variables, and keeps what is wrong with them.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    warnings: Vec<String>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self { environment, warnings: Vec::new() }
    }

    /// What is wrong with the variables that were read.
    pub(super) fn warnings(self) -> Vec<String> {
        self.warnings
    }

    /// The first of these that is set, and its name. The variable of one signal comes before that of all signals.
    fn first(&self, names: [&'static str; 2]) -> Option<(&'static str, &'a str)> {
        names
            .into_iter()
            .find_map(|name| Some((name, self.environment.text(name)?.trim())))
            .filter(|(_, text)| !text.is_empty())
    }

    fn ignore(&mut self, name: &str, text: &str, why: impl Display) {
        self.warnings.push(format!("{name}={text:?} is ignored: {why}"));
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        let text = self.environment.text(name).unwrap_or("false").trim();
        if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") {
            self.ignore(name, text, "expected `true` or `false`");
        }
        text.eq_ignore_ascii_case("true")
    }

    fn number<T: FromStr + PartialOrd>(&mut self, name: &str, least: T, default: T) -> T {
        let Some(text) = self.environment.text(name) else {
            return default;
        };
        match text.trim().parse() {
            Ok(number) if number >= least => number,
            _ => {
                self.ignore(name, text, "expected a positive whole number");
                default
            }
        }
    }

    fn milliseconds(&mut self, name: &str, default: u64) -> Duration {
        Duration::from_millis(self.number(name, 1, default))
    }

    /// `a=1,b=2`, percent-encoded. The name alone is shown of what can't be used: these may be secrets.
    pub(super) fn pairs(&mut self, name: &str) -> BTreeMap<String, String> {
        let mut pairs = BTreeMap::new();
        for pair in self.environment.text(name).unwrap_or("").split(',') {
            let pair = pair.trim();
            match pair.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    pairs.insert(percent_decoded(key.trim()), percent_decoded(value.trim()));
                }
                _ if pair.is_empty() => {}
                _ => self.warnings.push(format!("an entry of {name} is ignored: expected `key=value`")),
            }
        }
        pairs
    }

    pub(super) fn propagators(&mut self) -> Vec<Propagator> {
        let name = "OTEL_PROPAGATORS";
        let text = self.environment.text(name).unwrap_or("tracecontext,baggage");
        let mut propagators = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let propagator = match item {
                "tracecontext" => Propagator::TraceContext,
                "baggage" => Propagator::Baggage,
                "none" => return Vec::new(),
                _ => {
                    self.ignore(name, item, "expected `tracecontext`, `baggage` or `none`");
                    continue;
                }
            };
            if !propagators.contains(&propagator) {
                propagators.push(propagator);
            }
        }
        propagators
    }

    pub(super) fn sampler(&mut self) -> SamplerChoice {
        let name = "OTEL_TRACES_SAMPLER";
        match self.environment.text(name).map(str::trim) {
            None | Some("parentbased_always_on") => SamplerChoice::ParentBasedAlwaysOn,
            Some("always_on") => SamplerChoice::AlwaysOn,
            Some("always_off") => SamplerChoice::AlwaysOff,
            Some("traceidratio") => SamplerChoice::Ratio(self.ratio()),
            Some("parentbased_always_off") => SamplerChoice::ParentBasedAlwaysOff,
            Some("parentbased_traceidratio") => SamplerChoice::ParentBasedRatio(self.ratio()),
            Some(text) => {
                self.ignore(
                    name,
                    text,
                    "expected `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`",
                );
                SamplerChoice::ParentBasedAlwaysOn
            }
        }
    }

    fn ratio(&mut self) -> f64 {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let Some(text) = self.environment.text(name) else {
            return 1.0;
        };
        match text.trim().parse() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
            _ => {
                self.ignore(name, text, "expected a number from 0 to 1");
                1.0
            }
        }
    }

    pub(super) fn exporter(&mut self) -> Option<ExporterSettings> {
        let name = "OTEL_TRACES_EXPORTER";
        let exporters = self.environment.text(name).unwrap_or("otlp");
        let mut otlp = false;
        for item in exporters.split(',').map(str::trim) {
            match item {
                "otlp" => otlp = true,
                "none" | "" => {}
                _ => self.ignore(name, item, "expected `otlp` or `none`"),
            }
        }
        if !otlp {
            return None;
        }
        let protocol = self.protocol();
        let endpoint = self.endpoint(protocol)?;
        self.unsupported();
        Some(ExporterSettings {
            endpoint,
            protocol,
            headers: self.headers(),
            timeout: self.timeout(),
            batch: self.batch(),
        })
    }

    fn protocol(&mut self) -> Protocol {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
        match self.first(names) {
            None | Some((_, "http/protobuf")) => Protocol::HttpProtobuf,
            Some((_, "grpc")) => Protocol::Grpc,
            Some((name, text)) => {
                self.ignore(name, text, "expected `http/protobuf` or `grpc`");
                Protocol::HttpProtobuf
            }
        }
    }

    fn endpoint(&mut self, protocol: Protocol) -> Option<http::Uri> {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        let (name, text) = self.first(names)?;
        let mut url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        if name == names[1] && protocol == Protocol::HttpProtobuf {
            url.truncate(url.trim_end_matches('/').len());
            url.push_str("/v1/traces");
        }
        let why = match url.parse::<http::Uri>() {
            Ok(uri) if uri.host().is_none_or(str::is_empty) => "it names no host",
            Ok(uri) if uri.scheme_str() == Some("https") => {
                "this build can't speak TLS; send to a collector over `http://`, which can"
            }
            Ok(uri) if uri.scheme_str() != Some("http") => "expected a URL like `http://collector:4318`",
            Ok(uri) => return Some(uri),
            Err(_) => "expected a URL like `http://collector:4318`",
        };
        self.warnings.push(format!("{name} is ignored, and no span is exported: {why}"));
        None
    }

    fn headers(&mut self) -> http::HeaderMap {
        let mut headers = http::HeaderMap::new();
        let names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
        let Some((name, _)) = self.first(names) else {
            return headers;
        };
        for (key, value) in self.pairs(name) {
            match (http::HeaderName::try_from(&key), http::HeaderValue::try_from(&value)) {
                (Ok(key), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(key, value);
                }
                _ => {
                    self.warnings.push(format!("the entry {key:?} of {name} is ignored: it can't be sent as a header"))
                }
            }
        }
        headers
    }

    fn timeout(&mut self) -> Duration {
        let default = self.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000);
        let default = u64::try_from(default.as_millis()).unwrap_or(10_000);
        self.milliseconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", default)
    }

    fn batch(&mut self) -> BatchSettings {
        let max_queue_size = self.number("OTEL_BSP_MAX_QUEUE_SIZE", 1, 2048);
        let name = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
        let mut max_export_batch_size = self.number(name, 1, 512.min(max_queue_size));
        if max_export_batch_size > max_queue_size {
            let text = max_export_batch_size.to_string();
            self.ignore(name, &text, "it is more than OTEL_BSP_MAX_QUEUE_SIZE");
            max_export_batch_size = max_queue_size;
        }
        BatchSettings {
            schedule_delay: self.milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5_000),
            max_queue_size,
            max_export_batch_size,
            export_timeout: self.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", 30_000),
        }
    }

    /// Warns of what this version can't do.
    fn unsupported(&mut self) {
        for (names, none) in [
            (["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"], "none"),
            (["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"], ""),
        ] {
            if let Some((name, text)) = self.first(names)
                && text != none
            {
                self.ignore(name, text, "this version can't do it");
            }
        }
    }
}

/// Decodes `%41`; what is no valid escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match escaped {
            Some(_) => &tail[2..],
            None => tail,
        };
        bytes.push(escaped.unwrap_or(byte));
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::percent_decoded;

    #[test]
    fn percent() {
        assert_eq!(percent_decoded("a%2Cb%"), "a,b%");
        assert_eq!(percent_decoded("%zz%+1%C3%A9"), "%zz%+1é");
        assert_eq!(percent_decoded("%ff"), "%ff");
    }
}
