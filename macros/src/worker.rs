//! `#[worker]`: a function that runs beside the requests, as long as the service does.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, ExprLit, Lit, Meta};

use crate::{
    arguments::{self, Arguments, Range, did_you_mean},
    duration,
    errors::{Errors, mistake, show},
    function::Function,
    state::{self, Parameter},
};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(function) = Function::read(item.clone(), "worker", &arguments, &mut errors) else {
        return quote!(#item #errors);
    };
    let worker = Worker::new(&function, arguments, &mut errors);
    if function.is_method() {
        return quote!(#function #errors);
    }
    let marked = if errors.is_empty() { worker.expand() } else { worker.stand_in() };
    quote!(#function #marked #errors)
}

struct Worker<'a> {
    function: &'a Function,
    arguments: WorkerArguments,
    parameters: Vec<Parameter<'a>>,
}

#[derive(Default, FromMeta)]
#[darling(default)]
struct WorkerArguments {
    restart: Option<Restart>,
    backoff: Option<Range>,
}

impl Arguments for WorkerArguments {
    const ATTRIBUTE: &'static str = "worker";
    const EXAMPLES: &'static [(&'static str, &'static str)] =
        &[("restart", "restart = \"on-failure\""), ("backoff", "backoff = \"1s..1m\"")];
}

/// `restart = "always"`, as an expression.
struct Restart(TokenStream);

impl FromMeta for Restart {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        const KNOWN: [&str; 3] = ["always", "on-failure", "never"];
        let written = match meta {
            Meta::NameValue(pair) => quote::ToTokens::to_token_stream(&pair.value),
            meta => quote!(#meta),
        };
        let text = match meta {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
                value => show(value),
            },
            meta => show(meta),
        };
        match text.as_str() {
            "always" => Ok(Self(quote!(::seaworthy::Restart::Always))),
            "on-failure" => Ok(Self(quote!(::seaworthy::Restart::OnFailure))),
            "never" => Ok(Self(quote!(::seaworthy::Restart::Never))),
            text => {
                let lower = text.to_lowercase().replace(['_', ' '], "-");
                let close = did_you_mean(&lower, KNOWN.into_iter());
                let help = close.map_or_else(
                    || "write `\"always\"`, `\"on-failure\"` or `\"never\"`".into(),
                    |close| format!("did you mean `restart = \"{close}\"`?"),
                );
                Err(mistake(written, "`restart` says when to start it again", help).into())
            }
        }
    }
}

impl<'a> Worker<'a> {
    fn new(function: &'a Function, arguments: TokenStream, errors: &mut Errors) -> Self {
        let what = "a worker";
        let arguments: WorkerArguments = arguments::parse(arguments, errors);
        function.check_async(errors);
        function.check_plain(what, errors);
        function.check_concrete(what, errors);
        function.check_output(what, "return `()` or a `Result`", errors);
        let parameters = state::parameters(function, what, errors);
        state::check_one_shutdown(&parameters, errors);
        Self { function, arguments, parameters }
    }

    fn expand(&self) -> TokenStream {
        let (text, description) = (self.function.name(), self.function.description());
        let restart = self.restart();
        let backoff = self.backoff();
        let constant = quote! {
            const WORKER: ::seaworthy::WorkerSpec =
                ::seaworthy::WorkerSpec::new(#text, #description) #restart #backoff;
        };
        state::runs(self.function, &self.parameters, &quote!(Worker), &constant)
    }

    fn stand_in(&self) -> TokenStream {
        let constant = quote!(
            const WORKER: ::seaworthy::WorkerSpec = ::seaworthy::WorkerSpec::new("", "");
        );
        state::runs_not(self.function, &quote!(Worker), &constant)
    }

    fn restart(&self) -> Option<TokenStream> {
        let Restart(restart) = self.arguments.restart.as_ref()?;
        Some(quote!(.restart(#restart)))
    }

    fn backoff(&self) -> Option<TokenStream> {
        let Range { first, longest } = self.arguments.backoff.as_ref()?;
        let first = duration::expression(*first);
        let longest = duration::expression(*longest);
        Some(quote!(.backoff(#first, #longest)))
    }
}
