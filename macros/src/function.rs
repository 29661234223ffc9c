//! An annotated function. Its body is not parsed: rules look at its tokens.

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Expr, ExprLit, FnArg, Ident, Item, Lit, Meta, PatType, ReturnType, Safety, Signature, Type, Visibility,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use crate::{
    code::Code,
    errors::{Errors, show},
    rules,
};

/// An annotated function.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attributes, visibility, signature, body } = self;
        tokens.extend(quote!(#(#attributes)* #visibility #signature #body));
    }
}

impl Function {
    /// Reads the function that `#[attribute]` stands above. `None` is already noted: it isn't one.
    pub(crate) fn read(
        item: TokenStream,
        attribute: &str,
        arguments: &TokenStream,
        errors: &mut Errors,
    ) -> Option<Self> {
        let error = match syn::parse2(item.clone()) {
            Ok(function) => return Some(Self::checked(function, attribute, arguments, errors)),
            Err(error) => error,
        };
        match syn::parse2(item) {
            Ok(Item::Fn(_)) | Err(_) => errors.extend(error),
            Ok(other) => {
                let (kind, at) = kind(&other);
                let help = match (attribute, &other) {
                    ("handler", Item::Impl(_)) => "handlers in an `impl` are not supported yet: move them out of it",
                    ("health", _) => "put it above a `fn`",
                    _ => "put it above an `async fn`",
                };
                errors.add(at, format!("`#[{attribute}]` marks a function, not {kind}"), help);
            }
        }
        None
    }

    /// The function after what is checked for every attribute. What would be a second mistake is taken out of it.
    fn checked(mut self, attribute: &str, arguments: &TokenStream, errors: &mut Errors) -> Self {
        let code = Code::of_function(self.to_code(), &self.signature.ident);
        rules::check_function(&mut self, attribute, &code, arguments, errors);
        self.check_name(&code, errors);
        self
    }

    /// Its signature and its body, for rules to look at.
    fn to_code(&self) -> TokenStream {
        let Self { signature, body, .. } = self;
        quote!(#signature #body)
    }

    /// The function's name as a person says it.
    pub(crate) fn name(&self) -> String {
        self.signature.ident.unraw().to_string()
    }

    /// The name of the type beside the function. It has the span of the attribute, so that a function that nobody
    /// uses is warned of once.
    pub(crate) fn type_name(&self) -> Ident {
        let mut ident = self.signature.ident.clone();
        ident.set_span(Span::call_site());
        ident
    }

    /// The type beside the function.
    pub(crate) fn type_item(&self) -> TokenStream {
        let cfgs = cfgs(&self.attributes);
        let visibility = &self.visibility;
        let name = self.type_name();
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            #visibility enum #name {}
        }
    }

    /// The first paragraph of the doc comment.
    pub(crate) fn description(&self) -> String {
        description(&self.attributes)
    }

