//! The variables of the exporter.

use std::{path::PathBuf, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::{BatchSettings, Compression, ExporterSettings, NamedFile, Protocol, TlsSettings, reader::Reader};

/// What the exporter itself says of a message.
const OWN_HEADERS: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TE,
    header::TRANSFER_ENCODING,
];

// === impl Reader ===

impl Reader<'_> {
    pub(super) fn exporter(&mut self) -> Option<ExporterSettings> {
        if !self.is_otlp() {
            return None;
        }
        let protocol = self.protocol();
        let endpoint = self.endpoint(protocol)?;
        Some(ExporterSettings {
            endpoint,
            protocol,
            headers: self.headers(),
            compression: self.compression(),
            tls: self.tls(),
            timeout: self.attempt_timeout(),
            batch: self.batch(),
        })
    }

    fn is_otlp(&mut self) -> bool {
        let name = "OTEL_TRACES_EXPORTER";
        let exporters = self.text(name).unwrap_or("otlp");
        let mut otlp = false;
        for item in exporters.split(',').map(str::trim) {
            match &*item.to_ascii_lowercase() {
                "otlp" => otlp = true,
                "none" | "" => {}
                _ => self.ignore(name, item, "expected `otlp` or `none`"),
            }
        }
        otlp
    }

    fn protocol(&mut self) -> Protocol {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
        self.one_of(names, [("http/protobuf", Protocol::HttpProtobuf), ("grpc", Protocol::Grpc)])
    }

    fn endpoint(&mut self, protocol: Protocol) -> Option<Uri> {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        let (name, text) = self.first(names)?;
        let mut url = text.to_owned();
        if !text.contains("://") {
            // For gRPC, the specification has it so. For HTTP it asks for a scheme.
            let scheme = if protocol == Protocol::Grpc && !self.is_insecure() { "https://" } else { "http://" };
            url.insert_str(0, scheme);
        }
        if name == names[1] && protocol == Protocol::HttpProtobuf {
            let end = url.find(['?', '#']).unwrap_or(url.len());
            let path = url[..end].trim_end_matches('/').len();
            url.replace_range(path..end, "/v1/traces");
        }
        checked(&url, text.contains("://"), cfg!(feature = "tls"))
            .map_err(|why| self.warn(format!("{name} is ignored, and no span is exported: {why}")))
            .ok()
    }

    /// Whether a gRPC endpoint without a scheme is one without TLS.
    fn is_insecure(&mut self) -> bool {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"];
        self.first(names).is_some_and(|(name, _)| self.flag(name))
    }

    fn headers(&mut self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
        let Some((name, _)) = self.first(names) else {
            return headers;
        };
        for (key, value) in self.pairs(name) {
            let why = match (HeaderName::try_from(&key), HeaderValue::try_from(&value)) {
                (Ok(key), Ok(_)) if OWN_HEADERS.contains(&key) => "the exporter has its own",
                (Ok(key), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(key, value);
                    continue;
                }
                _ => "it can't be sent as a header",
            };
            self.warn(format!("the entry {key:?} of {name} is ignored: {why}"));
        }
        headers
    }

    fn compression(&mut self) -> Compression {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
        self.one_of(names, [("none", Compression::None), ("gzip", Compression::Gzip)])
    }

    fn tls(&mut self) -> TlsSettings {
        let [certificate, client_certificate, client_key] = [
            ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
            ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"],
            ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
        ]
        .map(|names| {
            let (variable, path) = self.first(names)?;
            Some(NamedFile { variable, path: PathBuf::from(path) })
        });
        let identity = match (client_certificate, client_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(NamedFile { variable, .. }), None) => {
                self.warn(format!("{variable} is ignored: OTEL_EXPORTER_OTLP_CLIENT_KEY is not set"));
                None
            }
            (None, Some(NamedFile { variable, .. })) => {
                self.warn(format!("{variable} is ignored: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is not set"));
                None
            }
        };
        TlsSettings { certificate, identity }
    }

    fn attempt_timeout(&mut self) -> Duration {
        let all = self.timeout("OTEL_EXPORTER_OTLP_TIMEOUT", Duration::from_secs(10));
        self.timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", all)
    }

    fn batch(&mut self) -> BatchSettings {
        let max_queue_size = self.count("OTEL_BSP_MAX_QUEUE_SIZE", 2048);
        let name = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
        let mut max_export_batch_size = self.count(name, 512.min(max_queue_size));
        if max_export_batch_size > max_queue_size {
            let text = max_export_batch_size.to_string();
            self.ignore(name, &text, "it is more than OTEL_BSP_MAX_QUEUE_SIZE");
            max_export_batch_size = max_queue_size;
        }
        BatchSettings {
            schedule_delay: self.delay("OTEL_BSP_SCHEDULE_DELAY", Duration::from_secs(5)),
            max_queue_size,
            max_export_batch_size,
            export_timeout: self.timeout("OTEL_BSP_EXPORT_TIMEOUT", Duration::from_secs(30)),
        }
    }
}

/// The endpoint, or why nothing can be sent there by a build that speaks TLS or doesn't.
pub(super) fn checked(url: &str, had_scheme: bool, speaks_tls: bool) -> Result<Uri, &'static str> {
    match url.parse::<Uri>() {
        Ok(uri) if uri.host().is_none_or(str::is_empty) => Err("it names no host"),
        Ok(uri) => match uri.scheme_str() {
            Some("https") if speaks_tls => Ok(uri),
            Some("https") if had_scheme => Err("this build can't speak TLS; enable the feature `tls` of seaworthy"),
            Some("https") => {
                Err("without a scheme it is `https://`, and this build can't speak TLS; write `http://` before \
                                  it, or enable the feature `tls` of seaworthy")
            }
            Some("http") => Ok(uri),
            _ => Err("expected a URL like `http://collector:4318`"),
        },
        Err(_) => Err("expected a URL like `http://collector:4318`"),
    }
}
