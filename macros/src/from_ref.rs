//! `#[derive(FromRef)]`: gives handlers, checks and workers each field of the service's state.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Field, Fields, Ident};

use crate::{
    errors::{Errors, show},
    function::cfgs,
};

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let parts = State::new(&input, &mut errors).expand();
    quote!(#parts #errors)
}

struct State<'a> {
    name: &'a Ident,
    /// The fields that are given.
    parts: Vec<(&'a Ident, &'a Field)>,
}

impl<'a> State<'a> {
    fn new(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let name = &input.ident;
        let mut parts: Vec<(&Ident, &Field)> = Vec::new();
        if !input.generics.params.is_empty() {
            errors.add(
                &input.generics,
                format!("`{name}` is generic, and the state of a service is not"),
                "write the types that it is used with",
            );
            return Self { name, parts };
        }
        let fields = match &input.data {
            Data::Struct(data) => &data.fields,
            Data::Enum(data) => {
                errors.add(data.enum_token, WHAT, HELP);
                return Self { name, parts };
            }
            Data::Union(data) => {
                errors.add(data.union_token, WHAT, HELP);
                return Self { name, parts };
            }
        };
        if let Fields::Unnamed(unnamed) = fields {
            errors.add(unnamed, "the fields of this state have no names", "name them");
        }
        for field in fields {
            let Some(ident) = &field.ident else {
                continue;
            };
            if skips(&field.attrs, errors) {
                continue;
            }
            let same = |(_, other): &&(_, &Field)| show(&other.ty) == show(&field.ty) && cfgs(&other.attrs).is_empty();
            match parts.iter().find(same) {
                Some((first, _)) if cfgs(&field.attrs).is_empty() => errors.add(
                    field,
                    format!("`{first}` and `{ident}` have one type: which is `State<{}>`?", show(&field.ty)),
                    "give one a type of its own, or mark it `#[from_ref(skip)]`",
                ),
                _ => parts.push((ident, field)),
            }
        }
        Self { name, parts }
    }

    fn expand(&self) -> TokenStream {
        let name = self.name;
        let parts = self.parts.iter().map(|(ident, Field { attrs, ty, .. })| {
            let cfgs = cfgs(attrs);
            quote! {
                #(#cfgs)*
                impl ::seaworthy::axum::extract::FromRef<#name> for #ty {
                    fn from_ref(state: &#name) -> Self {
                        <#ty as ::std::clone::Clone>::clone(&state.#ident)
                    }
                }
            }
        });
        quote!(#(#parts)*)
    }
}

const WHAT: &str = "the state of a service is a struct";
const HELP: &str = "write a struct with a field for each part";

/// Whether a field is marked `#[from_ref(skip)]`.
fn skips(attributes: &[Attribute], errors: &mut Errors) -> bool {
    let mut skipped = false;
    for attribute in attributes {
        if !attribute.path().is_ident("from_ref") {
            continue;
        }
        match attribute.parse_args::<Ident>() {
            Ok(word) if word == "skip" && !skipped => skipped = true,
            Ok(word) if word == "skip" => {
                errors.add(attribute, "`skip` is given twice", "keep one of the two");
            }
            _ => errors.add(
                attribute,
                format!("`{}` is not known here", show(attribute.meta.to_token_stream())),
                "write `#[from_ref(skip)]`",
            ),
        }
    }
    skipped
}
