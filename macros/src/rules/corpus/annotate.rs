//! Puts our attributes where a person would who moves a service to Seaworthy, by what a function looks like.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, ItemStruct, Meta, Token, punctuated::Punctuated};

use super::super::{Allows, Field, check_field, second_runtime::starts, tests::messages};
use crate::{
    code::{Code, File},
    errors::Errors,
    function::{Function, last_name},
};

/// The types by which a parameter is of a request: those of axum, and a `tonic::Request`.
const OF_REQUESTS: [&str; 17] = [
    "ConnectInfo",
    "Extension",
    "Form",
    "HeaderMap",
    "Host",
    "Json",
    "Multipart",
    "OriginalUri",
    "Parts",
    "Path",
    "Query",
    "RawQuery",
    "Request",
    "State",
    "Streaming",
    "TypedHeader",
    "WebSocketUpgrade",
];

/// What gives a method of HTTP its handler.
const METHODS: [&str; 9] = ["any", "delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// What the name of a check begins with.
const HEALTH: [&str; 3] = ["get_health", "health", "live"];
const READY: [&str; 3] = ["get_ready", "readiness", "ready"];

/// What the name of a configuration ends with.
const CONFIGURATIONS: [&str; 6] = ["Args", "Config", "Configuration", "Options", "Opts", "Settings"];

/// A file with our attributes.
pub(super) struct Annotated {
    pub(super) text: String,
    functions: Vec<Marked>,
    configurations: Vec<ItemStruct>,
}

struct Marked {
    name: String,
    attributes: Vec<&'static str>,
    function: TokenStream,
}

/// The names of the functions that a router is given.
pub(super) fn routed(code: &Code, names: &mut BTreeSet<String>) {
    for route in code.methods_named(&["route"]) {
        for at in code.inside(route.arguments) {
            let is_method = code.word(at).is_some_and(|word| METHODS.contains(&word)) && code.is(at + 1, "(");
            if is_method && let Some(last) = code.inside(at + 1).next_back().and_then(|last| code.word(last)) {
                names.insert(last.to_owned());
            }
        }
    }
}

impl Annotated {
    /// Annotates a file. Only the `main` of a root is one.
    pub(super) fn of(file: &File, text: &str, is_root: bool, routed: &BTreeSet<String>) -> Self {
        let mut annotated = Self { text: text.to_owned(), functions: Vec::new(), configurations: Vec::new() };
        let code = &file.code;
        let mut edits = Vec::new();
        let mut at = 0;
        while at < code.len() {
            let item = Item::of(code, at).filter(|_| !file.is_test(at));
            at += 1;
            let Some(item) = item else {
                continue;
            };
            let source = &text[code.source(item.start..item.end)];
            if code.is_word(item.keyword, "struct") {
                annotated.configurations.extend(configuration(code, &item, source));
            } else if let Some(marked) = marked(code, &item, source, is_root, routed) {
                edits.push(edit(code, &item, marked.attributes[0], text));
                annotated.functions.push(marked);
                at = item.end;
            }
        }
        for (place, attribute) in edits.into_iter().rev() {
            annotated.text.replace_range(place, &attribute);
        }
        annotated
    }

    /// What the rules say of the functions, each with its name.
    pub(super) fn of_functions(&self) -> Vec<(String, String)> {
        let mut reports = Vec::new();
        for Marked { name, attributes, function } in &self.functions {
            let mut all = Vec::new();
            for attribute in attributes {
                let mut errors = Errors::default();
                Function::read(function.clone(), attribute, &TokenStream::new(), &mut errors);
                let found = messages(&errors.into_token_stream().to_string());
                // What else an attribute asks of a function, it asks of those that are written for it.
                let new = found.into_iter().filter(|text| text.contains("\nrule: ") && !all.contains(text));
                all.extend(new.collect::<Vec<_>>());
            }
            reports.extend(all.into_iter().map(|text| (name.clone(), text)));
        }
        reports
    }

    /// What the rules say of the fields of configurations, each with its name.
    pub(super) fn of_fields(&self) -> Vec<(String, String)> {
        let mut reports = Vec::new();
        for ItemStruct { ident, fields, .. } in &self.configurations {
            for field in fields {
                let name = field.ident.as_ref().unwrap();
                let variable = format!("APP_{}", name.to_string().to_uppercase());
                let default = default_of(field);
                let field = Field { name, ty: &field.ty, variable: &variable, default: default.as_ref() };
                let mut errors = Errors::default();
                check_field(&field, &Allows::default(), &mut errors);
                let found = messages(&errors.into_token_stream().to_string());
                reports.extend(found.into_iter().map(|text| (format!("{ident}.{name}"), text)));
            }
        }
        reports
    }

    /// The attribute of each function and struct.
    pub(super) fn attributes(&self) -> Vec<&'static str> {
        let functions = self.functions.iter().flat_map(|marked| marked.attributes.iter().copied());
        functions.chain(self.configurations.iter().map(|_| "config")).collect()
    }
}

