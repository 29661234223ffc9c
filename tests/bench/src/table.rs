//! What was measured, as tables.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    resources::Call,
    variant::{REFERENCE, Variant},
};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    Throughput,
    Cpu,
    Median,
    P90,
    P99,
    Late,
    CommonRate,
    CommonMedian,
    CommonP99,
    Instructions,
    Allocations,
    Spans,
    Memory,
    Away,
    Start,
    Size,
    Crates,
    Build,
}

/// All that was measured: each figure of each service, as often as it was.
#[derive(Debug, Default)]
pub(crate) struct Results {
    figures: BTreeMap<(&'static str, Figure), Vec<f64>>,
    pub(crate) resources: Vec<Call>,
}

const TABLES: &[(&str, &[Figure])] = &[
    ("Under full load", &[Figure::Throughput, Figure::Cpu, Figure::Spans]),
    ("At half of what the service itself can take", &[Figure::Median, Figure::P90, Figure::P99, Figure::Late]),
    ("At the same rate", &[Figure::CommonRate, Figure::CommonMedian, Figure::CommonP99]),
    ("What a request costs, whatever the machine", &[Figure::Instructions, Figure::Allocations]),
    ("The process", &[Figure::Memory, Figure::Away, Figure::Start, Figure::Size, Figure::Crates, Figure::Build]),
];

// === impl Results ===

impl Results {
    /// Keeps a figure, and says it: a long run that is stopped was not in vain.
    pub(crate) fn add(&mut self, variant: &Variant, figure: Figure, value: f64) {
        eprintln!("{}: {}: {}", variant.name, figure.head(), figure.show(value));
        self.keep(variant, figure, value);
    }

    /// Keeps a figure that there are many of.
    pub(crate) fn keep(&mut self, variant: &Variant, figure: Figure, value: f64) {
        self.figures.entry((variant.name, figure)).or_default().push(value);
    }

    /// The median of what was measured.
    pub(crate) fn median(&self, name: &'static str, figure: Figure) -> Option<f64> {
        let mut values = self.figures.get(&(name, figure))?.clone();
        values.sort_unstable_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() % 2 {
            1 => values.get(middle).copied(),
            _ => Some((values.get(middle - 1)? + values.get(middle)?) / 2.0),
        }
    }

