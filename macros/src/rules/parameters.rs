//! The names that the parameters of an annotated function have in its body.

use syn::{GenericArgument, Pat, PatType, PathArguments, Type, ext::IdentExt};

use super::Annotated;
use crate::function::last_name;

/// A parameter.
pub(super) struct Parameter<'a> {
    /// What its pattern binds.
    pub(super) names: Vec<String>,
    pub(super) ty: &'a Type,
    /// The last name of its type: `Query`, also for an `Option` or a `Result` of it, and where it was renamed.
    pub(super) kind: String,
}

impl<'a> Annotated<'a> {
    pub(super) fn parameters(&self) -> Vec<Parameter<'a>> {
        self.function.parameters().map(|parameter| self.parameter(parameter)).collect()
    }

    fn parameter(&self, parameter: &'a PatType) -> Parameter<'a> {
        let mut names = Vec::new();
        add_names(&parameter.pat, &mut names);
        let ty = &*parameter.ty;
        let kind = last_name(inside(ty)).map(|name| name.unraw().to_string()).unwrap_or_default();
        let mut imported = self.code.paths().iter().filter(|path| self.code.text(path.tokens.end - 1) == kind);
        let kind = imported.next().map_or_else(|| kind.clone(), |path| path.last_name().to_owned());
        Parameter { names, ty, kind }
    }
}

/// `T` of an `Option<T>` or a `Result<T, _>`, or the type itself.
fn inside(ty: &Type) -> &Type {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && (last.ident == "Option" || last.ident == "Result")
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(GenericArgument::Type(inside)) = arguments.args.first()
    {
        return inside;
    }
    ty
}

fn add_names(pattern: &Pat, names: &mut Vec<String>) {
    match pattern {
        Pat::Ident(ident) => names.push(ident.ident.unraw().to_string()),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|part| add_names(part, names)),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|part| add_names(part, names)),
        Pat::Struct(fields) => fields.fields.iter().for_each(|field| add_names(&field.pat, names)),
        Pat::Reference(reference) => add_names(&reference.pat, names),
        Pat::Paren(inside) => add_names(&inside.pat, names),
        _ => {}
    }
}
