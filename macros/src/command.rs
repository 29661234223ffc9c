//! `#[command]`: a function that the binary runs once, in place of serving.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;

use crate::{
    arguments::{self, Arguments},
    errors::Errors,
    function::Function,
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
        let (text, description) = (self.function.name().replace('_', "-"), self.function.description());
        let constant = quote! {
            const COMMAND: ::seaworthy::CommandSpec = ::seaworthy::CommandSpec::new(#text, #description);
        };
        state::runs(self.function, &self.parameters, &quote!(Command), &constant)
    }

    fn stand_in(&self) -> TokenStream {
        let constant = quote!(
            const COMMAND: ::seaworthy::CommandSpec = ::seaworthy::CommandSpec::new("", "");
        );
        state::runs_not(self.function, &quote!(Command), &constant)
    }
}
