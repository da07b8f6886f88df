//! What became of each tenant's records.

use super::latency::latencies;
use super::{Cell, Column, Depth, Layout, Parts, Section, Table};
use crate::measure::TenantRecord;
use crate::result::RunResult;
use crate::units::{self, Bytes, Share};

/// A row per tenant; nothing without tenants.
pub fn tenants<'a>(result: &RunResult) -> Option<Section<'a>> {
    let tenants = &result.measurement.tenants;
    if tenants.is_empty() {
        return None;
    }
    let columns = [
        Column::name("Tenant"),
        Column::number("Share"),
        Column::number("Offered"),
        Column::number("Accepted"),
        Column::number("Not accepted"),
        Column::number("Throttled attempts"),
        Column::number("Bytes accepted"),
    ];
    let row = |tenant: &TenantRecord| {
        let counts = [tenant.offered, tenant.accepted, tenant.lost, tenant.throttled].map(units::count);
        let first = [tenant.name.clone(), Share(tenant.share).to_string()];
        let bytes = Bytes(tenant.accepted_bytes).to_string();
        first.into_iter().chain(counts).chain([bytes]).map(Cell::from).collect::<Vec<_>>()
    };
    let table = Table::new("What became of the records of each tenant", columns).layout(Layout::Sentences);
    let mut parts = Parts::default();
    parts.paragraph(
        Depth::Background,
        "All tenants share the stream: one that overloads a shard is throttled together with those whose keys lie in the same shard.",
    );
    parts.table(Depth::Summary, table.rows(tenants.iter().map(row)));
    let responses = tenants.iter().map(|tenant| (tenant.name.clone(), tenant.response));
    parts.table(
        Depth::Summary,
        latencies("Put response of each tenant, warm-up excluded", "Put response of", responses),
    );
    Some(Section::new("tenants", "Tenants", parts))
}