    /// The tables, without what was not measured.
    pub(crate) fn tables(&self, variants: &[&'static Variant]) -> String {
        let mut text = String::new();
        for (title, figures) in TABLES {
            let measured = |figure: &&Figure| self.figures.keys().any(|(_, has)| has == *figure);
            let figures: Vec<Figure> = figures.iter().filter(measured).copied().collect();
            if !figures.is_empty() {
                let rows = variants.iter().map(|variant| self.row(variant.name, &figures));
                let head = figures.iter().map(|figure| figure.head().into()).collect();
                // Writing to a string can't fail.
                let _ = write!(text, "\n## {title}\n\n{}", render("service", head, rows));
            }
        }
        text + &self.calls()
    }

    /// What a call to a resource costs.
    fn calls(&self) -> String {
        if self.resources.is_empty() {
            return String::new();
        }
        let rows = self.resources.iter().map(|call| {
            let ratio = |ratio: f64| format!("{ratio:.3}");
            (call.name, vec![format!("{:.1}", call.bare / 1e3), ratio(call.sampled), ratio(call.unsampled)])
        });
        let head = ["with the crate alone, µs", "with the resource, sampled", "not sampled"].map(String::from).into();
        format!("\n## A call to Postgres or Redis\n\n{}", render("call", head, rows))
    }

    /// What the performance design demands, and what there is.
    pub(crate) fn budgets(&self) -> String {
        let (all, none, stack) = ("seaworthy-100", "seaworthy-0", "stack-100");
        let to_axum = |name, figure| Some(self.median(name, figure)? / self.median(REFERENCE, figure)?);
        let to_stack = Some(())
            .and_then(|()| Some(self.median(all, Figure::Throughput)? / self.median(stack, Figure::Throughput)?));
        let rows = [
            ("throughput, all sampled, to axum", ">= 0.85", ">= 1", to_axum(all, Figure::Throughput)),
            ("throughput, all sampled, to the stack", ">= 4", ">= 6", to_stack),
            ("instructions, all sampled, to axum", "<= 1.6", "<= 1.2", to_axum(all, Figure::Instructions)),
            ("instructions, nothing sampled, to axum", "<= 1.35", "<= 1.1", to_axum(none, Figure::Instructions)),
            ("allocations, all sampled", "<= 26", "<= 18", self.median(all, Figure::Allocations)),
            ("allocations, nothing sampled", "<= 24", "<= 16", self.median(none, Figure::Allocations)),
            ("p99 at half the saturation, to axum", "<= 1.2", "<= 1.05", to_axum(all, Figure::P99)),
            ("memory after 200,000 requests, to axum", "<= 1.5", "<= 1.2", to_axum(all, Figure::Memory)),
            ("memory with the collector away, growth", "flat", "flat", self.median(all, Figure::Away)),
            ("start, to axum", "<= 2", "<= 1.2", to_axum(all, Figure::Start)),
            ("stripped binary, MB", "<= 4", "<= 2.5", self.median(all, Figure::Size).map(|size| size / 1e6)),
            ("clean build, to axum", "<= 3", "<= 2", to_axum(all, Figure::Build)),
            ("crates", "<= 120", "<= 90", self.median(all, Figure::Crates)),
            ("a statement, all sampled, to sqlx", "<= 1.05", "", self.call("statement")),
            ("a command, all sampled, to redis", "<= 1.05", "", self.call("command")),
        ];
        if rows.iter().all(|(.., measured)| measured.is_none()) {
            return String::new();
        }
        let rows = rows.map(|(figure, must, aim, measured)| {
            let is = measured.map_or_else(|| "–".into(), |measured| format!("{measured:.2}"));
            (figure, vec![must.into(), aim.into(), is])
        });
        let head = vec!["must".into(), "aim".into(), "is".into()];
        format!("\n## Seaworthy's budgets\n\n{}", render("figure", head, rows))
    }

    fn call(&self, name: &str) -> Option<f64> {
        self.resources.iter().find(|call| call.name == name).map(|call| call.sampled)
    }

    fn row(&self, name: &'static str, figures: &[Figure]) -> (&'static str, Vec<String>) {
        let cell = |figure: &Figure| {
            let Some(value) = self.median(name, *figure) else { return "–".into() };
            let shown = figure.show(value);
            match self.median(REFERENCE, *figure) {
                Some(reference) if reference > 0.0 => format!("{shown} ({:.2})", value / reference),
                _ => shown,
            }
        };
        (name, figures.iter().map(cell).collect())
    }
}

// === impl Figure ===

impl Figure {
    fn head(self) -> &'static str {
        match self {
            Self::Throughput => "requests/s",
            Self::Cpu => "CPU a request, µs",
            Self::Median | Self::CommonMedian => "p50, µs",
            Self::P90 => "p90, µs",
            Self::P99 | Self::CommonP99 => "p99, µs",
            Self::Late => "p99 of the client's own delay, µs",
            Self::CommonRate => "requests/s",
            Self::Instructions => "instructions",
            Self::Allocations => "allocations",
            Self::Spans => "spans delivered a request",
            Self::Memory => "RSS after 200,000 requests, MB",
            Self::Away => "growth without a collector",
            Self::Start => "start to the first 200, ms",
            Self::Size => "stripped binary, MB",
            Self::Crates => "crates",
            Self::Build => "clean build, s",
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Throughput | Self::CommonRate | Self::Instructions | Self::Crates | Self::Build => thousands(value),
            Self::Median | Self::P90 | Self::P99 | Self::Late | Self::CommonMedian | Self::CommonP99 => {
                format!("{value:.1}")
            }
            Self::Allocations | Self::Cpu => format!("{value:.1}"),
            Self::Spans | Self::Away => format!("{value:.2}"),
            Self::Memory | Self::Size => format!("{:.1}", value / 1e6),
            Self::Start => format!("{:.1}", value * 1e3),
        }
    }
}

/// A table of Markdown that can be read as it is.
fn render<'a>(corner: &'a str, head: Vec<String>, rows: impl IntoIterator<Item = (&'a str, Vec<String>)>) -> String {
    let lines: Vec<(&str, Vec<String>)> = [(corner, head)].into_iter().chain(rows).collect();
    let first = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let columns = lines.iter().map(|(_, cells)| cells.len()).max().unwrap_or_default();
    let width = |column: usize| lines.iter().filter_map(|(_, cells)| Some(cells.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..columns).filter_map(width).collect();
    let mut text = String::new();
    for (index, (name, cells)) in lines.iter().enumerate() {
        // Writing to a string can't fail.
        let _ = write!(text, "| {name:first$} |");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, " {cell:>width$} |");
        }
        text.push('\n');
        if index == 0 {
            let _ = write!(text, "|{}|", "-".repeat(first + 2));
            for width in &widths {
                let _ = write!(text, "{}:|", "-".repeat(width + 1));
            }
            text.push('\n');
        }
    }
    text
}

/// 1234567.8 as 1,234,568.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