    /// What the function returns; `()` where it doesn't say.
    pub(crate) fn output(&self) -> TokenStream {
        match &self.signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, output) => quote!(#output),
        }
    }

    /// The parameters but `self`.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &PatType> {
        self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(parameter) => Some(parameter),
            FnArg::Receiver(_) => None,
        })
    }

    /// Whether it belongs to an `impl`, where no type can stand beside it.
    pub(crate) fn is_method(&self) -> bool {
        self.signature.receiver().is_some()
    }

    // === What is the same for every attribute ===

    pub(crate) fn check_async(&self, errors: &mut Errors) {
        let signature = &self.signature;
        if signature.asyncness.is_none() && !starts_runtime(&self.body) {
            let name = &signature.ident;
            errors.add(signature.fn_token, format!("`{name}` is not async"), format!("write `async fn {name}`"));
        }
    }

    /// A plain function: neither `unsafe` nor `const` nor `extern`, nor a method. `what` is "a worker", say.
    pub(crate) fn check_plain(&self, what: &str, errors: &mut Errors) {
        let signature = &self.signature;
        let name = &signature.ident;
        if let Some(token) = &signature.constness {
            errors.add(token, format!("{what} can't be `const`"), "remove `const`");
        }
        if let Safety::Unsafe(token) = &signature.safety {
            errors.add(token, format!("{what} can't be `unsafe`"), "remove `unsafe`");
        }
        if let Some(abi) = &signature.abi {
            let abi_text = show(abi);
            errors.add(abi, format!("{what} can't be `{abi_text}`"), format!("remove `{abi_text}`"));
        }
        if let Some(receiver) = signature.receiver() {
            errors.add(
                receiver,
                format!("{what} can't take `{}`", show(receiver)),
                format!("move `{name}` out of the `impl` and take what it needs"),
            );
        }
    }

    /// No parameters of types, constants or lifetimes.
    pub(crate) fn check_concrete(&self, what: &str, errors: &mut Errors) {
        let generics = &self.signature.generics;
        let name = &self.signature.ident;
        if !generics.params.is_empty() {
            errors.add(
                generics,
                format!("{what} can't be generic"),
                format!("write the types that `{name}` is used with"),
            );
        } else if let Some(clause) = &generics.where_clause {
            let what = format!("{what} can't have a `where` clause");
            errors.add(clause, what, "remove it");
        }
    }

    /// A name that hides no crate or module the function speaks of: its type is in their namespace.
    fn check_name(&mut self, code: &Code, errors: &mut Errors) {
        let name = self.signature.ident.clone();
        let text = name.unraw().to_string();
        let is_used = |at: usize| code.is_word(at, &text) && code.is_marks(at + 1, "::");
        if !(0..code.len()).any(is_used) {
            return;
        }
        let signature = self.signature.to_token_stream();
        let (in_signature, signature) = from_root(signature, &name);
        let (in_body, body) = from_root(self.body.stream(), &name);
        if !in_signature && !in_body {
            return;
        }
        errors.add(
            &name,
            format!("the type beside `{name}` hides the crate or module `{name}`"),
            format!("rename the function, or write `::{name}` for the crate"),
        );
        if let Ok(signature) = syn::parse2(signature) {
            let span = self.body.span();
            self.signature = signature;
            self.body = Group::new(Delimiter::Brace, body);
            self.body.set_span(span);
        }
    }

    /// A return type that has a name. `help` says which it may be.
    pub(crate) fn check_output(&self, what: &str, help: &str, errors: &mut Errors) {
        if let ReturnType::Type(_, output) = &self.signature.output
            && let Some(unnamed) = unnamed(output)
        {
            errors.add(output, format!("{what} can't return `{unnamed}`"), help);
        }
    }
}

/// The name of a variable or a parameter of ours, which hides nothing of the user's that has the same.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The `#[cfg]`s of an item, for what is generated from it.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}

/// The first paragraph of a doc comment, on one line.
pub(crate) fn description(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(doc) = &attribute.meta
            && doc.path.is_ident("doc")
            && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &doc.value
        {
            lines.extend(text.value().lines().map(|line| line.trim().to_owned()));
            if text.value().is_empty() {
                lines.push(String::new());
            }
        }
    }
    let first = lines.iter().skip_while(|line| line.is_empty());
    let paragraph: Vec<_> = first.take_while(|line| !line.is_empty()).cloned().collect();
    paragraph.join(" ")
}

/// The last name of a type's path: `Result` for `std::io::Result<()>`.
pub(crate) fn last_name(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => last_name(&group.elem),
        Type::Paren(paren) => last_name(&paren.elem),
        _ => None,
    }
}

/// `T` of an `Option<T>`, or the type itself.
pub(crate) fn inside_option(ty: &Type) -> &Type {
    let Type::Path(path) = ty else {
        return ty;
    };
    match path.path.segments.last() {
        Some(last) if last.ident == "Option" => match &last.arguments {
            syn::PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
                Some(syn::GenericArgument::Type(inside)) => inside,
                _ => ty,
            },
            _ => ty,
        },
        _ => ty,
    }
}

