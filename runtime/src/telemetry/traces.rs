//! Traces: what of `tracing`'s spans becomes a span of OpenTelemetry, and where those go.
//!
//! There is a tracer in every process, also where nothing is exported: ids are made, logged and passed on in any case,
//! and an operator who adds a collector changes nothing but what is kept.

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider, Tracer, TracerProviderBuilder},
};
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::settings::SamplerChoice;

/// Crates whose spans tell of the machinery, not of the service. Those of an exporter would be exported by it again.
const MACHINERY: &[&str] = &["h2", "hyper", "hyper_util", "opentelemetry", "opentelemetry_sdk"];

/// A tracer provider, as yet without a way out.
pub(crate) fn provider(sampler: SamplerChoice, resource: Resource) -> TracerProviderBuilder {
    let parent_based = |sampler| Sampler::ParentBased(Box::new(sampler));
    SdkTracerProvider::builder().with_resource(resource).with_sampler(match sampler {
        SamplerChoice::AlwaysOn => Sampler::AlwaysOn,
        SamplerChoice::AlwaysOff => Sampler::AlwaysOff,
        SamplerChoice::Ratio(ratio) => Sampler::TraceIdRatioBased(ratio),
        SamplerChoice::ParentBasedAlwaysOn => parent_based(Sampler::AlwaysOn),
        SamplerChoice::ParentBasedAlwaysOff => parent_based(Sampler::AlwaysOff),
        SamplerChoice::ParentBasedRatio(ratio) => parent_based(Sampler::TraceIdRatioBased(ratio)),
    })
}

/// The layer that makes spans of OpenTelemetry, with nothing on them that the conventions don't ask for. To be used
/// with [`SpanFilter`].
pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> OpenTelemetryLayer<S, Tracer>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("seaworthy"))
        .with_location(false)
        .with_threads(false)
        .with_level(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_error_fields_to_exceptions(false)
        .with_error_records_to_exceptions(false)
}

/// Lets spans through, whatever `RUST_LOG` says, from `INFO` up. Events become log records, not span events.
pub(crate) struct SpanFilter;

// === impl SpanFilter ===

fn is_recorded(metadata: &Metadata<'_>) -> bool {
    let origin = metadata.target().split("::").next().unwrap_or_default();
    metadata.is_span() && *metadata.level() <= Level::INFO && !MACHINERY.contains(&origin)
}

impl<S> Filter<S> for SpanFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        is_recorded(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_recorded(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

/// Spans that ended, kept for tests to look at.
#[cfg(any(test, feature = "testing"))]
pub(crate) mod collected {
    use std::{
        collections::VecDeque,
        sync::{Mutex, PoisonError},
        time::Duration,
    };

    use opentelemetry::Context;
    use opentelemetry_sdk::{
        error::OTelSdkResult,
        trace::{Span, SpanData, SpanProcessor},
    };

    /// How many are kept; the oldest go first.
    const KEPT: usize = 100_000;

    static SPANS: Mutex<VecDeque<SpanData>> = Mutex::new(VecDeque::new());

    /// The spans that ended in this process so far, of all services in it. Tests tell theirs by the trace's id.
    pub(crate) fn finished_spans() -> Vec<SpanData> {
        let spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().cloned().collect()
    }

    /// Keeps spans in memory.
    #[derive(Debug)]
    pub(crate) struct Collector;

    impl SpanProcessor for Collector {
        fn on_start(&self, _: &mut Span, _: &Context) {}

        fn on_end(&self, span: SpanData) {
            let mut spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
            if spans.len() == KEPT {
                spans.pop_front();
            }
            spans.push_back(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }
}
