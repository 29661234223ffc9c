//! `#[config(env)]`: a struct that is read from the environment.

mod default;
mod names;

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Expr, Fields, Ident, Meta, Token, Type, ext::IdentExt, punctuated::Punctuated,
};

use self::{default::Default as FieldDefault, names::Names};
use crate::{
    arguments::{self, Arguments, Text, Word},
    errors::{Errors, mistake, show},
    function::{cfgs, description, kind},
    rules::{self, Allows},
};

#[cfg(test)]
pub(crate) use self::default::is_size;
pub(crate) use self::names::is_reserved;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut input: DeriveInput = match syn::parse2(item.clone()) {
        Ok(input) => input,
        Err(error) => {
            wrong_item(item.clone(), error, &mut errors);
            return quote!(#item #errors);
        }
    };
    let config = Config::new(&input, arguments, &mut errors);
    let marked = if errors.is_empty() { config.expand() } else { config.stand_in() };
    without_ours(&mut input);
    quote!(#input #marked #errors)
}

struct Config {
    item: Item,
    /// What its variables begin with.
    prefix: String,
    fields: Vec<Field>,
}

/// What the implementation says of the struct itself.
struct Item {
    name: Ident,
    cfgs: Vec<Attribute>,
    generic: bool,
}

struct Field {
    name: Ident,
    ty: Type,
    cfgs: Vec<Attribute>,
    source: Source,
}

/// Where the value of a field comes from.
enum Source {
    Variable { name: String, about: String, default: Option<FieldDefault> },
    Nested { prefix: String },
    Skipped,
}

#[derive(Default, FromMeta)]
#[darling(default)]
struct StructArguments {
    env: Option<Word>,
    prefix: Option<Text>,
}

impl Arguments for StructArguments {
    const ATTRIBUTE: &'static str = "config";
    const EXAMPLES: &'static [(&'static str, &'static str)] = &[("env", "env"), ("prefix", "prefix = \"APP\"")];
}

#[derive(Default, FromMeta)]
#[darling(default)]
struct FieldArguments {
    default: Option<Given>,
    env: Option<Text>,
    flatten: Option<Word>,
    skip: Option<Word>,
}

impl Arguments for FieldArguments {
    const ATTRIBUTE: &'static str = "config";
    const EXAMPLES: &'static [(&'static str, &'static str)] =
        &[("default", "default = \"..\""), ("env", "env = \"NAME\""), ("flatten", "flatten"), ("skip", "skip")];
}

/// `default = 3`.
struct Given(Expr);

impl FromMeta for Given {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        match meta {
            Meta::NameValue(pair) => Ok(Self(pair.value.clone())),
            _ => Err(mistake(meta, "`default` has no value", "write `default = \"..\"`, as the variable would say it")
                .into()),
        }
    }
}

impl Config {
    fn new(input: &DeriveInput, arguments: TokenStream, errors: &mut Errors) -> Self {
        let mut config = Self {
            item: Item {
                name: input.ident.clone(),
                cfgs: cfgs(&input.attrs).into_iter().cloned().collect(),
                generic: !input.generics.params.is_empty(),
            },
            prefix: struct_prefix(arguments, &input.ident, errors),
            fields: Vec::new(),
        };
        if config.item.generic {
            errors.add(&input.generics, "a configuration can't be generic", "write the types that it is used with");
        }
        let Some(fields) = named_fields(input, errors) else {
            return config;
        };
        let mut names = Names::default();
        for field in fields {
            let Some(name) = &field.ident else {
                continue;
            };
            let source = source(field, name, &config.prefix, &mut names, errors);
            config.fields.push(Field {
                name: name.clone(),
                ty: field.ty.clone(),
                cfgs: cfgs(&field.attrs).into_iter().cloned().collect(),
                source,
            });
        }
        names.check_file_forms(errors);
        config
    }

    fn expand(&self) -> TokenStream {
        let Item { name, cfgs, .. } = &self.item;
        let variables = self.fields.iter().filter_map(Field::variable);
        let values = self.fields.iter().map(Field::value);
        let prefix = self.prefix();
        let check = self.check_variables();
        let takes = |field: &Field| !matches!(field.source, Source::Skipped);
        let parameter = if self.fields.iter().any(takes) { quote!(values) } else { quote!(_) };
        quote! {
            #(#cfgs)*
            impl ::seaworthy::Config for #name {
                const VARIABLES: &'static [::seaworthy::config::Variable] = &[#(#variables),*];
                #prefix
                fn build(#parameter: &mut ::seaworthy::config::Values) -> Self {
                    Self { #(#values),* }
                }
            }
            #check
        }
    }