/// Whether the body starts a runtime of its own: what `#[tokio::main]` leaves of an `async fn`.
pub(crate) fn starts_runtime(body: &Group) -> bool {
    let idents: Vec<_> = body.stream().into_iter().flat_map(words).collect();
    ["runtime", "Builder", "block_on"].iter().all(|name| idents.iter().any(|ident| ident == name))
}

/// Every name in a token, also in its parentheses.
pub(crate) fn words(token: TokenTree) -> Vec<Ident> {
    match token {
        TokenTree::Ident(ident) => vec![ident],
        TokenTree::Group(group) => group.stream().into_iter().flat_map(words).collect(),
        _ => Vec::new(),
    }
}

/// Whether a path begins with the name, and the tokens with `::` before each that does.
fn from_root(tokens: TokenStream, name: &Ident) -> (bool, TokenStream) {
    let mut found = false;
    let mut rooted = TokenStream::new();
    let mut inside_path = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let next_is_colon = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
        let joint_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(colon) if colon.as_char() == ':' && colon.spacing() == Spacing::Joint);
        match token {
            TokenTree::Ident(ident) if ident == *name && !inside_path && tokens.peek().is_some_and(joint_colon) => {
                found = true;
                rooted.extend(quote!(::#ident));
            }
            TokenTree::Group(group) => {
                let (inside, stream) = from_root(group.stream(), name);
                let mut group_from_root = Group::new(group.delimiter(), stream);
                group_from_root.set_span(group.span());
                found |= inside;
                rooted.extend([TokenTree::Group(group_from_root)]);
            }
            token => {
                inside_path = joint_colon(&token) && next_is_colon || inside_path && is_colon(&token);
                rooted.extend([token]);
                continue;
            }
        }
        inside_path = false;
    }
    (found, rooted)
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(colon) if colon.as_char() == ':')
}

/// A type without a name in it: `impl Trait`, `!` or `_`.
pub(crate) fn unnamed(ty: &Type) -> Option<String> {
    match ty {
        Type::ImplTrait(_) | Type::Never(_) | Type::Infer(_) => Some(show(ty)),
        Type::Path(path) => path.path.segments.iter().find_map(|segment| {
            let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments else {
                return None;
            };
            arguments.args.iter().find_map(|argument| match argument {
                syn::GenericArgument::Type(ty) => unnamed(ty),
                _ => None,
            })
        }),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(unnamed),
        Type::Reference(reference) => unnamed(&reference.elem),
        Type::Group(group) => unnamed(&group.elem),
        Type::Paren(paren) => unnamed(&paren.elem),
        _ => None,
    }
}

/// What an item is called, and the token to underline.
pub(crate) fn kind(item: &Item) -> (&'static str, TokenStream) {
    match item {
        Item::Const(item) => ("a constant", item.const_token.to_token_stream()),
        Item::Enum(item) => ("an enum", item.enum_token.to_token_stream()),
        Item::Impl(item) => ("an `impl` block", item.impl_token.to_token_stream()),
        Item::Mod(item) => ("a module", item.mod_token.to_token_stream()),
        Item::Static(item) => ("a static", item.static_token.to_token_stream()),
        Item::Struct(item) => ("a struct", item.struct_token.to_token_stream()),
        Item::Trait(item) => ("a trait", item.trait_token.to_token_stream()),
        Item::Type(item) => ("a type alias", item.type_token.to_token_stream()),
        Item::Union(item) => ("a union", item.union_token.to_token_stream()),
        Item::Use(item) => ("a `use`", item.use_token.to_token_stream()),
        Item::Fn(item) => ("a function", item.sig.fn_token.to_token_stream()),
        item => ("this", item.to_token_stream()),
    }
}
