//! Which events become lines: `RUST_LOG`, and what replaces it while the service runs.

use tracing_subscriber::EnvFilter;

/// What is logged where nothing else is asked for.
const DEFAULT: &str = "info";

/// The filter for a text that somebody sends, or what is wrong with it.
pub(crate) fn checked_filter(directives: &str) -> Result<EnvFilter, String> {
    let directives = directives.trim();
    if directives.is_empty() {
        return Err("expected directives, such as `info` or `info,my_service=debug`".into());
    }
    EnvFilter::builder()
        .with_regex(false)
        .parse(directives)
        .map_err(|error| format!("{directives:?} is no log filter: {error}"))
}

/// The filter to start with. Directives that can't be used are left out, and said.
pub(crate) fn initial_filter(directives: Option<&str>) -> (EnvFilter, Vec<String>) {
    let directives = directives.unwrap_or(DEFAULT);
    let mut good = Vec::new();
    let mut warnings = Vec::new();
    for directive in directives.split(',').map(str::trim) {
        if directive.is_empty() {
            continue;
        }
        match checked_filter(directive) {
            Ok(_) => good.push(directive),
            Err(error) => warnings.push(format!("a part of RUST_LOG is ignored: {error}")),
        }
    }
    let filter = checked_filter(&good.join(",")).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    (filter, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_directives_stay_when_others_are_bad() {
        for (directives, warnings, filter) in [
            (None, 0, "info"),
            (Some("debug"), 0, "debug"),
            (Some("my_service=trace,info"), 0, "my_service=trace,info"),
            (Some("my_service=loud,warn"), 1, "warn"),
            (Some("=,=,="), 3, "info"),
            (Some("a=b=c"), 1, "info"),
            (Some(" , "), 0, "info"),
            (Some("[span{a=1}]=debug,warn"), 0, "[span{a=1}]=debug,warn"),
        ] {
            let (built, said) = initial_filter(directives);
            assert_eq!(said.len(), warnings, "{directives:?}: {said:?}");
            let mut parts: Vec<_> = built.to_string().split(',').map(str::to_owned).collect();
            let mut expected: Vec<_> = filter.split(',').map(str::to_owned).collect();
            parts.sort();
            expected.sort();
            assert_eq!(parts, expected);
        }
    }

    #[test]
    fn a_bad_filter_is_refused() {
        for bad in ["", "  ", "my_service=loud", "a=b=c"] {
            assert!(checked_filter(bad).is_err(), "{bad:?}");
        }
        assert!(checked_filter("info,my_service=debug").is_ok());
    }
}
