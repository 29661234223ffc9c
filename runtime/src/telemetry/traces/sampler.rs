//! Which traces are kept. Decided once, where a trace begins in this process; what it calls follows.

use super::ids::Ids;
use crate::telemetry::settings::SamplerChoice;

/// Whether to keep the trace, whose parent elsewhere said so if there is one.
///
/// As the SDK's samplers do, so that services of other languages keep the same traces at the same ratio.
pub(crate) fn is_sampled(choice: SamplerChoice, trace: u128, parent: Option<Ids>) -> bool {
    match (choice, parent) {
        (
            SamplerChoice::ParentBasedAlwaysOn
            | SamplerChoice::ParentBasedAlwaysOff
            | SamplerChoice::ParentBasedRatio(_),
            Some(parent),
        ) => parent.sampled,
        (SamplerChoice::AlwaysOn | SamplerChoice::ParentBasedAlwaysOn, _) => true,
        (SamplerChoice::AlwaysOff | SamplerChoice::ParentBasedAlwaysOff, _) => false,
        (SamplerChoice::Ratio(ratio) | SamplerChoice::ParentBasedRatio(ratio), _) => is_in_ratio(trace, ratio),
    }
}

/// By the last 63 bits of the id, which are random.
fn is_in_ratio(trace: u128, ratio: f64) -> bool {
    let bound = (ratio.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64;
    ((trace as u64) >> 1) < bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::traces::ids::new_trace_id;

    #[test]
    fn a_parent_decides_where_the_choice_says_so() {
        let parent = |sampled| Some(Ids { trace: 1 << 70, span: 1, sampled, random: false });
        for (choice, alone, kept, dropped) in [
            (SamplerChoice::AlwaysOn, true, true, true),
            (SamplerChoice::AlwaysOff, false, false, false),
            (SamplerChoice::ParentBasedAlwaysOn, true, true, false),
            (SamplerChoice::ParentBasedAlwaysOff, false, true, false),
            (SamplerChoice::ParentBasedRatio(0.0), false, true, false),
            (SamplerChoice::Ratio(1.0), true, true, true),
        ] {
            assert_eq!(is_sampled(choice, 1 << 70, None), alone, "{choice:?}");
            assert_eq!(is_sampled(choice, 1 << 70, parent(true)), kept, "{choice:?}");
            assert_eq!(is_sampled(choice, 1 << 70, parent(false)), dropped, "{choice:?}");
        }
    }

    #[test]
    fn the_ratio_is_that_of_the_sdk() {
        // Of opentelemetry_sdk's `TraceIdRatioBased`: the ids below this bound.
        let bound = 1_u128 << 62;
        assert!(is_in_ratio(bound - 1, 0.25));
        assert!(!is_in_ratio(bound, 0.25));
        let kept = (0..10_000).filter(|_| is_in_ratio(new_trace_id(), 0.25)).count();
        assert!((2_000..3_000).contains(&kept), "{kept}");
    }
}
