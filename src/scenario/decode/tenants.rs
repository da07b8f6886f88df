//! `[[tenant]]`: parts of one load that have keys and sizes of their own.

use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::{keys, sizes};
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Placed, Problems, Reported, TableReader};
use crate::seed::Seed;
use crate::workload::{Keys, Sizes, Tenants};

/// Each has a row in every report.
const MOST_TENANTS: usize = 100;
const LONGEST_NAME: usize = 64;

/// The tenants of a scenario, with the keys and sizes of all of them.
pub(super) struct TenantsFound {
    pub tenants: Tenants,
    pub keys: Placed<Keys>,
    pub sizes: Placed<Sizes>,
}

struct Tenant {
    name: Placed<String>,
    weight: f64,
    keys: Keys,
    sizes: Sizes,
}

/// The tenants, or `None` if the scenario has none. `largest_record` is that of the stream.
pub(super) fn tenants(
    root: &mut TableReader<'_>,
    duration: Option<Duration>,
    largest_record: u64,
    folder: &Path,
    seed: Seed,
) -> Result<Option<TenantsFound>, Reported> {
    let problems = root.problems();
    let Some(value) = root.raw("tenant") else { return Ok(None) };
    let at = Some(value.span());
    let wrong = |message: String| {
        let problem = Diagnostic::new(message).at(at.clone(), "");
        problems.report(problem.help("write [[tenant]] with two brackets, once for each tenant"))
    };
    let DeValue::Array(array) = value.get_ref() else {
        return Err(wrong("`tenant` must be a list of tables".to_owned()));
    };
    if array.is_empty() || array.len() > MOST_TENANTS {
        return Err(wrong(format!("there must be 1 to {MOST_TENANTS} tenants")));
    }
    let read = |(position, value): (usize, &Spanned<DeValue<'_>>)| {
        tenant(position, value, duration, largest_record, folder, problems)
    };
    let found: Vec<Result<Tenant, Reported>> = array.iter().enumerate().map(read).collect();
    root.misplaced("keys", "and tenants say the same thing twice: each tenant has keys of its own");
    let found = found.into_iter().collect::<Result<Vec<Tenant>, Reported>>()?;
    for (position, tenant) in found.iter().enumerate() {
        if let Some(other) = found[..position].iter().find(|other| other.name.value == tenant.name.value) {
            let problem =
                tenant.name.problem("must be different for each tenant").at(other.name.at.clone(), "the other one");
            return Err(problems.report(problem.help("rename one of them")));
        }
    }
    let weights: Vec<(String, f64)> = found.iter().map(|tenant| (tenant.name.value.clone(), tenant.weight)).collect();
    let tenants = Tenants::new(&weights, seed);
    let (keys, sizes): (Vec<Keys>, Vec<Sizes>) = found.into_iter().map(|tenant| (tenant.keys, tenant.sizes)).unzip();
    let keys = Keys::Tenants { tenants: tenants.clone(), keys: keys.into() };
    let sizes = Sizes::Tenants { tenants: tenants.clone(), sizes: sizes.into() };
    Ok(Some(TenantsFound {
        tenants,
        keys: Placed { value: keys, path: "tenant".to_owned(), at: at.clone() },
        sizes: Placed { value: sizes, path: "tenant".to_owned(), at },
    }))
}

fn tenant(
    position: usize,
    value: &Spanned<DeValue<'_>>,
    duration: Option<Duration>,
    largest_record: u64,
    folder: &Path,
    problems: &Problems,
) -> Result<Tenant, Reported> {
    let mut reader = TableReader::of(value, format!("tenant.{position}"), problems);
    let name = reader.required::<String>("name", "name = \"acme\"");
    let name = reader.check(
        name,
        |name| {
            (1..=LONGEST_NAME).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        },
        "is not a valid name",
        "use 1 to 64 of the letters a-z and A-Z, digits, `_`, `.` and `-`: it becomes a part of the partition keys",
    );
    let weight = reader.or("weight", 1.0);
    let weight = reader.check(
        weight,
        |weight| *weight > 0.0 && weight.is_finite(),
        "must be more than zero",
        "1 is as much as any other tenant with 1",
    );
    let keys = keys::of_tenant(&mut reader, duration);
    let prefix = name.as_ref().map_or(0, |name| name.value.len() + 1);
    let longest = keys.as_ref().map_or(0, Keys::longest) + prefix;
    let sizes = sizes::of_tenant(&mut reader, longest as u64, largest_record, folder);
    reader.finish();
    Ok(Tenant { name: name?, weight: weight?.value, keys: keys?, sizes: sizes? })
}
