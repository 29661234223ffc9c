//! Which of the two formats a scraper is answered in.

/// A format of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The text format, which every scraper reads.
    Text,
    /// OpenMetrics, which has units and exemplars.
    OpenMetrics,
}

/// How well a range of `Accept` fits a format; the best that fits decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Anything,
    Type,
    Exact,
}

// === impl Format ===

impl Format {
    /// The value of `content-type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Chooses by the header `Accept`.
    ///
    /// OpenMetrics is for those who name it and like it no less than the text format. Everyone else gets text: also those
    /// whose header can't be read, and those who accept neither, since an answer may still help them.
    pub(super) fn choose(accept: Option<&str>) -> Self {
        let Some(open_metrics) = accept.and_then(|accept| Self::OpenMetrics.quality(accept)) else { return Self::Text };
        let (fit, open_metrics) = open_metrics;
        let text = accept.and_then(|accept| Self::Text.quality(accept)).map_or(0.0, |(_, text)| text);
        if fit == Fit::Exact && open_metrics > 0.0 && open_metrics >= text { Self::OpenMetrics } else { Self::Text }
    }

    /// How much the format is wanted, 0 to 1, and how exactly the range fits that says so. `None` where nothing fits or the
    /// header is malformed.
    fn quality(self, accept: &str) -> Option<(Fit, f64)> {
        let mut best: Option<(Fit, f64)> = None;
        for range in accept.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            let (fit, quality) = self.fit(range).ok()?;
            let Some(fit) = fit else { continue };
            let better = best.is_none_or(|(before, most)| fit > before || fit == before && quality > most);
            if better {
                best = Some((fit, quality));
            }
        }
        best
    }

    fn fit(self, range: &str) -> Result<(Option<Fit>, f64), Malformed> {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (kind, _) = media.split_once('/').filter(|(kind, sub)| is_token(kind) && is_token(sub)).ok_or(Malformed)?;
        let (own, version) = match self {
            Self::Text => ("text/plain", "0.0.4"),
            Self::OpenMetrics => ("application/openmetrics-text", "1.0.0"),
        };
        let mut fit = if media == own {
            Some(Fit::Exact)
        } else if media == "*/*" {
            Some(Fit::Anything)
        } else if media.ends_with("/*") && own.starts_with(kind) {
            Some(Fit::Type)
        } else {
            None
        };
        let mut quality = 1.0;
        for parameter in parts.filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(Malformed)?;
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = weight(value).ok_or(Malformed)?,
                "version" if fit == Some(Fit::Exact) && value != version => fit = None,
                _ => {}
            }
        }
        Ok((fit, quality))
    }
}

/// The header is not as RFC 9110 has it.
struct Malformed;

/// A weight of RFC 9110: 0 to 1, with three digits after the point at most.
fn weight(text: &str) -> Option<f64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.len() <= 5;
    text.parse().ok().filter(|weight| digits && (0.0..=1.0).contains(weight))
}

fn is_token(text: &str) -> bool {
    let marks = b"!#$%&'*+-.^_`|~";
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_it_gets_open_metrics() {
        for accept in [
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "Application/OpenMetrics-Text;version=\"1.0.0\"",
            "text/plain, application/openmetrics-text",
            "application/openmetrics-text;q=0.5,*/*;q=0.1",
            // Prometheus 2 and 3.
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        ] {
            assert_eq!(Format::choose(Some(accept)), Format::OpenMetrics, "{accept}");
        }
    }

    #[test]
    fn everyone_else_gets_text() {
        for accept in [
            "",
            "*/*",
            "application/*",
            "text/plain",
            "image/png",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=0.4, text/plain;q=0.5",
            "application/openmetrics-text;q=0.4, text/*;q=0.5",
            "application/openmetrics-text;q=0.4, */*",
            // Malformed.
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;q=0.12345",
            "application/openmetrics-text;q",
            "application/openmetrics-text, text",
            "application/openmetrics-text, /",
            "application/openmetrics-text, a b/c",
            ";;;,,,===",
        ] {
            assert_eq!(Format::choose(Some(accept)), Format::Text, "{accept}");
        }
        assert_eq!(Format::choose(None), Format::Text);
    }
}
