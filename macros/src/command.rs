//! `#[command]`: a function that the binary runs once, in place of serving.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;

use crate::{
    arguments::{self, Arguments},
    errors::Errors,
    function::{Function, cfgs, local},
    state::{self, Parameter},
};

/// What the binary of every service does by these names.
const BUILT_IN: [&str; 4] = ["check", "help", "manifest", "probe"];

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(function) = Function::read(item.clone(), "command", &arguments, &mut errors) else {
        return quote!(#item #errors);
    };
    let command = Command::new(&function, arguments, &mut errors);
    if function.is_method() {
        return quote!(#function #errors);
    }
    let marked = if errors.is_empty() { command.expand() } else { command.stand_in() };
    quote!(#function #marked #errors)
}

struct Command<'a> {
    function: &'a Function,
    parameters: Vec<Parameter<'a>>,
}

#[derive(Default, FromMeta)]
#[darling(default)]
struct CommandArguments {}

impl Arguments for CommandArguments {
    const ATTRIBUTE: &'static str = "command";
    const EXAMPLES: &'static [(&'static str, &'static str)] = &[];
}

impl<'a> Command<'a> {
    fn new(function: &'a Function, arguments: TokenStream, errors: &mut Errors) -> Self {
        let what = "a command";
        let CommandArguments {} = arguments::parse(arguments, errors);
        function.check_async(errors);
        function.check_plain(what, errors);
        function.check_concrete(what, errors);
        function.check_output(what, "return `()` or a `Result`", errors);
        let name = function.name();
        if BUILT_IN.contains(&name.as_str()) {
            errors.add(
                &function.signature.ident,
                format!("each service has a command `{name}` already"),
                format!("give the function another name, such as `{name}_data`"),
            );
        }
        let parameters = state::parameters(function, what, errors);
        state::check_one_shutdown(&parameters, errors);
        Self { function, parameters }
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
        let (text, description) = (function.name().replace('_', "-"), function.description());
        let state = state::state(&self.parameters);
        let shutdown = state::shutdown(&self.parameters);
        quote! {
            #item
            #(#cfgs)*
            impl<#generic: Sync> ::seaworthy::Command<#generic> for #name #bounds {
                const COMMAND: ::seaworthy::CommandSpec = ::seaworthy::CommandSpec::new(#text, #description);
                async fn run(#state: &#generic, #shutdown: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
                    let #output = #call(#(#values),*).await;
                    ::seaworthy::__private::worker_outcome::<#output_type>(#output)
                }
            }
        }
    }

    /// So that listing the command is no second mistake.
    fn stand_in(&self) -> TokenStream {
        let cfgs = cfgs(&self.function.attributes);
        let item = self.function.type_item();
        let name = self.function.type_name();
        quote! {
            #item
            #(#cfgs)*
            impl<S: Sync> ::seaworthy::Command<S> for #name {
                const COMMAND: ::seaworthy::CommandSpec = ::seaworthy::CommandSpec::new("", "");
                async fn run(_: &S, _: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
                    Ok(())
                }
            }
        }
    }
}
