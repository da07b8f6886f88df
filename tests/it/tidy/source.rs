//! A file of the library, parsed: what it uses, what it defines and how long it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, Signature, UseTree, Visibility};

/// A path from the root of the crate: `crate::kinesis::ShardId` is `[kinesis, ShardId]`.
pub type ModulePath = Vec<String>;

/// A file of `src`.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Where it lies below `src`.
    pub file: PathBuf,
    /// The module that it is.
    pub module: ModulePath,
    /// Its text.
    pub text: String,
    /// Lines outside of tests, comments and empty ones included.
    pub code_lines: usize,
    /// The functions outside of tests and their lines, from `fn` to the closing brace.
    pub functions: Vec<(String, usize)>,
    /// Paths that its code uses, tests left out, each with the item that uses it; an import is of no item.
    pub uses: BTreeSet<(Option<String>, ModulePath)>,
    /// Paths that its tests use.
    pub test_uses: BTreeSet<ModulePath>,
    /// What it re-exports for others, by the name that they know it by.
    pub reexports: BTreeMap<String, ModulePath>,
    /// Modules of which it re-exports everything.
    pub globs: Vec<ModulePath>,
    /// Names of the items that it has itself.
    pub items: BTreeSet<String>,
    /// Its modules that are files of their own, those of tests left out.
    pub children: BTreeSet<String>,
    /// Files that are compiled for tests only.
    pub test_files: BTreeSet<PathBuf>,
}

impl Source {
    /// The parsed text of `file`, a path below `src`.
    pub fn parse(file: &Path, text: &str) -> Self {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let module = module_of(file);
        let mut reader = Reader { here: module.clone(), ..Reader::default() };
        (reader.source.file, reader.source.module, reader.source.text) = (file.to_owned(), module, text.to_owned());
        reader.source.children = children(&parsed);
        reader.source.items = parsed.items.iter().filter_map(name_of).collect();
        reader.imports = reader.imports_of(&parsed);
        reader.visit_file(&parsed);
        reader.source.code_lines = text.lines().count() - reader.test_lines.len();
        reader.source
    }

    /// The top-level module: `src/kinesis/shard.rs` and `src/kinesis.rs` belong to `kinesis`.
    pub fn room(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }
}

fn module_of(file: &Path) -> ModulePath {
    let mut module: ModulePath = file.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let name = module.pop().unwrap_or_default();
    match name.trim_end_matches(".rs") {
        "mod" | "lib" => {}
        name => module.push(name.to_owned()),
    }
    module
}

fn children(file: &File) -> BTreeSet<String> {
    let child = |item: &Item| match item {
        Item::Mod(module) if module.content.is_none() && !module.attrs.iter().any(is_test) => {
            Some(module.ident.to_string())
        }
        _ => None,
    };
    file.items.iter().filter_map(child).collect()
}

#[derive(Default)]
struct Reader {
    source: Source,
    /// The module that is being read, those within the file included.
    here: ModulePath,
    /// The item that is being read, of those that are not within others.
    item: Option<String>,
    /// What the imports of the file bring, by name.
    imports: BTreeMap<String, ModulePath>,
    /// Names without a path in the item that is being read, and the names of its variables, which are no uses.
    names: BTreeSet<String>,
    variables: BTreeSet<String>,
    in_tests: bool,
    test_lines: BTreeSet<usize>,
}

impl Reader {
    /// Reads what carries these attributes: as a test if they say so.
    fn read(&mut self, attributes: &[Attribute], node: &impl Spanned, read: impl FnOnce(&mut Self)) {
        let before = self.in_tests;
        if attributes.iter().any(is_test) {
            self.in_tests = true;
            let first = attributes.iter().map(|attribute| attribute.span().start().line).min();
            let span = node.span();
            self.test_lines.extend(first.unwrap_or(span.start().line)..=span.end().line);
        }
        read(self);
        self.in_tests = before;
    }

