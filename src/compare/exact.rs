//! Two simulated results side by side: whatever differs.

use serde::Serialize;
use serde_json::Value;

use crate::result::RunResult;

/// A place of the result where the two differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where, such as `consumers.alerts.delivery.lost`. What a list has one of per second or per shard is one place.
    pub place: String,
    /// What the baseline has there; `None` if nothing.
    pub baseline: Option<String>,
    /// What the candidate has there.
    pub candidate: Option<String>,
    /// For a list: which entry is the first that differs, and of how many entries in all, those that differ.
    pub list: Option<ListDifference>,
}

/// Where in a list two results differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListDifference {
    /// The first entry that differs: its number, second or name.
    pub first: String,
    /// How many entries differ.
    pub differing: usize,
    /// How many there are.
    pub entries: usize,
}

/// Every place where the measurements and the endings of two results differ. What belongs to the program that wrote them, such as
/// its version, is left out.
pub fn differences(baseline: &RunResult, candidate: &RunResult) -> Vec<Difference> {
    let mut found = Vec::new();
    // A result that was read or made always has a form in JSON.
    let tree = |result: &RunResult| {
        let mut tree = serde_json::to_value(&result.measurement).unwrap_or_default();
        if let Value::Object(fields) = &mut tree {
            fields.insert("ending".to_owned(), serde_json::to_value(&result.ending).unwrap_or_default());
            fields.insert("load_ended".to_owned(), serde_json::to_value(result.load_ended).unwrap_or_default());
        }
        tree
    };
    walk("", &tree(baseline), &tree(candidate), &mut found);
    let mut merged = merge(found);
    // What says the most comes first.
    merged.sort_by_key(|difference| !difference.place.starts_with("counters."));
    merged
}

/// A difference before those of a list are put together: its entries in the path, outermost first.
struct Leaf {
    place: String,
    entry: Option<(String, usize)>,
    baseline: Option<String>,
    candidate: Option<String>,
}

fn walk(place: &str, baseline: &Value, candidate: &Value, found: &mut Vec<Leaf>) {
    walk_in(place, None, baseline, candidate, found);
}

fn walk_in(place: &str, entry: Option<&(String, usize)>, baseline: &Value, candidate: &Value, found: &mut Vec<Leaf>) {
    match (baseline, candidate) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).collect();
            keys.sort();
            for key in keys {
                let path = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                walk_in(&path, entry, a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let entries = a.len().max(b.len());
            for index in 0..entries {
                let (a, b) = (a.get(index).unwrap_or(&Value::Null), b.get(index).unwrap_or(&Value::Null));
                match name(a).or_else(|| name(b)) {
                    // Consumers and tenants are few, and each is a place of its own.
                    Some(name) => walk_in(&format!("{place}.{name}"), entry, a, b, found),
                    None => {
                        // Lists in lists, such as the shards of a second, count by the outer one.
                        let own = (label(a, index), entries);
                        walk_in(place, entry.or(Some(&own)), a, b, found);
                    }
                }
            }
        }
        (a, b) if a == b => {}
        (a, b) => {
            let text = |value: &Value| match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            found.push(Leaf { place: place.to_owned(), entry: entry.cloned(), baseline: text(a), candidate: text(b) });
        }
    }
}

/// The name of an entry that has one.
fn name(entry: &Value) -> Option<&str> {
    entry.get("name")?.as_str()
}

/// What an entry of a list without names is known by.
fn label(entry: &Value, index: usize) -> String {
    if let Some(second) = entry.get("second").and_then(Value::as_u64) {
        return format!("second {second}");
    }
    let id = entry.get("id").and_then(Value::as_str).map(ToOwned::to_owned);
    id.unwrap_or_else(|| format!("entry {index}"))
}

/// Puts the differences of a list together that are at the same place.
fn merge(leaves: Vec<Leaf>) -> Vec<Difference> {
    let mut merged: Vec<(Difference, Option<String>)> = Vec::new();
    for leaf in leaves {
        let Some((label, entries)) = leaf.entry else {
            let Leaf { place, baseline, candidate, .. } = leaf;
            merged.push((Difference { place, baseline, candidate, list: None }, None));
            continue;
        };
        let known =
            merged.iter_mut().find(|(difference, _)| difference.place == leaf.place && difference.list.is_some());
        match known {
            Some((Difference { list: Some(list), .. }, last)) => {
                // Several shards of one second are one second.
                if last.as_ref() != Some(&label) {
                    list.differing += 1;
                    *last = Some(label);
                }
            }
            _ => {
                let list = ListDifference { first: label.clone(), differing: 1, entries };
                let Leaf { place, baseline, candidate, .. } = leaf;
                merged.push((Difference { place, baseline, candidate, list: Some(list) }, Some(label)));
            }
        }
    }
    merged.into_iter().map(|(difference, _)| difference).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(baseline: &Value, candidate: &Value) -> Vec<Difference> {
        let mut leaves = Vec::new();
        walk("", baseline, candidate, &mut leaves);
        merge(leaves)
    }

    #[test]
    fn what_is_equal_has_no_differences() {
        let tree = json!({ "a": 1, "b": [{ "second": 0, "c": 1.5 }], "d": null });
        assert!(found(&tree, &tree).is_empty());
    }

    #[test]
    fn consumers_are_known_by_name_and_seconds_are_put_together() {
        let tree = |lost: u64, accepted: [u64; 3]| {
            let second = |(second, accepted): (usize, &u64)| json!({ "second": second, "accepted": accepted });
            json!({
                "consumers": [{ "name": "alerts", "delivery": { "lost": lost } }],
                "intervals": accepted.iter().enumerate().map(second).collect::<Vec<_>>(),
            })
        };
        let differences = found(&tree(0, [5, 6, 7]), &tree(3, [5, 8, 9]));
        assert_eq!(differences.len(), 2, "{differences:?}");
        assert_eq!(differences[0].place, "consumers.alerts.delivery.lost");
        assert_eq!((differences[0].baseline.as_deref(), differences[0].candidate.as_deref()), (Some("0"), Some("3")));
        let list = differences[1].list.as_ref().unwrap();
        assert_eq!((list.first.as_str(), list.differing, list.entries), ("second 1", 2, 3));
        assert_eq!((differences[1].baseline.as_deref(), differences[1].candidate.as_deref()), (Some("6"), Some("8")));
    }

    #[test]
    fn what_only_one_side_has_is_a_difference() {
        let differences = found(&json!({ "errors": { "timeout": 2 } }), &json!({ "errors": {}, "list": [1] }));
        let places: Vec<&str> = differences.iter().map(|difference| difference.place.as_str()).collect();
        assert_eq!(places, ["errors.timeout", "list"]);
        assert_eq!((differences[0].candidate.as_deref(), differences[1].baseline.as_deref()), (None, None));
    }

    #[test]
    fn several_shards_of_a_second_count_as_one_second() {
        let tree = |a: u64, b: u64| json!({ "intervals": [{ "second": 0, "shards": [{ "accepted": a }, { "accepted": b }] }] });
        let differences = found(&tree(1, 1), &tree(2, 2));
        assert_eq!(differences.len(), 1);
        assert_eq!(differences[0].list.as_ref().map(|list| list.differing), Some(1));
    }
}
