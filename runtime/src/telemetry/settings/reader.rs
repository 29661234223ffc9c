//! One variable after the other: its text, what it may be, and what is said where it is not.

use std::{fmt::Display, str::FromStr, time::Duration};

use super::{Propagator, SamplerChoice};
use crate::{config::Environment, sorted::Sorted};

/// As good as none, and the most that a variable can say: 49 days.
const NO_LIMIT: Duration = Duration::from_millis(u32::MAX as u64);

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

    /// A variable that is set.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.environment.text(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The first of these that is set, and its name. The variable of one signal comes before that of all signals.
    pub(super) fn first(&self, names: [&'static str; 2]) -> Option<(&'static str, &'a str)> {
        names.into_iter().find_map(|name| Some((name, self.text(name)?)))
    }

    /// One of two, the first where nothing is said.
    pub(super) fn one_of<T: Copy>(&mut self, names: [&'static str; 2], choices: [(&str, T); 2]) -> T {
        let [(default, one), (other, another)] = choices;
        match self.first(names) {
            Some((_, text)) if text.eq_ignore_ascii_case(other) => return another,
            Some((name, text)) if !text.eq_ignore_ascii_case(default) => {
                self.ignore(name, text, format!("expected `{default}` or `{other}`"));
            }
            _ => {}
        }
        one
    }

    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    pub(super) fn ignore(&mut self, name: &str, text: &str, why: impl Display) {
        self.warnings.push(format!("{name}={text:?} is ignored: {why}"));
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        let text = self.text(name).unwrap_or("false");
        if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") {
            self.ignore(name, text, "expected `true` or `false`");
        }
        text.eq_ignore_ascii_case("true")
    }

    /// At least 1.
    pub(super) fn count(&mut self, name: &str, default: usize) -> usize {
        self.number(name, 1, default, "expected a positive whole number")
    }

    /// 0 is no time at all.
    pub(super) fn delay(&mut self, name: &str, default: Duration) -> Duration {
        self.milliseconds(name, default)
    }

    /// 0 is no limit.
    pub(super) fn timeout(&mut self, name: &str, default: Duration) -> Duration {
        Some(self.milliseconds(name, default)).filter(|time| !time.is_zero()).unwrap_or(NO_LIMIT)
    }

    fn milliseconds(&mut self, name: &str, default: Duration) -> Duration {
        let default = default.as_millis().try_into().unwrap_or(u32::MAX);
        Duration::from_millis(self.number(name, 0, default, "expected a whole number of milliseconds").into())
    }

    fn number<T: FromStr + PartialOrd>(&mut self, name: &str, least: T, default: T, expected: &str) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.parse() {
            Ok(number) if number >= least => number,
            _ => {
                self.ignore(name, text, expected);
                default
            }
        }
    }

    /// `a=1,b=2`, percent-encoded. The name alone is shown of what can't be used: these may be secrets.
    pub(super) fn pairs(&mut self, name: &str) -> Sorted<String> {
        let mut pairs = Sorted::new();
        for pair in self.text(name).unwrap_or_default().split(',') {
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
        let text = self.text(name).unwrap_or("tracecontext,baggage");
        let mut propagators = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let propagator = match &*item.to_ascii_lowercase() {
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
        let Some(text) = self.text(name) else {
            return SamplerChoice::ParentBasedAlwaysOn;
        };
        match &*text.to_ascii_lowercase() {
            "always_on" => SamplerChoice::AlwaysOn,
            "always_off" => SamplerChoice::AlwaysOff,
            "traceidratio" => SamplerChoice::Ratio(self.ratio()),
            "parentbased_always_on" => SamplerChoice::ParentBasedAlwaysOn,
            "parentbased_always_off" => SamplerChoice::ParentBasedAlwaysOff,
            "parentbased_traceidratio" => SamplerChoice::ParentBasedRatio(self.ratio()),
            _ => {
                let expected =
                    "expected `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`";
                self.ignore(name, text, expected);
                SamplerChoice::ParentBasedAlwaysOn
            }
        }
    }

    fn ratio(&mut self) -> f64 {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let Some(text) = self.text(name) else {
            return 1.0;
        };
        match text.parse() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
            _ => {
                self.ignore(name, text, "expected a number from 0 to 1");
                1.0
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