    /// The path from the root of the crate, if it is one of the crate.
    fn absolute(&self, path: &[String]) -> Option<ModulePath> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&self.here, rest].concat()),
            "super" => {
                let mut base = self.here.clone();
                base.pop();
                let further = rest.iter().take_while(|part| *part == "super").count();
                base.truncate(base.len() - further);
                Some([&base, &rest[further..]].concat())
            }
            child if !rest.is_empty() && self.here == self.source.module && self.source.children.contains(child) => {
                Some([&self.here, path].concat())
            }
            own if self.source.items.contains(own) && self.here == self.source.module => {
                Some([&self.here, path].concat())
            }
            imported => self.imports.get(imported).map(|target| [target, rest].concat()),
        }
    }

    fn note(&mut self, path: &[String]) {
        if let Some(path) = self.absolute(path) {
            if self.in_tests {
                self.source.test_uses.insert(path);
            } else {
                self.source.uses.insert((self.item.clone(), path));
            }
        }
    }

    /// What the imports at the top of a file bring, by name.
    fn imports_of(&self, file: &File) -> BTreeMap<String, ModulePath> {
        let import = |item: &Item| match item {
            Item::Use(import) if !import.attrs.iter().any(is_test) => leaves(&import.tree),
            _ => Vec::new(),
        };
        let named = |(path, name): (Vec<String>, Option<String>)| {
            Some((name.or_else(|| path.last().cloned())?, self.absolute(&path)?))
        };
        file.items.iter().flat_map(import).filter_map(named).collect()
    }

    /// Notes what a `use` brings: for the file itself, or for others if it is `exported`.
    fn note_import(&mut self, path: Vec<String>, name: Option<String>, exported: bool) {
        if !exported || self.in_tests || self.here != self.source.module {
            return self.note(&path);
        }
        let Some(mut path) = self.absolute(&path) else { return };
        if path.pop_if(|last| last == "*").is_some() {
            self.source.globs.push(path);
        } else if let Some(name) = name.or_else(|| path.last().cloned()) {
            self.source.reexports.insert(name, path);
        }
    }

    /// Paths in the arguments of a macro, which are tokens and no syntax yet.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => {
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.note_segments(std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.read_tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.note_segments(path);
    }

    fn note_segments(&mut self, path: Vec<String>) {
        match path.as_slice() {
            [value] if value == "self" => {}
            [name] if !self.in_tests => drop(self.names.insert(name.clone())),
            path => self.note(path),
        }
    }

    fn note_function(&mut self, signature: &Signature, body: &syn::Block) {
        if !self.in_tests {
            let first = signature.fn_token.span.start().line;
            let last = body.brace_token.span.close().end().line;
            self.source.functions.push((signature.ident.to_string(), last + 1 - first));
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let outermost = self.item.is_none() && self.here == self.source.module;
        if outermost {
            self.item = name_of(item).or_else(|| implements(item));
        }
        self.read(attributes(item), item, |reader| visit::visit_item(reader, item));
        if outermost {
            let variables = std::mem::take(&mut self.variables);
            for name in std::mem::take(&mut self.names).difference(&variables) {
                self.note(std::slice::from_ref(name));
            }
            self.item = None;
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.read(&function.attrs, function, |reader| {
            reader.note_function(&function.sig, &function.block);
            visit::visit_impl_item_fn(reader, function);
        });
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note_function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.note_function(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let name = module.ident.to_string();
        if module.content.is_none() && self.in_tests {
            self.source.test_files.extend(files_of(&self.source.file, module, &name));
        }
        self.here.push(name);
        visit::visit_item_mod(self, module);
        self.here.pop();
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        let exported = !matches!(import.vis, Visibility::Inherited);
        for (path, name) in leaves(&import.tree) {
            self.note_import(path, name, exported);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note_segments(segments);
        visit::visit_path(self, path);
    }

    fn visit_pat_ident(&mut self, variable: &'ast syn::PatIdent) {
        self.variables.insert(variable.ident.to_string());
        visit::visit_pat_ident(self, variable);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.read_tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    /// `pub(super)` and `pub(in crate::kinesis)` use nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}
}

/// Whether it is `#[cfg(test)]`, or a `cfg` that asks for tests and more.
fn is_test(attribute: &Attribute) -> bool {
    let asks = |tokens: &TokenStream| {
        let text = tokens.to_string();
        text == "test"
            || (text.starts_with("all") && text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test"))
    };
    attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(|list| asks(&list.tokens))
}

/// Where the text of a module may lie that is a file of its own, and that of its modules.
fn files_of(file: &Path, module: &syn::ItemMod, name: &str) -> Vec<PathBuf> {
    let directory = file.parent().unwrap_or(Path::new(""));
    let named = module.attrs.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if attribute.path().is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => Some(directory.join(path.value())),
            _ => None,
        },
        _ => None,
    });
    let own = match file.file_stem().map(|stem| stem.to_string_lossy().into_owned()) {
        Some(stem) if !matches!(stem.as_str(), "mod" | "lib" | "main") => directory.join(stem),
        _ => directory.to_owned(),
    };
    named.map_or_else(|| vec![own.join(format!("{name}.rs")), own.join(name)], |path| vec![path])
}

/// The paths of a `use`, each with the name it gets if that is another one; a path to everything of a module ends in `*`.
fn leaves(tree: &UseTree) -> Vec<(Vec<String>, Option<String>)> {
    match tree {
        UseTree::Path(path) => {
            let below = |(rest, name)| ([vec![path.ident.to_string()], rest].concat(), name);
            leaves(&path.tree).into_iter().map(below).collect()
        }
        UseTree::Name(name) if name.ident == "self" => vec![(Vec::new(), None)],
        UseTree::Name(name) => vec![(vec![name.ident.to_string()], None)],
        UseTree::Rename(rename) => vec![(vec![rename.ident.to_string()], Some(rename.rename.to_string()))],
        UseTree::Glob(_) => vec![(vec!["*".to_owned()], None)],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// The type that a block of methods belongs to.
fn implements(item: &Item) -> Option<String> {
    match item {
        Item::Impl(block) => match &*block.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
