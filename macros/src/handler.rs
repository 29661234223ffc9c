//! `#[handler]`: a span around a handler, and a record of its error.

use darling::FromMeta;
use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Expr, GenericArgument, Ident, LitStr, Meta, PathArguments, ReturnType, Token, Type,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    parse_quote,
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    arguments::{self, Arguments, Text},
    errors::{Errors, mistake, show},
    function::{Function, cfgs, local},
};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(function) = Function::read(item.clone(), "handler", &arguments, &mut errors) else {
        return quote!(#item #errors);
    };
    let handler = Handler::new(&function, arguments, &mut errors);
    let marked = if errors.is_empty() { handler.expand() } else { function.to_token_stream() };
    quote!(#marked #errors)
}

struct Handler<'a> {
    function: &'a Function,
    arguments: HandlerArguments,
}

#[derive(Default, FromMeta)]
#[darling(default)]
struct HandlerArguments {
    name: Option<Text>,
    fields: Option<Fields>,
    skip: Option<Skip>,
}

impl Arguments for HandlerArguments {
    const ATTRIBUTE: &'static str = "handler";
    const EXAMPLES: &'static [(&'static str, &'static str)] =
        &[("name", "name = \"..\""), ("fields", "fields(user.id = user_id)"), ("skip", "")];
}

/// `fields(user.id = user_id, name)`.
struct Fields(Vec<Field>);

/// A field of the span: its name, and the expression of its value.
struct Field {
    name: Punctuated<Ident, Token![.]>,
    value: Expr,
}

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = Punctuated::parse_separated_nonempty_with(input, Ident::parse_any)?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() {
            input.parse()?
        } else {
            let named: TokenStream = name.to_token_stream();
            syn::parse2(named)?
        };
        Ok(Self { name, value })
    }
}

impl FromMeta for Fields {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        let help = "write `fields(user.id = user_id, name)`";
        let Meta::List(list) = meta else {
            return Err(mistake(meta, "`fields` is a list in parentheses", help).into());
        };
        let fields = Punctuated::<Field, Token![,]>::parse_terminated.parse2(list.tokens.clone()).map_err(|error| {
            syn::Error::new(error.span(), format!("`fields` lists names with their values\nhelp: {help}"))
        })?;
        let mut known = Vec::new();
        let mut errors = darling::Error::accumulator();
        for field in &fields {
            let name = show(&field.name);
            if known.contains(&name) {
                let what = format!("the field `{name}` is given twice");
                errors.push(mistake(&field.name, what, "keep one of the two").into());
            }
            known.push(name);
        }
        errors.finish_with(Self(fields.into_iter().collect()))
    }
}

/// `skip(..)`, as `#[tracing::instrument]` has it.
struct Skip;

impl FromMeta for Skip {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        Err(mistake(
            meta,
            "there is nothing to skip: no parameter is recorded by itself",
            "remove it, and name what to record: `fields(user.id = user_id)`",
        )
        .into())
    }
}

impl<'a> Handler<'a> {
    fn new(function: &'a Function, arguments: TokenStream, errors: &mut Errors) -> Self {
        let arguments: HandlerArguments = arguments::parse(arguments, errors);
        function.check_async(errors);
        function.check_plain("a handler", errors);
        Self { function, arguments }
    }

    fn expand(&self) -> TokenStream {
        let function = self.function;
        let cfgs = cfgs(&function.attributes);
        let wrapped = self.wrapped();
        let item = function.type_item();
        let type_name = function.type_name();
        let name = match &self.arguments.name {
            Some(Text(name)) => name.value(),
            None => function.name(),
        };
        let path = LitStr::new(&format!("::{}", function.name()), type_name.span());
        quote! {
            #wrapped
            #item
            #(#cfgs)*
            impl ::seaworthy::Handler for #type_name {
                const NAME: &'static str = #name;
                const FUNCTION: &'static str = concat!(module_path!(), #path);
            }
        }
    }

    /// The function with its body in a span. The first statement tells the compiler what the body returns, so that it
    /// finds mistakes in the body where they are.
    fn wrapped(&self) -> TokenStream {
        let Function { attributes, visibility, signature, body: block } = self.function;
        let type_name = self.function.type_name();
        let output = self.inferred_output();
        let fields = self.fields();
        let describe = self.describe();
        let (span, body) = (local("span"), local("body"));
        let mut wrapped = Group::new(
            Delimiter::Brace,
            quote! {
                let #span = ::seaworthy::__private::handler_span::<#type_name>(&[#(#fields),*]);
                let #body = async move {
                    if false {
                        return ::seaworthy::__private::never::<#output>();
                    }
                    #block
                };
                ::seaworthy::__private::handle::<#type_name, _>(#span, #body, #describe).await
            },
        );
        // So that a handler which nobody routes to is warned of.
        wrapped.set_span(block.span());
        quote!(#(#attributes)* #visibility #signature #wrapped)
    }

    fn fields(&self) -> Vec<TokenStream> {
        let fields = self.arguments.fields.iter().flat_map(|Fields(fields)| fields);
        fields
            .map(|Field { name, value }| {
                let name = show(name);
                let refer = quote_spanned!(value.span()=> &);
                match value {
                    Expr::Path(_) | Expr::Field(_) | Expr::Call(_) | Expr::MethodCall(_) => {
                        quote!((#name, #refer #value))
                    }
                    _ => quote!((#name, #refer (#value))),
                }
            })
            .collect()
    }

    /// What the handler returns, `_` for what has no name.
    fn inferred_output(&self) -> Type {
        match &self.function.signature.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, output) => {
                let mut output = Type::clone(output);
                infer(&mut output);
                output
            }
        }
    }

    /// Why the handler failed. Whether an alias is a `Result` the macro can't see, so any named type is asked.
    fn describe(&self) -> TokenStream {
        match self.inferred_output() {
            Type::Path(_) => quote!(|output| ::seaworthy::__private::error_of(output).describe()),
            _ => quote!(|_| None),
        }
    }
}

/// Puts `_` for each `impl Trait`.
fn infer(ty: &mut Type) {
    match ty {
        Type::ImplTrait(_) => *ty = parse_quote!(_),
        Type::Path(path) => {
            for segment in &mut path.path.segments {
                if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
                    for argument in &mut arguments.args {
                        if let GenericArgument::Type(ty) = argument {
                            infer(ty);
                        }
                    }
                }
            }
        }
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(infer),
        Type::Array(array) => infer(&mut array.elem),
        Type::Reference(reference) => infer(&mut reference.elem),
        Type::Paren(paren) => infer(&mut paren.elem),
        Type::Group(group) => infer(&mut group.elem),
        _ => {}
    }
}