    /// What names nested structs have, the compiler knows only when it has read them.
    fn check_variables(&self) -> Option<TokenStream> {
        let Item { name, cfgs, .. } = &self.item;
        let nests = self.fields.iter().any(|field| matches!(field.source, Source::Nested { .. }));
        let check = quote_spanned!(name.span()=> ::seaworthy::__private::check_variables::<#name>());
        nests.then(|| quote!(#(#cfgs)* const _: () = #check;))
    }

    fn prefix(&self) -> Option<TokenStream> {
        let prefix = &self.prefix;
        (!prefix.is_empty()).then(|| quote!(const PREFIX: &'static str = #prefix;))
    }

    /// So that a service with this configuration is no second mistake.
    fn stand_in(&self) -> TokenStream {
        let Item { name, cfgs, generic } = &self.item;
        if *generic {
            return TokenStream::new();
        }
        quote! {
            #(#cfgs)*
            impl ::seaworthy::Config for #name {
                const VARIABLES: &'static [::seaworthy::config::Variable] = &[];
                fn build(_: &mut ::seaworthy::config::Values) -> Self {
                    unimplemented!()
                }
            }
        }
    }
}

impl Field {
    /// Its line in the table.
    fn variable(&self) -> Option<TokenStream> {
        let Self { ty, cfgs, .. } = self;
        match &self.source {
            Source::Variable { name, about, default } => {
                let default = default.as_ref().map(|default| default.expand(ty));
                Some(quote! {
                    #(#cfgs)*
                    ::seaworthy::config::Variable::new::<#ty>(#name, #about) #default
                })
            }
            Source::Nested { prefix } => Some(quote! {
                #(#cfgs)*
                ::seaworthy::config::Variable::nested::<#ty>(#prefix)
            }),
            Source::Skipped => None,
        }
    }

    /// Where the struct takes it from.
    fn value(&self) -> TokenStream {
        let Self { name: field, cfgs, .. } = self;
        match &self.source {
            Source::Variable { name, .. } => quote!(#(#cfgs)* #field: values.take(#name)),
            Source::Nested { prefix } => quote!(#(#cfgs)* #field: values.nested(#prefix)),
            Source::Skipped => quote!(#(#cfgs)* #field: ::std::default::Default::default()),
        }
    }
}

/// Notes that the attribute stands above something that is no type.
fn wrong_item(item: TokenStream, error: syn::Error, errors: &mut Errors) {
    match syn::parse2::<syn::Item>(item) {
        Ok(other) => {
            let (kind, at) = kind(&other);
            let what = format!("`#[config(env)]` marks a struct, not {kind}");
            errors.add(at, what, "put it above the struct that holds the settings");
        }
        Err(_) => errors.extend(error),
    }
}

/// Reads the arguments above the struct: what comes before each of its variables.
fn struct_prefix(arguments: TokenStream, name: &Ident, errors: &mut Errors) -> String {
    let before = errors.len();
    if let Some(allow) = rules::first_allow(&arguments) {
        let help = "write it above the field: `#[config(allow(SW006, reason = \"..\"))]`";
        errors.add(allow, "the rules of a configuration look at its fields", help);
    }
    let StructArguments { env, prefix } = arguments::parse(arguments, errors);
    if env.is_none() && errors.len() == before {
        let what = format!("nothing says where `{name}` is read from");
        errors.add(name, what, "write `#[config(env)]`");
    }
    prefix.map_or_else(String::new, |Text(prefix)| names::prefix(&prefix, errors))
}

/// Reads one field.
fn source(field: &syn::Field, name: &Ident, prefix: &str, names: &mut Names, errors: &mut Errors) -> Source {
    let (arguments, allows) = field_arguments(&field.attrs, errors);
    let source = checked_source(field, name, prefix, arguments, &allows, names, errors);
    allows.warn_of_unused("config", errors);
    source
}

fn checked_source(
    field: &syn::Field,
    name: &Ident,
    prefix: &str,
    FieldArguments { default, env, flatten, skip }: FieldArguments,
    allows: &Allows,
    names: &mut Names,
    errors: &mut Errors,
) -> Source {
    if let Some(Word(skip)) = skip {
        let others = [
            env.map(|Text(env)| (env.to_token_stream(), "env")),
            default.map(|Given(default)| (default.to_token_stream(), "default")),
            flatten.map(|Word(flatten)| (flatten.to_token_stream(), "flatten")),
        ];
        for (at, other) in others.into_iter().flatten() {
            let what = format!("a skipped field has no `{other}`");
            errors.add(at, what, format!("remove `{other}` or `{}`", show(&skip)));
        }
        return Source::Skipped;
    }
    if flatten.is_some() {
        if let Some(Given(default)) = default {
            errors.add(
                default,
                "a flattened field has no default of its own",
                format!("give the fields of `{}` defaults", show(&field.ty)),
            );
        }
        let own = env.map(|Text(env)| names::prefix(&env, errors));
        let prefix = format!("{prefix}{}", own.unwrap_or_default());
        names.add_nested(field, &prefix, errors);
        return Source::Nested { prefix };
    }
    let variable = match env {
        Some(Text(env)) => names::exact(&env, errors),
        None => format!("{prefix}{}", name.unraw().to_string().to_uppercase()),
    };
    names.add(field, name, &variable, errors);
    let given = default.as_ref().map(|Given(default)| default);
    let checked = rules::Field { name, ty: &field.ty, variable: &variable, default: given };
    // One mistake is one error: what is wrong with the field is mended before its default is read.
    let is_broken = rules::check_field(&checked, allows, errors);
    let default = default.filter(|_| !is_broken);
    let default = default.and_then(|Given(default)| FieldDefault::new(default, &field.ty, errors));
    Source::Variable { name: variable, about: description(&field.attrs), default }
}

/// The arguments of every `#[config(..)]` of a field.
fn field_arguments(attributes: &[Attribute], errors: &mut Errors) -> (FieldArguments, Allows) {
    let mut items = Vec::new();
    let mut allows = Allows::default();
    for attribute in attributes.iter().filter(|attribute| is_ours(attribute)) {
        match &attribute.meta {
            Meta::List(list) => {
                allows.extend(Allows::of_attribute(&list.tokens, errors));
                items.extend(arguments::parse_list::<FieldArguments>(list.tokens.clone(), errors));
            }
            meta => errors.add(
                meta,
                "this says nothing of the field",
                "write `#[config(default = \"..\")]`, say, or remove it",
            ),
        }
    }
    (arguments::read(items, errors), allows)
}

/// The fields of a struct that has names for them.
fn named_fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a Punctuated<syn::Field, Token![,]>> {
    let name = &input.ident;
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(&fields.named),
            Fields::Unnamed(fields) => errors.add(
                fields,
                format!("the fields of `{name}` have no names to read them by"),
                format!("write `struct {name} {{ name: Type }}`"),
            ),
            Fields::Unit => errors.add(
                name,
                format!("`{name}` has no fields to read"),
                format!("write `struct {name} {{ name: Type }}`"),
            ),
        },
        Data::Enum(data) => errors.add(
            data.enum_token,
            "a configuration is a struct, not an enum",
            format!("derive `Deserialize` for `{name}`, and make it a field"),
        ),
        Data::Union(data) => {
            errors.add(data.union_token, "a configuration is a struct, not a union", format!("write `struct {name}`"))
        }
    }
    None
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("config")
}

/// Takes our attributes off the fields, wherever they stand.
fn without_ours(input: &mut DeriveInput) {
    let clean = |fields: &mut Fields| {
        for field in fields {
            field.attrs.retain(|attribute| !is_ours(attribute));
        }
    };
    match &mut input.data {
        Data::Struct(data) => clean(&mut data.fields),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                variant.attrs.retain(|attribute| !is_ours(attribute));
                clean(&mut variant.fields);
            }
        }
        Data::Union(data) => {
            for field in &mut data.fields.named {
                field.attrs.retain(|attribute| !is_ours(attribute));
            }
        }
    }
}
