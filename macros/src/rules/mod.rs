//! The constraints of a cloud-native service that a macro can see. One file a rule.

mod foreign_attribute;

use crate::{errors::Errors, function::Function};

/// Checks the function that `#[attribute]` stands above against every rule.
pub(crate) fn check(function: &Function, attribute: &str, errors: &mut Errors) {
    foreign_attribute::check(function, attribute, errors);
}
