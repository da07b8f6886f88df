//! Which file uses which: paths are followed through re-exports to the file that has the item.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{ModulePath, Source};

/// How many re-exports one path leads through at most.
const MOST_STEPS: usize = 16;

/// The files by their modules.
pub struct Graph<'s>(BTreeMap<&'s [String], &'s Source>);

/// A file, or an item of a file that has others below it: such a file is read item by item, because it holds what the files
/// below it share and what puts them together.
type Node<'s> = (&'s [String], Option<String>);

impl<'s> Graph<'s> {
    /// The graph of these files.
    pub fn new(sources: &'s [Source]) -> Self {
        Self(sources.iter().map(|source| (source.module.as_slice(), source)).collect())
    }

    /// The files that use one another in circles: each group, by the paths of its files.
    ///
    /// A re-export is no use: who names an item through it uses the file that has the item.
    pub fn circles(&self) -> BTreeSet<BTreeSet<String>> {
        let mut edges: BTreeMap<Node<'s>, BTreeSet<Node<'s>>> = BTreeMap::new();
        for source in self.0.values() {
            for (item, path) in &source.uses {
                let item = item.clone().filter(|_| is_parent(source));
                if item.is_some() || !is_parent(source) {
                    edges.entry((&source.module, item)).or_default().extend(self.owners(path));
                }
            }
        }
        let reached: BTreeMap<&Node<'s>, BTreeSet<&Node<'s>>> =
            edges.keys().map(|node| (node, reachable(node, &edges))).collect();
        let circle = |(node, reached_from): (&&Node<'s>, &BTreeSet<&Node<'s>>)| {
            let back = |other: &&&Node<'s>| reached.get(**other).is_some_and(|others| others.contains(*node));
            reached_from.iter().filter(back).map(|(module, _)| module.join("/")).collect::<BTreeSet<String>>()
        };
        reached.iter().map(circle).filter(|files| files.len() > 1).collect()
    }

    /// Uses between the files of a room that stand against the order written at its top: lines such as `//! 2. ... `quota` ...` of its
    /// `mod.rs`, of which each uses only itself and those before it. A file that is not in the list is named, too.
    pub fn against_order(&self, room: &str) -> Vec<String> {
        let room = [room.to_owned()];
        let Some(source) = self.0.get(room.as_slice()) else { return Vec::new() };
        let order = order(&source.text);
        let mut found: Vec<String> = source.children.difference(&order.keys().cloned().collect()).cloned().collect();
        for user in self.0.values().filter(|user| user.module.len() > 1 && user.module[0] == room[0]) {
            let place = |module: &[String]| module.get(1).and_then(|name| order.get(name));
            for (used, _) in user.uses.iter().flat_map(|(_, path)| self.owners(path)) {
                if used.first() == room.first() && place(used) > place(&user.module) {
                    found.push(format!("{} uses {}", user.module.join("/"), used.join("/")));
                }
            }
        }
        found
    }

    /// What has the thing that the path names: one node, or all of a module whose names are imported without being named.
    fn owners(&self, path: &[String]) -> Vec<Node<'s>> {
        let mut path: ModulePath = path.to_vec();
        for _ in 0..MOST_STEPS {
            let Some((module, source)) = self.nearest(&path) else { break };
            let rest = &path[module.len()..];
            let Some((name, further)) = rest.split_first().filter(|(name, _)| *name != "*") else {
                let items = source.items.iter().map(|item| (module, Some(item.clone())));
                return if is_parent(source) { items.collect() } else { vec![(module, None)] };
            };
            let named = source.reexports.get(name).map(|target| [target, further].concat());
            let by_glob = || source.globs.iter().find(|glob| self.has(glob, name, 0)).map(|glob| [glob, rest].concat());
            match named.or_else(by_glob) {
                Some(target) => path = target,
                None => return vec![(module, Some(name.clone()).filter(|_| is_parent(source)))],
            }
        }
        Vec::new()
    }

    /// The module that lies deepest on a path.
    fn nearest(&self, path: &[String]) -> Option<(&'s [String], &'s Source)> {
        (0..=path.len()).rev().find_map(|length| self.0.get_key_value(&path[..length]).map(|(m, s)| (*m, *s)))
    }

    fn has(&self, module: &[String], name: &str, steps: usize) -> bool {
        let Some(source) = self.0.get(module) else { return false };
        source.items.contains(name)
            || source.reexports.contains_key(name)
            || steps < MOST_STEPS && source.globs.iter().any(|glob| self.has(glob, name, steps + 1))
    }
}

/// The number of the line that names each file, of a numbered list in the words at the top.
fn order(text: &str) -> BTreeMap<String, usize> {
    let mut order = BTreeMap::new();
    let mut number = None;
    for line in text.lines().filter_map(|line| line.strip_prefix("//! ")) {
        number = line
            .split_once(". ")
            .and_then(|(number, _)| number.parse().ok())
            .or(number.filter(|_| line.starts_with(' ')));
        let names = line.split('`').skip(1).step_by(2);
        order.extend(number.into_iter().flat_map(|number| names.clone().map(move |name| (name.to_owned(), number))));
    }
    order
}

fn is_parent(source: &Source) -> bool {
    !source.children.is_empty()
}

fn reachable<'g, 's>(from: &Node<'s>, edges: &'g BTreeMap<Node<'s>, BTreeSet<Node<'s>>>) -> BTreeSet<&'g Node<'s>> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&'g Node<'s>> = edges.get(from).into_iter().flatten().collect();
    while let Some(node) = next.pop() {
        if reached.insert(node) {
            next.extend(edges.get(node).into_iter().flatten());
        }
    }
    reached
}
