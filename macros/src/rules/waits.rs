//! How long code waits, where it says so: `tokio::time::sleep(Duration::from_secs(5))`.

use std::{ops::Range, time::Duration};

use crate::{
    code::{Code, Kind},
    duration,
};

/// A wait of a known length.
pub(super) struct Wait {
    pub(super) first: usize,
    pub(super) last: usize,
    /// `tokio::time::timeout`
    pub(super) name: String,
    pub(super) longest: Duration,
}

const WAITS: [&str; 2] = ["tokio::time::sleep", "tokio::time::timeout"];

/// What goes on when the function has returned: that it waits is another matter.
const ELSEWHERE: [&str; 4] = ["tokio::spawn", "tokio::task::spawn", "async_stream::stream", "async_stream::try_stream"];
const ELSEWHERE_METHODS: [&str; 3] = ["on_upgrade", "spawn", "then"];
const ELSEWHERE_MACROS: [&str; 2] = ["stream", "try_stream"];
/// What makes a stream, whoever's it is.
const STREAMS: [&str; 3] = ["repeat_with", "try_unfold", "unfold"];

/// The waits in the range. What a `timeout` is around ends with it, and is left out.
pub(super) fn waits(code: &Code, range: Range<usize>) -> Vec<Wait> {
    let inside = |at: usize| range.contains(&at);
    let mut waits = Vec::new();
    for path in code.calls(&WAITS).filter(|path| inside(path.tokens.start)) {
        if let Some(longest) = path.arguments().and_then(|open| first_duration(code, open)) {
            let tokens = path.tokens.clone();
            waits.push(Wait { first: tokens.start, last: tokens.end - 1, name: path.name.clone(), longest });
        }
    }
    for method in code.methods_named(&["timeout"]).filter(|method| inside(method.name)) {
        if let Some(longest) = first_duration(code, method.arguments) {
            waits.push(Wait { first: method.name, last: method.name, name: "timeout".into(), longest });
        }
    }
    waits.retain(|wait| !is_elsewhere(code, wait.first));
    waits
}

fn is_elsewhere(code: &Code, at: usize) -> bool {
    let holds = |open: usize| open <= at && at < code.partner(open);
    let streams = code.paths().iter().filter(|path| path.is_call() && STREAMS.contains(&path.last_name()));
    code.calls(&["tokio::time::timeout"])
        .chain(code.calls(&ELSEWHERE))
        .chain(code.macros(&ELSEWHERE_MACROS))
        .chain(streams)
        .any(|path| path.arguments().is_some_and(holds))
        || code.methods_named(&ELSEWHERE_METHODS).any(|method| holds(method.arguments))
}

/// The duration that is given first, where it is written there.
fn first_duration(code: &Code, open: usize) -> Option<Duration> {
    let first = code.parts(code.inside(open)).into_iter().next()?;
    let path = code.paths().iter().find(|path| path.tokens.start == first.start)?;
    let given = path.arguments()?;
    if code.after(given) != first.end {
        return None;
    }
    let (start, unit) = path.name.rsplit_once("::")?;
    if !matches!(start, "Duration" | "std::time::Duration" | "core::time::Duration" | "tokio::time::Duration") {
        return None;
    }
    let number = product(code, code.inside(given))?;
    let duration = match unit {
        "from_millis" => Duration::from_millis(number),
        "from_secs" => Duration::from_secs(number),
        "from_mins" => Duration::from_secs(number.checked_mul(60)?),
        "from_hours" => Duration::from_secs(number.checked_mul(3600)?),
        _ => return None,
    };
    Some(duration)
}

/// A time among the arguments of an attribute.
#[derive(Clone, Copy)]
pub(super) enum Argument {
    /// It is not there, and has its default.
    Missing,
    /// It is not as expected: that is said elsewhere, and once.
    Wrong,
    /// With the token that says it.
    Given(usize, Duration),
}

impl Argument {
    pub(super) fn of(code: &Code, arguments: Range<usize>, name: &str) -> Self {
        let parts = code.parts(arguments);
        let Some(part) = parts.iter().find(|part| code.is_word(part.start, name)) else {
            return Self::Missing;
        };
        let at = part.start + 2;
        let text = code.string(at).filter(|_| code.is(part.start + 1, "="));
        text.and_then(duration::parse).map_or(Self::Wrong, |time| Self::Given(at, time))
    }

    /// The time that counts, where there is one.
    pub(super) fn or(self, default: Duration) -> Option<Duration> {
        match self {
            Self::Missing => Some(default),
            Self::Wrong => None,
            Self::Given(_, time) => Some(time),
        }
    }

    /// The token that says it.
    pub(super) fn place(self) -> Option<usize> {
        match self {
            Self::Given(at, _) => Some(at),
            Self::Missing | Self::Wrong => None,
        }
    }
}

/// `60`, `5 * 60`.
fn product(code: &Code, range: Range<usize>) -> Option<u64> {
    let mut product: u64 = 1;
    for (index, at) in range.enumerate() {
        if index % 2 == 1 {
            code.is(at, "*").then_some(())?;
            continue;
        }
        (code.kind(at) == Some(Kind::Number)).then_some(())?;
        let number = code.text(at).replace('_', "");
        let digits = number.trim_end_matches("u64").trim_end_matches("u32");
        product = product.checked_mul(digits.parse().ok()?)?;
    }
    Some(product)
}
