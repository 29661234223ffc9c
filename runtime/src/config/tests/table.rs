use std::panic::{UnwindSafe, catch_unwind};

use super::*;
use crate::config::{self, Environment};

struct Inner {
    host: String,
}

impl Config for Inner {
    const VARIABLES: &'static [Variable] = &[Variable::new::<String>("HOST", "Where it is.")];

    fn build(values: &mut Values) -> Self {
        Self { host: values.take("HOST") }
    }
}

struct Outer {
    name: String,
    main: Inner,
    spare: Inner,
}

impl Config for Outer {
    const VARIABLES: &'static [Variable] = &[
        Variable::nested::<Inner>("MAIN_"),
        Variable::new::<String>("NAME", "What it is called."),
        Variable::nested::<Inner>("SPARE_"),
    ];

    fn build(values: &mut Values) -> Self {
        Self { name: values.take("NAME"), spare: values.nested("SPARE_"), main: values.nested("MAIN_") }
    }
}

/// A configuration whose `build` is wrong in the way `N` says.
struct Wrong<const N: u8>;

impl<const N: u8> Config for Wrong<N> {
    const VARIABLES: &'static [Variable] = &[Variable::new::<u16>("LIMIT", "How many.").default("1")];

    fn build(values: &mut Values) -> Self {
        match N {
            0 => drop(values.take::<u16>("LIMITS")),
            1 => drop(values.take::<u32>("LIMIT")),
            2 => drop((values.take::<u16>("LIMIT"), values.take::<u16>("LIMIT"))),
            _ => drop(values.nested::<Inner>("DB_")),
        }
        Self
    }
}

fn message(panics: impl FnOnce() + UnwindSafe) -> String {
    let panic = catch_unwind(panics).expect_err("it panics");
    *panic.downcast::<String>().expect("a message")
}

fn of_wrong<const N: u8>() -> String {
    message(|| drop(config::read::<Wrong<N>>(&Environment::default()))).replace(module_path!(), "m")
}

#[test]
fn nested_configurations_have_their_prefix() {
    let environment = [("NAME", "n"), ("MAIN_HOST", "a"), ("SPARE_HOST", "b")];
    let outer: Outer = config::read(&Environment::from_iter(environment)).unwrap();
    assert_eq!((&*outer.name, &*outer.main.host, &*outer.spare.host), ("n", "a", "b"));
}

#[test]
fn what_begins_with_the_prefix_of_a_nested_configuration_is_known_or_warned_of() {
    let set = [("NAME", "n"), ("MAIN_HOST", "a"), ("SPARE_HOST", "b"), ("SPARE_COLOUR", "red")];
    let loaded = config::load::<Outer>(&Environment::from_iter(set), &[]).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(loaded.warnings, ["`SPARE_COLOUR` is set, but nothing reads it; `--help` shows every variable"]);
}

#[test]
fn a_build_that_does_not_fit_its_table_is_told_what_to_write() {
    assert_eq!(
        of_wrong::<0>(),
        "`m::Wrong<0>::build` takes `LIMITS`, which is not in `m::Wrong<0>::VARIABLES`\n\
         help: add `Variable::new::<u16>(\"LIMITS\", \"..\")` to it, or take one of: LIMIT"
    );
    assert_eq!(
        of_wrong::<1>(),
        "`m::Wrong<1>::build` takes `LIMIT` as `u32`, but in `m::Wrong<1>::VARIABLES` it is `u16`\n\
         help: write `values.take::<u16>(\"LIMIT\")`, or `Variable::new::<u32>(\"LIMIT\", \"..\")`"
    );
    assert_eq!(
        of_wrong::<2>(),
        "`m::Wrong<2>::build` takes `LIMIT` twice\n\
         help: take each variable once, and clone the value where two fields need it"
    );
    assert_eq!(
        of_wrong::<3>(),
        "`m::Wrong<3>::build` takes a nested `m::Inner` with the prefix \"DB_\" that is not in \
         `m::Wrong<3>::VARIABLES`, or was taken before\n\
         help: add `Variable::nested::<m::Inner>(\"DB_\")` to it, and take it once"
    );
}

#[test]
fn debug_of_a_value_shows_its_type_alone() {
    let value = Value::new::<&str>("hunter2");
    assert_eq!(format!("{value:?}"), "Value::new::<&str>(..)");
}
