//! `#[cloud_service]`: the set-up of a service, and what it is made of.

mod listed;

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericArgument, Ident, Meta, PatType, PathArguments, ReturnType, Signature, Type, TypePath};

use self::listed::Listed;
use crate::{
    arguments::{self, Arguments, Names, Switch, Text, Time, TimeOrNone},
    errors::{Errors, mistake, show},
    function::{Function, cfgs, last_name, unnamed},
    rules,
};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(function) = Function::read(item.clone(), "cloud_service", &arguments, &mut errors) else {
        return quote!(#item #errors);
    };
    let service = Service::new(&function, arguments, &mut errors);
    if service.is_audited() {
        rules::audit(&mut errors);
    }
    if function.is_method() {
        return quote!(#function #errors);
    }
    let marked = if errors.is_empty() { service.expand() } else { service.stand_in(&mut errors) };
    quote!(#marked #errors)
}

struct Service<'a> {
    function: &'a Function,
    name: Option<Text>,
    /// Its own defaults of settings of the runtime, by their variables.
    defaults: Vec<(&'static str, Time)>,
    audit: bool,
    /// The one parameter.
    config: Option<&'a PatType>,
    /// Whether a list of readiness checks was given, if only as `none`.
    lists_readiness: bool,
    listed: Vec<Listed>,
}

#[derive(Default, FromMeta)]
#[darling(default)]
struct ServiceArguments {
    health: Option<Names>,
    ready: Option<Names>,
    workers: Option<Names>,
    commands: Option<Names>,
    controllers: Option<Unsupported>,
    name: Option<Text>,
    audit: Option<Switch>,
    lame_duck: Option<TimeOrNone>,
    drain: Option<Time>,
    grace: Option<Time>,
    request_timeout: Option<Time>,
}

impl Arguments for ServiceArguments {
    const ATTRIBUTE: &'static str = "cloud_service";
    const EXAMPLES: &'static [(&'static str, &'static str)] = &[
        ("health", "health(..)"),
        ("ready", "ready(..)"),
        ("workers", "workers(..)"),
        ("commands", "commands(..)"),
        ("controllers", ""),
        ("name", "name = \"..\""),
        ("audit", "audit = false"),
        ("lame_duck", "lame_duck = \"5s\""),
        ("drain", "drain = \"15s\""),
        ("grace", "grace = \"30s\""),
        ("request_timeout", "request_timeout = \"30s\""),
    ];
}

/// An argument that is known, but can't be used yet.
struct Unsupported;

impl FromMeta for Unsupported {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        let name = show(meta.path());
        let what = format!("`{name}` is not supported yet");
        Err(mistake(meta.path(), what, "remove it").into())
    }
}

impl<'a> Service<'a> {
    fn new(function: &'a Function, arguments: TokenStream, errors: &mut Errors) -> Self {
        let what = "a service";
        let arguments: ServiceArguments = arguments::parse(arguments, errors);
        function.check_async(errors);
        function.check_plain(what, errors);
        function.check_concrete(what, errors);
        check_returns(function, errors);
        let config = check_config(function, errors);
        let lists_readiness = arguments.ready.is_some();
        let mut listed = Vec::new();
        listed::add(arguments.health, "health", &mut listed, errors);
        listed::add(arguments.ready, "ready", &mut listed, errors);
        listed::add(arguments.workers, "worker", &mut listed, errors);
        listed::add(arguments.commands, "command", &mut listed, errors);
        let audit = arguments.audit.is_none_or(|Switch(audit)| audit);
        let defaults = [
            ("LAME_DUCK", arguments.lame_duck.map(|TimeOrNone(time)| time)),
            ("DRAIN_TIMEOUT", arguments.drain),
            ("TERMINATION_GRACE", arguments.grace),
            ("REQUEST_TIMEOUT", arguments.request_timeout),
        ];
        let defaults = defaults.into_iter().filter_map(|(variable, time)| Some((variable, time?))).collect();
        Self { function, name: arguments.name, defaults, audit, config, lists_readiness, listed }
    }

    /// Whether the other files of the crate are looked at: from the root of a program, unless it says otherwise.
    fn is_audited(&self) -> bool {
        self.audit && self.is_main()
    }

    /// A function called `main` moves into the implementation; any other is called from there.
    fn is_main(&self) -> bool {
        self.function.signature.ident == "main"
    }