/// A function with a body, or a struct with named fields.
struct Item {
    /// With its attributes.
    start: usize,
    /// Without them.
    visibility: usize,
    keyword: usize,
    body: usize,
    end: usize,
}

impl Item {
    fn of(code: &Code, keyword: usize) -> Option<Self> {
        if !matches!(code.word(keyword)?, "fn" | "struct") {
            return None;
        }
        code.word(keyword + 1)?;
        let mut body = keyword + 2;
        while !code.is(body, "{") {
            if body >= code.len() || code.is(body, ";") || code.is(body, "}") {
                return None;
            }
            body = code.after(body);
        }
        let mut visibility = keyword;
        while let Some(before) = visibility.checked_sub(1) {
            let is_qualifier = matches!(code.word(before), Some("async" | "const" | "extern" | "pub" | "unsafe"));
            visibility = match code.partner(before) {
                open if code.is(before, ")") && code.is_word(open.wrapping_sub(1), "pub") => open,
                _ if is_qualifier => before,
                _ => break,
            };
        }
        let mut start = visibility;
        while let Some(before) = start.checked_sub(1)
            && code.is(before, "]")
            && let Some(hash) = code.partner(before).checked_sub(1)
            && code.is(hash, "#")
        {
            start = hash;
        }
        Some(Self { start, visibility, keyword, body, end: code.after(body) })
    }

    fn attributes(&self, code: &Code) -> Vec<usize> {
        (self.start..self.visibility).filter(|at| code.is(*at, "#") && code.is(*at + 1, "[")).collect()
    }
}

/// A function that a person would mark.
fn marked(code: &Code, item: &Item, source: &str, is_root: bool, routed: &BTreeSet<String>) -> Option<Marked> {
    let Item { visibility, keyword, body, end, .. } = *item;
    let name = code.text(keyword + 1);
    let is_async = code.has_word(visibility..keyword, &["async"]);
    let takes_request = code.has_word(keyword..body, &OF_REQUESTS);
    let is_routed = routed.contains(name);
    let loops = (body..end).any(|at| code.is_word(at, "loop") && code.is(at + 1, "{"));
    let is_main = name == "main" && is_root && (is_async || code.has_word(body..end, &["block_on"]));
    let begins = |starts: &[&str]| (is_async || is_routed) && starts.iter().any(|start| name.starts_with(start));
    let (is_health, is_ready) = (begins(&HEALTH), begins(&READY));
    if !is_main && !is_health && !is_ready && (!is_async || !(takes_request || is_routed || loops)) {
        return None;
    }
    let mut function: Function = syn::parse_str(source).ok()?;
    let of_request = |ty: &syn::Type| last_name(ty).is_some_and(|name| OF_REQUESTS.iter().any(|of| name == of));
    let takes_request = function.parameters().any(|parameter| of_request(&parameter.ty));
    let mut attributes = Vec::new();
    if is_main {
        function.attributes.retain(|attribute| !starts(attribute));
        attributes.push("cloud_service");
    } else if is_async && (takes_request || is_routed && !function.is_method()) {
        attributes.push("handler");
    }
    if is_health && !function.is_method() {
        attributes.push("health");
    }
    if is_ready && !function.is_method() {
        attributes.push("ready");
    }
    if attributes.is_empty() && is_async && loops {
        attributes.push("worker");
    }
    (!attributes.is_empty()).then(|| Marked {
        name: name.to_owned(),
        attributes,
        function: function.into_token_stream(),
    })
}

/// Where the attribute comes, on no line of its own: before the function, or in the place of `#[tokio::main]`.
fn edit(code: &Code, item: &Item, attribute: &str, text: &str) -> (std::ops::Range<usize>, String) {
    let starts_runtime = |at: &usize| code.is_marks(at + 3, "::") && code.is_word(at + 5, "main");
    if attribute == "cloud_service"
        && let Some(old) = item.attributes(code).into_iter().find(starts_runtime)
    {
        let place = code.source(old..code.after(old + 1));
        let lines = "\n".repeat(text[place.clone()].matches('\n').count());
        return (place, format!("#[{attribute}]{lines}"));
    }
    let place = code.source(item.visibility..item.visibility + 1).start;
    (place..place, format!("#[{attribute}] "))
}

/// A struct that is read from the command line, a file or the environment.
fn configuration(code: &Code, item: &Item, source: &str) -> Option<ItemStruct> {
    let name = code.text(item.keyword + 1);
    let is_read = code.has_word(item.start..item.visibility, &["Args", "Deserialize", "Parser", "StructOpt"]);
    (is_read && CONFIGURATIONS.iter().any(|end| name.ends_with(end))).then(|| syn::parse_str(source).unwrap())
}

/// The value of a `default_value = ".."` or `default_value_t = ..`.
fn default_of(field: &syn::Field) -> Option<Expr> {
    let metas = field
        .attrs
        .iter()
        .filter_map(|attribute| attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok());
    metas.flatten().find_map(|meta| match meta {
        Meta::NameValue(pair) if ["default_value", "default_value_t"].iter().any(|name| pair.path.is_ident(name)) => {
            Some(pair.value)
        }
        _ => None,
    })
}
