//! What checks, workers and commands take: parts of the service's state, and `Shutdown`. And how the latter two run.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Pat, PatType, Type};

use crate::{
    errors::{Errors, show},
    function::{Function, cfgs, last_name, local, words},
};

/// A parameter of a check, a worker or a command.
pub(crate) enum Parameter<'a> {
    /// `State<T>`: a part of the service's state.
    State(&'a Type),
    /// `Shutdown`.
    Shutdown(&'a Type),
}

impl Parameter<'_> {
    /// What is given for it.
    pub(crate) fn value(&self) -> TokenStream {
        match self {
            Self::State(_) => {
                let state = local("state");
                quote!(::seaworthy::FromState::from_state(#state))
            }
            Self::Shutdown(_) => local("shutdown").to_token_stream(),
        }
    }
}

/// Reads the parameters of a check, a worker or a command. What is neither of the two is left out and noted.
pub(crate) fn parameters<'a>(function: &'a Function, what: &str, errors: &mut Errors) -> Vec<Parameter<'a>> {
    let mut parameters = Vec::new();
    for parameter in function.parameters() {
        let ty = &*parameter.ty;
        match last_name(ty) {
            Some(name) if name == "State" => parameters.push(Parameter::State(ty)),
            Some(name) if name == "Shutdown" => parameters.push(Parameter::Shutdown(ty)),
            _ => {
                let what = format!("{what} can't take `{}`", show(ty));
                errors.add(parameter, what, instead(parameter));
            }
        }
    }
    parameters
}

/// Notes each `Shutdown` after the first.
pub(crate) fn check_one_shutdown(parameters: &[Parameter<'_>], errors: &mut Errors) {
    let shutdowns = parameters.iter().filter_map(|parameter| match parameter {
        Parameter::Shutdown(ty) => Some(ty),
        Parameter::State(_) => None,
    });
    for second in shutdowns.skip(1) {
        errors.add(second, "`Shutdown` is taken twice", "keep one: it can be cloned");
    }
}

/// The implementation of a trait whose `run` calls the function with what it takes: that of a worker or a command.
/// `constant` is what else the trait wants.
pub(crate) fn runs(
    function: &Function,
    parameters: &[Parameter<'_>],
    of: &TokenStream,
    constant: &TokenStream,
) -> TokenStream {
    let cfgs = cfgs(&function.attributes);
    let item = function.type_item();
    let name = function.type_name();
    let call = &function.signature.ident;
    let (output, output_type) = (local("output"), function.output());
    let generic = generic(function);
    let bounds = bounds(parameters, &generic);
    let values = parameters.iter().map(Parameter::value);
    let state = state(parameters);
    let shutdown = shutdown(parameters);
    quote! {
        #item
        #(#cfgs)*
        impl<#generic: Sync> ::seaworthy::#of<#generic> for #name #bounds {
            #constant
            async fn run(#state: &#generic, #shutdown: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
                let #output = #call(#(#values),*).await;
                ::seaworthy::__private::worker_outcome::<#output_type>(#output)
            }
        }
    }
}

/// One that does nothing, so that listing a function with a mistake is no second mistake.
pub(crate) fn runs_not(function: &Function, of: &TokenStream, constant: &TokenStream) -> TokenStream {
    let cfgs = cfgs(&function.attributes);
    let item = function.type_item();
    let name = function.type_name();
    quote! {
        #item
        #(#cfgs)*
        impl<S: Sync> ::seaworthy::#of<S> for #name {
            #constant
            async fn run(_: &S, _: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
                Ok(())
            }
        }
    }
}

/// The name of the service's state, which is none that the function's signature speaks of.
pub(crate) fn generic(function: &Function) -> Ident {
    let signature = &function.signature;
    let mut words = quote!(#signature).into_iter().flat_map(words);
    let name = if words.any(|word| word == "S") { "ServiceState" } else { "S" };
    Ident::new(name, Span::call_site())
}

/// Where the state must give something: each type once.
pub(crate) fn bounds(parameters: &[Parameter<'_>], state: &Ident) -> Option<TokenStream> {
    let mut types: Vec<&Type> = Vec::new();
    for parameter in parameters {
        if let Parameter::State(ty) = parameter
            && types.iter().all(|known| show(known) != show(ty))
        {
            types.push(ty);
        }
    }
    (!types.is_empty()).then(|| quote!(where #(#types: ::seaworthy::FromState<#state>),*))
}

/// The name of the parameter `state`, or `_` where nothing is taken from it.
pub(crate) fn state(parameters: &[Parameter<'_>]) -> TokenStream {
    let taken = |parameter: &Parameter<'_>| matches!(parameter, Parameter::State(_));
    name("state", parameters.iter().any(taken))
}

/// The name of the parameter `shutdown`, or `_` where it is not taken.
pub(crate) fn shutdown(parameters: &[Parameter<'_>]) -> TokenStream {
    let taken = |parameter: &Parameter<'_>| matches!(parameter, Parameter::Shutdown(_));
    name("shutdown", parameters.iter().any(taken))
}

fn name(name: &str, used: bool) -> TokenStream {
    if used { local(name).to_token_stream() } else { quote!(_) }
}

/// What to write instead of a parameter that is neither a part of the state nor `Shutdown`.
fn instead(parameter: &PatType) -> String {
    const OF_A_REQUEST: [&str; 12] = [
        "Path",
        "Query",
        "Json",
        "Form",
        "Request",
        "Extension",
        "HeaderMap",
        "Method",
        "Uri",
        "Bytes",
        "ConnectInfo",
        "MatchedPath",
    ];
    let mut ty = &*parameter.ty;
    while let Type::Reference(reference) = ty {
        ty = &reference.elem;
    }
    if last_name(ty).is_some_and(|name| OF_A_REQUEST.iter().any(|request| name == request)) {
        return "there is no request here: take parts of the state, as `State<..>`".into();
    }
    let name = match &*parameter.pat {
        Pat::Ident(name) => name.ident.to_string(),
        _ => "part".into(),
    };
    let ty = show(ty);
    format!("take it from the state: `State({name}): State<{ty}>`")
}
