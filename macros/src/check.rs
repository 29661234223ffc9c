//! `#[health]` and `#[ready]`: a function that says whether the process, or what it needs, is well.

use std::time::Duration;

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;

use crate::{
    arguments::{self, Arguments, Switch, Time},
    duration,
    errors::{Errors, show},
    function::{Function, cfgs, last_name, local},
    state::{self, Parameter},
};

const RETURNS: &str = "return `()`, `bool`, `StatusCode` or a `Result`";

/// How often a check runs where nothing else is said, as `Check::new` has it.
pub(crate) const EVERY: Duration = Duration::from_secs(5);

pub(crate) fn health(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(function) = Function::read(item.clone(), "health", &arguments, &mut errors) else {
        return quote!(#item #errors);
    };
    let check = Health::new(&function, arguments, &mut errors);
    if function.is_method() {
        return quote!(#function #errors);
    }
    let marked = if errors.is_empty() { check.expand() } else { check.stand_in() };
    quote!(#function #marked #errors)
}

pub(crate) fn ready(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(function) = Function::read(item.clone(), "ready", &arguments, &mut errors) else {
        return quote!(#item #errors);
    };
    let check = Ready::new(&function, arguments, &mut errors);
    if function.is_method() {
        return quote!(#function #errors);
    }
    let marked = if errors.is_empty() { check.expand() } else { check.stand_in() };
    quote!(#function #marked #errors)
}

// === Health ===

struct Health<'a> {
    function: &'a Function,
    arguments: HealthArguments,
}

#[derive(Default, FromMeta)]
#[darling(default)]
struct HealthArguments {
    every: Option<Time>,
    timeout: Option<Time>,
}

impl Arguments for HealthArguments {
    const ATTRIBUTE: &'static str = "health";
    const EXAMPLES: &'static [(&'static str, &'static str)] =
        &[("every", "every = \"5s\""), ("timeout", "timeout = \"1s\"")];
}

impl<'a> Health<'a> {
    fn new(function: &'a Function, arguments: TokenStream, errors: &mut Errors) -> Self {
        let what = "a liveness check";
        let arguments: HealthArguments = arguments::parse(arguments, errors);
        check_times(arguments.every.as_ref(), arguments.timeout.as_ref(), errors);
        function.check_plain(what, errors);
        function.check_concrete(what, errors);
        function.check_output(what, RETURNS, errors);
        for parameter in function.parameters() {
            let ty = show(&parameter.ty);
            let help = match last_name(&parameter.ty) {
                Some(name) if name == "State" => {
                    "make it `#[ready]`: a restart can't mend what is down elsewhere".to_owned()
                }
                _ => format!("remove it: nothing gives `{}` one", function.name()),
            };
            errors.add(parameter, format!("{what} can't take `{ty}`"), help);
        }
        Self { function, arguments }
    }

    fn expand(&self) -> TokenStream {
        let function = self.function;
        let cfgs = cfgs(&function.attributes);
        let item = function.type_item();
        let name = function.type_name();
        let call = &function.signature.ident;
        let (output, output_type) = (local("output"), function.output());
        let wait = function.signature.asyncness.map(|_| quote!(.await));
        let (text, description) = (function.name(), function.description());
        let every = every(self.arguments.every.as_ref());
        let timeout = timeout(self.arguments.timeout.as_ref());
        quote! {
            #item
            #(#cfgs)*
            impl ::seaworthy::Liveness for #name {
                const CHECK: ::seaworthy::Check =
                    ::seaworthy::Check::new(#text, #description) #every #timeout;
                async fn check() -> ::seaworthy::Outcome {
                    let #output = #call() #wait;
                    ::seaworthy::__private::check_outcome::<#output_type>(#output)
                }
            }
        }
    }

    /// So that listing the check is no second mistake.
    fn stand_in(&self) -> TokenStream {
        let cfgs = cfgs(&self.function.attributes);
        let item = self.function.type_item();
        let name = self.function.type_name();
        quote! {
            #item
            #(#cfgs)*
            impl ::seaworthy::Liveness for #name {
                const CHECK: ::seaworthy::Check = ::seaworthy::Check::new("", "");
                async fn check() -> ::seaworthy::Outcome {
                    Ok(())
                }
            }
        }
    }
}

// === Ready ===

struct Ready<'a> {
    function: &'a Function,
    arguments: ReadyArguments,
    parameters: Vec<Parameter<'a>>,
}

#[derive(Default, FromMeta)]
#[darling(default)]
struct ReadyArguments {
    every: Option<Time>,
    timeout: Option<Time>,
    critical: Option<Switch>,
}

impl Arguments for ReadyArguments {
    const ATTRIBUTE: &'static str = "ready";
    const EXAMPLES: &'static [(&'static str, &'static str)] =
        &[("every", "every = \"5s\""), ("timeout", "timeout = \"1s\""), ("critical", "critical = false")];
}

impl<'a> Ready<'a> {
    fn new(function: &'a Function, arguments: TokenStream, errors: &mut Errors) -> Self {
        let what = "a readiness check";
        let arguments: ReadyArguments = arguments::parse(arguments, errors);
        check_times(arguments.every.as_ref(), arguments.timeout.as_ref(), errors);
        function.check_async(errors);
        function.check_plain(what, errors);
        function.check_concrete(what, errors);
        function.check_output(what, RETURNS, errors);
        let parameters = state::parameters(function, what, errors);
        for parameter in &parameters {
            if let Parameter::Shutdown(ty) = parameter {
                let what = format!("{what} can't take `Shutdown`");
                errors.add(ty, what, "remove it: a check ends by itself or at its `timeout`");
            }
        }
        Self { function, arguments, parameters }
    }

    fn expand(&self) -> TokenStream {
        let function = self.function;
        let cfgs = cfgs(&function.attributes);
        let item = function.type_item();
        let name = function.type_name();
        let call = &function.signature.ident;
        let (output, output_type) = (local("output"), function.output());
        let generic = state::generic(function);
        let bounds = state::bounds(&self.parameters, &generic);
        let values = self.parameters.iter().map(Parameter::value);
        let (text, description) = (function.name(), function.description());
        let every = every(self.arguments.every.as_ref());
        let timeout = timeout(self.arguments.timeout.as_ref());
        let critical = critical(self.arguments.critical.as_ref());
        let state = state::state(&self.parameters);
        quote! {
            #item
            #(#cfgs)*
            impl<#generic: Sync> ::seaworthy::Readiness<#generic> for #name #bounds {
                const CHECK: ::seaworthy::Check =
                    ::seaworthy::Check::new(#text, #description) #every #timeout #critical;
                async fn check(#state: &#generic) -> ::seaworthy::Outcome {
                    let #output = #call(#(#values),*).await;
                    ::seaworthy::__private::check_outcome::<#output_type>(#output)
                }
            }
        }
    }

    /// So that listing the check is no second mistake.
    fn stand_in(&self) -> TokenStream {
        let cfgs = cfgs(&self.function.attributes);
        let item = self.function.type_item();
        let name = self.function.type_name();
        quote! {
            #item
            #(#cfgs)*
            impl<S: Sync> ::seaworthy::Readiness<S> for #name {
                const CHECK: ::seaworthy::Check = ::seaworthy::Check::new("", "");
                async fn check(_: &S) -> ::seaworthy::Outcome {
                    Ok(())
                }
            }
        }
    }
}

// === The arguments of both ===

/// A run that may take longer than the time between two would make the check's result old.
fn check_times(every: Option<&Time>, timeout: Option<&Time>, errors: &mut Errors) {
    let between = every.map_or(EVERY, |every| every.duration);
    if let Some(timeout) = timeout
        && timeout.duration > between
    {
        errors.add(
            &timeout.literal,
            format!("the check may run longer than the {} between two runs", duration::show(between)),
            format!("shorten `timeout`, or write `every = \"{}\"`", timeout.literal.value()),
        );
    }
}

fn every(every: Option<&Time>) -> Option<TokenStream> {
    let every = duration::expression(every?.duration);
    Some(quote!(.every(#every)))
}

fn timeout(timeout: Option<&Time>) -> Option<TokenStream> {
    let timeout = duration::expression(timeout?.duration);
    Some(quote!(.timeout(#timeout)))
}

fn critical(critical: Option<&Switch>) -> Option<TokenStream> {
    let Switch(critical) = critical?;
    Some(quote!(.critical(#critical)))
}