    fn expand(&self) -> TokenStream {
        let item = self.function.type_item();
        let service = self.implementation();
        if self.is_main() {
            let main = self.main();
            quote!(#item #service #main)
        } else {
            let function = self.function;
            quote!(#function #item #service)
        }
    }

    fn implementation(&self) -> TokenStream {
        let cfgs = cfgs(&self.function.attributes);
        let type_name = self.function.type_name();
        let config = self.config_type();
        let output = self.function.output();
        let about = self.about();
        let defaults = self.defaults();
        let parts = self.parts();
        let start = self.start();
        quote! {
            #(#cfgs)*
            impl ::seaworthy::CloudService for #type_name {
                #about
                #defaults
                type Config = #config;
                type Output = #output;
                #parts
                #start
            }
        }
    }

    fn about(&self) -> TokenStream {
        let name = match &self.name {
            Some(Text(name)) => name.to_token_stream(),
            None => quote!(env!("CARGO_PKG_NAME")),
        };
        let description = self.function.description();
        quote! {
            const ABOUT: ::seaworthy::About = ::seaworthy::About {
                name: #name,
                version: env!("CARGO_PKG_VERSION"),
                description: #description,
            };
        }
    }

    fn defaults(&self) -> Option<TokenStream> {
        let defaults = self.defaults.iter().map(|(variable, Time { literal, .. })| quote!((#variable, #literal)));
        (!self.defaults.is_empty())
            .then(|| quote!(const DEFAULTS: &'static [(&'static str, &'static str)] = &[#(#defaults),*];))
    }

    /// The list of checks, workers and commands. A function that isn't marked has no type: the one of the same name in
    /// `unmarked` then takes its place, and its missing implementation says what to do.
    fn parts(&self) -> TokenStream {
        let new = self.new_parts();
        if self.listed.is_empty() {
            return quote! {
                fn parts() -> ::seaworthy::Parts<Self> {
                    #new
                }
            };
        }
        let mut names: Vec<Ident> = self.listed.iter().map(Listed::name).collect();
        names.sort();
        names.dedup();
        let aliases = self.listed.iter().map(|listed| &listed.alias);
        let listed_names = self.listed.iter().map(Listed::name);
        let uses = self.listed.iter().map(Listed::import);
        let adds = self.listed.iter().map(Listed::add);
        quote! {
            fn parts() -> ::seaworthy::Parts<Self> {
                mod unmarked {
                    #(pub enum #names {})*
                }
                use unmarked::{#(#listed_names as #aliases),*};
                {
                    #[allow(unused_imports)]
                    use {#(#uses),*};
                    #new #(#adds)*
                }
            }
        }
    }

    fn new_parts(&self) -> TokenStream {
        if self.lists_readiness {
            quote!(::seaworthy::Parts::<Self>::new())
        } else {
            let output = self.function.output();
            quote!(::seaworthy::Parts::<Self>::stateless::<#output>())
        }
    }

    fn start(&self) -> TokenStream {
        let output = self.function.output();
        if self.is_main() {
            let attributes = own_attributes(self.function);
            let asyncness = &self.function.signature.asyncness;
            let inputs = self.start_inputs();
            let body = &self.function.body;
            return quote! {
                #(#attributes)*
                #asyncness fn start(#inputs) -> #output #body
            };
        }
        let call = &self.function.signature.ident;
        match self.config {
            Some(PatType { ty, .. }) => quote! {
                async fn start(config: #ty) -> #output {
                    #call(config).await
                }
            },
            None => quote! {
                async fn start(_: ()) -> #output {
                    #call().await
                }
            },
        }
    }

    fn start_inputs(&self) -> TokenStream {
        match self.config {
            Some(config) => quote!(#config),
            None => quote!(_: ()),
        }
    }

    fn main(&self) -> TokenStream {
        let cfgs = cfgs(&self.function.attributes);
        let type_name = self.function.type_name();
        let main = &self.function.signature.ident;
        quote! {
            #(#cfgs)*
            fn #main() -> ::std::process::ExitCode {
                ::seaworthy::run::<#type_name>()
            }
        }
    }

    fn config_type(&self) -> TokenStream {
        match self.config {
            Some(config) => config.ty.to_token_stream(),
            None => quote!(()),
        }
    }

    /// A service that can be named, and the user's function where its body is still read.
    fn stand_in(&self, errors: &mut Errors) -> TokenStream {
        let function = self.function;
        let cfgs = cfgs(&function.attributes);
        let item = function.type_item();
        let type_name = function.type_name();
        let config = self.config_type();
        let kept = if self.is_main() { self.kept_main(errors) } else { function.to_token_stream() };
        quote! {
            #kept
            #item
            #(#cfgs)*
            impl ::seaworthy::CloudService for #type_name {
                const ABOUT: ::seaworthy::About = ::seaworthy::About {
                    name: "",
                    version: "",
                    description: "",
                };
                type Config = #config;
                type Output = ::seaworthy::axum::Router;
                fn parts() -> ::seaworthy::Parts<Self> {
                    ::seaworthy::Parts::<Self>::new()
                }
                async fn start(_: #config) -> ::seaworthy::axum::Router {
                    ::seaworthy::axum::Router::new()
                }
            }
        }
    }

    /// `main` as it was written, under another name, and one that the compiler accepts.
    fn kept_main(&self, errors: &mut Errors) -> TokenStream {
        let function = self.function;
        let cfgs = cfgs(&function.attributes);
        let attributes = own_attributes(function);
        let Signature { asyncness, generics, inputs, .. } = &function.signature;
        let mut body = function.body.to_token_stream();
        let output = match &function.signature.output {
            ReturnType::Type(_, output) if unnamed(output).is_none() => output.to_token_stream(),
            _ => {
                let error = errors.take_first();
                body = quote!({ let _ = #error; #body });
                quote!(impl Sized)
            }
        };
        let type_name = function.type_name();
        quote! {
            #(#cfgs)*
            #[allow(dead_code)]
            impl #type_name {
                #(#attributes)*
                #asyncness fn start #generics(#inputs) -> #output #body
            }
            #(#cfgs)*
            fn #type_name() {}
        }
    }
}

const RETURNS: &str = "return `Router`, `Service<S>`, or a `Result` of either";

/// That the function returns what is called a service. Whether it is one, its trait says.
fn check_returns(function: &Function, errors: &mut Errors) {
    let name = &function.signature.ident;
    match &function.signature.output {
        ReturnType::Default => errors.add(name, format!("`{name}` returns no service"), RETURNS),
        ReturnType::Type(_, output) => match unnamed(output) {
            Some(unnamed) => errors.add(output, format!("a service can't be returned as `{unnamed}`"), RETURNS),
            None if is_service(output) => {}
            None => errors.add(output, format!("`{}` is no service", show(output)), RETURNS),
        },
    }
}

/// Whether a type is called `Router`, `Service`, or a `Result` of either (or an alias of that).
fn is_service(ty: &Type) -> bool {
    let Type::Path(TypePath { path, .. }) = ty else {
        return false;
    };
    let Some(last) = path.segments.last() else {
        return false;
    };
    let name = last.ident.to_string();
    if !name.ends_with("Result") {
        return name == "Router" || name == "Service";
    }
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inside)) => is_service(inside),
            _ => true,
        },
        _ => true,
    }
}

/// The one parameter, if there is one.
fn check_config<'a>(function: &'a Function, errors: &mut Errors) -> Option<&'a PatType> {
    let mut parameters = function.parameters();
    let config = parameters.next()?;
    for second in parameters {
        errors.add(
            second,
            "a service takes one parameter, its configuration",
            "make it a field of the struct that is marked `#[config(env)]`",
        );
    }
    let ty = &*config.ty;
    if last_name(ty).is_some_and(|name| name == "State") {
        errors.add(
            config,
            format!("`{}` can't take state: it makes it", function.name()),
            "take the configuration: `config: Config`",
        );
        return None;
    }
    if let Type::Reference(reference) = ty {
        let owned = show(&reference.elem);
        errors.add(ty, "a service owns its configuration", format!("write `{owned}`, without `&`"));
        return None;
    }
    Some(config)
}

/// The attributes that the function keeps where it moves: `cfg` and the doc comment are said elsewhere.
fn own_attributes(function: &Function) -> impl Iterator<Item = &syn::Attribute> {
    let attributes = function.attributes.iter();
    attributes.filter(|attribute| !["cfg", "doc"].iter().any(|shared| attribute.path().is_ident(shared)))
}
