//! `[cost]`: what the bill is reckoned for.

use std::time::Duration;

use super::super::Costing;
use super::super::reader::{Reported, TableReader};

const DAY: Duration = Duration::from_secs(86_400);
/// The longest retention of the service, in days.
const MOST_DAYS: u32 = 365;
/// Shard-level metrics of the service.
const METRICS: u32 = 7;

pub(super) fn cost(root: &mut TableReader<'_>) -> Result<Costing, Reported> {
    let mut reader = root.section("cost");
    let region = reader.or("region", "us-east-1".to_owned());
    let named = |region: &String| !region.is_empty() && region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let region = reader.check(region, named, "is no region", "write a region such as \"eu-central-1\"");
    let retention = reader.or("retention", DAY);
    let retention = reader.check(
        retention,
        |span| (DAY..=DAY * MOST_DAYS).contains(span),
        "must be from 24h to 8760h, which is 365 days",
        "write a duration such as \"24h\" or \"168h\"",
    );
    let shard_level_metrics = reader.or("shard_level_metrics", 0);
    let shard_level_metrics = reader.within(shard_level_metrics, 0..=METRICS);
    reader.finish();
    Ok(Costing { region: region?.value, retention: retention?.value, shard_level_metrics: shard_level_metrics?.value })
}
