//! What the `OTEL_*` variables ask for.
//!
//! They are read here and not by the SDK, for three reasons: they come from the [`Environment`] that the service was
//! started with, so a test can give its own; an empty one is unset, as the specification has it; and a value that
//! can't be used becomes one warning with the variable's name, never a crash and never silence.

use std::{collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use crate::config::Environment;

/// What the variables ask for, with the specification's defaults for the rest.
pub(crate) struct OtelSettings {
    /// `OTEL_SERVICE_NAME`.
    pub(crate) service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) resource_attributes: BTreeMap<String, String>,
    /// `OTEL_PROPAGATORS`.
    pub(crate) propagators: Vec<Propagator>,
    /// `OTEL_TRACES_SAMPLER` and `_ARG`.
    pub(crate) sampler: SamplerChoice,
    /// Where spans go; `None` where nothing is to be exported.
    pub(crate) exporter: Option<ExporterSettings>,
}

/// A format of trace context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagator {
    TraceContext,
    Baggage,
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SamplerChoice {
    AlwaysOn,
    AlwaysOff,
    Ratio(f64),
    ParentBasedAlwaysOn,
    ParentBasedAlwaysOff,
    ParentBasedRatio(f64),
}

/// Where and how spans are exported.
pub(crate) struct ExporterSettings {
    /// The whole URL for http/protobuf; scheme and authority count for gRPC.
    pub(crate) endpoint: http::Uri,
    pub(crate) protocol: Protocol,
    pub(crate) headers: http::HeaderMap,
    /// How long one attempt may take.
    pub(crate) timeout: Duration,
    pub(crate) batch: BatchSettings,
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    HttpProtobuf,
    Grpc,
}

/// `OTEL_BSP_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchSettings {
    /// How long spans wait for a batch to fill.
    pub(crate) schedule_delay: Duration,
    /// How many spans may wait; more are dropped and counted.
    pub(crate) max_queue_size: usize,
    /// How many spans go out at once.
    pub(crate) max_export_batch_size: usize,
    /// How long one batch is tried, with all its attempts.
    pub(crate) export_timeout: Duration,
}

/// Reads variables, and keeps what is wrong with them.
struct Reader<'a> {
    environment: &'a Environment,
    warnings: Vec<String>,
}

// === impl OtelSettings ===

impl OtelSettings {
    /// Reads the variables; the texts say what of them can't be used.
    pub(crate) fn read(environment: &Environment) -> (Self, Vec<String>) {
        let mut reader = Reader { environment, warnings: Vec::new() };
        let disabled = reader.flag("OTEL_SDK_DISABLED");
        let settings = Self {
            service_name: environment.text("OTEL_SERVICE_NAME").map(str::to_owned),
            resource_attributes: reader.pairs("OTEL_RESOURCE_ATTRIBUTES"),
            propagators: reader.propagators(),
            // Without the SDK nothing begins a trace that is sampled, but what a caller decided is passed on.
            sampler: if disabled { SamplerChoice::ParentBasedAlwaysOff } else { reader.sampler() },
            exporter: if disabled { None } else { reader.exporter() },
        };
        (settings, reader.warnings)
    }
}

// === impl ExporterSettings ===

impl ExporterSettings {
    /// The endpoint without what may be a secret: user, password, query.
    pub(crate) fn shown_endpoint(&self) -> String {
        let scheme = self.endpoint.scheme_str().unwrap_or("http");
        let host = self.endpoint.host().unwrap_or_default();
        match self.endpoint.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}{}", self.endpoint.path()),
            None => format!("{scheme}://{host}{}", self.endpoint.path()),
        }
    }
}

// === impl Reader ===

impl<'a> Reader<'a> {
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

    fn flag(&mut self, name: &str) -> bool {
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
    fn pairs(&mut self, name: &str) -> BTreeMap<String, String> {
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

    fn propagators(&mut self) -> Vec<Propagator> {
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

    fn sampler(&mut self) -> SamplerChoice {
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

    fn exporter(&mut self) -> Option<ExporterSettings> {
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
mod tests;
