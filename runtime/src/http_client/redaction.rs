//! URLs without the credentials that are in them, by the rule of the telemetry.

use std::borrow::Cow;

use reqwest::{Body, Response, ResponseBuilderExt};
use url::Url;

use crate::telemetry::redacted_query;

/// What the conventions have in the place of a credential.
const REDACTED: &str = "REDACTED";

/// Takes the credentials out of a URL; says whether there were some.
pub(super) fn redact(url: &mut Url) -> bool {
    let mut changed = false;
    if !url.username().is_empty() || url.password().is_some() {
        // They can't be set only where there are none.
        _ = url.set_username(REDACTED);
        _ = url.set_password(Some(REDACTED));
        changed = true;
    }
    if let Some(Cow::Owned(query)) = url.query().map(redacted_query) {
        url.set_query(Some(&query));
        changed = true;
    }
    changed
}

/// The answer, whose URL ends up in the errors of its methods, without credentials.
pub(super) fn without_secrets(answer: Response) -> Response {
    let mut url = answer.url().clone();
    if !redact(&mut url) {
        return answer;
    }
    let mut answer = http::Response::<Body>::from(answer);
    // The only way to say the URL.
    if let Ok(with_url) = http::Response::builder().url(url).body(()) {
        answer.extensions_mut().extend(with_url.into_parts().0.extensions);
    }
    answer.into()
}
