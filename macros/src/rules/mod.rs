//! The constraints of a cloud-native service that a macro can see. One file a rule.

mod foreign_attribute;
pub(crate) mod plain_secret;

use crate::{errors::Errors, function::Function};

/// Checks the function that `#[attribute]` stands above against every rule. What would be a second mistake is taken
/// out of it.
pub(crate) fn check(function: &mut Function, attribute: &str, errors: &mut Errors) {
    foreign_attribute::check(function, attribute, errors);
}
