//! Metrics as Prometheus reads them: in its [text format](https://prometheus.io/docs/instrumenting/exposition_formats/) and in
//! [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/).
//!
//! Both have the same samples in the same order, by name and then by labels, so that what a scraper negotiates changes no query.

use std::fmt::{self, Display, Formatter, Write};

use metrics::Unit;

use super::{
    accept::Format,
    catalog::Kind,
    cells::{Bucket, Exemplar, Histogram},
    family::{Cell, Family},
    names::Labels,
};

/// Writes metrics, which are sorted. One without series is left out.
pub(super) fn render(families: &[&Family], format: Format) -> String {
    let mut page = Page { text: String::new(), format };
    for family in families {
        // Fails never, since a `String` takes everything.
        _ = page.family(family);
    }
    if format == Format::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
    format: Format,
}

/// A value of a sample.
struct Number(f64);

/// The upper bound of a bucket. OpenMetrics wants `1.0` where the text format has always had `1`.
struct Bound(f64, Format);

/// A text within quotes.
struct Quoted<'a>(&'a str);

/// A text that ends with its line, with its quotes escaped in OpenMetrics.
struct Help<'a>(&'a str, Format);

// === impl Page ===

impl Page {
    fn family(&mut self, family: &Family) -> fmt::Result {
        let series = family.series();
        if series.is_empty() {
            return Ok(());
        }
        self.head(family)?;
        let name = &family.name;
        for (labels, cell) in series {
            match cell {
                Cell::Counter(counter) => self.sample(name, "_total", labels, counter.value())?,
                Cell::Gauge(gauge) if family.kind == Kind::Counter => {
                    self.sample(name, "_total", labels, Number(gauge.value()))?;
                }
                Cell::Gauge(gauge) => self.sample(name, "", labels, Number(gauge.value()))?,
                Cell::Histogram(histogram) => self.histogram(name, labels, histogram)?,
            }
        }
        Ok(())
    }

    fn head(&mut self, family: &Family) -> fmt::Result {
        let description = family.description();
        let format = self.format;
        // A counter has the name of its samples in the text format, and in OpenMetrics one without the suffix.
        let (kind, suffix) = match (family.kind, format) {
            (Kind::Counter, Format::Text) => ("counter", "_total"),
            (Kind::Counter, Format::OpenMetrics) => ("counter", ""),
            (Kind::Gauge, _) => ("gauge", ""),
            (Kind::Histogram, _) => ("histogram", ""),
        };
        let name = &family.name;
        let unit = unit_of(name, description.unit);
        let unsaid = description.unit.filter(|known| unit.is_none() && *known != Unit::Count);
        if !description.help.is_empty() || unsaid.is_some() {
            write!(self.text, "# HELP {name}{suffix} {}", Help(&description.help, format))?;
            if let Some(unsaid) = unsaid {
                let space = if description.help.is_empty() { "" } else { " " };
                write!(self.text, "{space}In {}.", unsaid.as_str().replace('_', " "))?;
            }
            self.text.push('\n');
        }
        writeln!(self.text, "# TYPE {name}{suffix} {kind}")?;
        if let Some(unit) = unit.filter(|_| format == Format::OpenMetrics) {
            writeln!(self.text, "# UNIT {name} {unit}")?;
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, labels: &Labels, histogram: &Histogram) -> fmt::Result {
        let mut count = 0;
        for Bucket { bound, count: so_far, exemplar } in histogram.buckets() {
            count = so_far;
            self.name(name, "_bucket", labels, Some(bound))?;
            write!(self.text, " {count}")?;
            if let Some(exemplar) = exemplar.filter(|_| self.format == Format::OpenMetrics) {
                self.exemplar(&exemplar)?;
            }
            self.text.push('\n');
        }
        let sum = histogram.sum();
        // A sum has to grow there, and comes with the count or not at all. The count is that of the last bucket anyway.
        if self.format == Format::OpenMetrics && (sum.is_nan() || sum < 0.0) {
            return Ok(());
        }
        self.sample(name, "_sum", labels, Number(sum))?;
        self.sample(name, "_count", labels, count)
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &Labels, value: impl Display) -> fmt::Result {
        self.name(name, suffix, labels, None)?;
        writeln!(self.text, " {value}")
    }

    fn name(&mut self, name: &str, suffix: &str, labels: &Labels, bound: Option<f64>) -> fmt::Result {
        write!(self.text, "{name}{suffix}")?;
        let mut opening = '{';
        for (label, value) in labels.iter() {
            write!(self.text, "{opening}{label}=\"{}\"", Quoted(value))?;
            opening = ',';
        }
        if let Some(bound) = bound {
            write!(self.text, "{opening}le=\"{}\"", Bound(bound, self.format))?;
            opening = ',';
        }
        if opening == ',' {
            self.text.push('}');
        }
        Ok(())
    }

    fn exemplar(&mut self, Exemplar { trace_id, span_id, value, at }: &Exemplar) -> fmt::Result {
        let value = Number(*value);
        write!(self.text, " # {{trace_id=\"{trace_id:032x}\",span_id=\"{span_id:016x}\"}} {value}")?;
        let millis = at.unix() / 1_000_000;
        write!(self.text, " {}.{:03}", millis / 1_000, millis % 1_000)
    }
}

// === impl Display ===

impl Display for Number {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => formatter.write_str("+Inf"),
            f64::NEG_INFINITY => formatter.write_str("-Inf"),
            // Rather than hundreds of digits.
            value if value != 0.0 && value.is_finite() && !(1e-9..1e18).contains(&value.abs()) => {
                write!(formatter, "{value:e}")
            }
            value => write!(formatter, "{value}"),
        }
    }
}

impl Display for Bound {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(bound, format) = *self;
        match format {
            Format::OpenMetrics if bound.is_finite() => write!(formatter, "{bound:?}"),
            _ => Number(bound).fmt(formatter),
        }
    }
}

impl Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        escape(self.0, true, formatter)
    }
}

impl Display for Help<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        escape(self.0, self.1 == Format::OpenMetrics, formatter)
    }
}

fn escape(text: &str, quotes: bool, formatter: &mut Formatter<'_>) -> fmt::Result {
    for part in text.split_inclusive(['\\', '\n', '"']) {
        let (plain, escaped) = match part.as_bytes().last() {
            Some(b'\\') => (&part[..part.len() - 1], "\\\\"),
            Some(b'\n') => (&part[..part.len() - 1], "\\n"),
            Some(b'"') if quotes => (&part[..part.len() - 1], "\\\""),
            _ => (part, ""),
        };
        formatter.write_str(plain)?;
        formatter.write_str(escaped)?;
    }
    Ok(())
}

/// The unit, where the name says it: OpenMetrics has no other.
fn unit_of(name: &str, unit: Option<Unit>) -> Option<&'static str> {
    let unit = unit?.as_str();
    name.strip_suffix(unit)?.ends_with('_').then_some(unit)
}
