//! What became of each tenant's records.

use maud::html;

use super::sections::{latency_columns, latency_row, nanos};
use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::table;
use crate::measure::TenantRecord;
use crate::result::RunResult;
use crate::units::{self, Bytes, Share};

/// A row per tenant; nothing without tenants.
pub fn section(result: &RunResult) -> Option<Section> {
    let tenants = &result.measurement.tenants;
    if tenants.is_empty() {
        return None;
    }
    let records = html! { @for tenant in tenants {
        tr {
            th scope="row" { (tenant.name) }
            td class="number" { (Share(tenant.share)) }
            @for value in [tenant.offered, tenant.accepted, tenant.lost, tenant.throttled] { td class="number" { (units::count(value)) } }
            td class="number" { (Bytes(tenant.accepted_bytes)) }
        }
    } };
    let latencies = html! { @for tenant in tenants { (latency_row(&tenant.name, &tenant.response)) } };
    let columns = [
        Text("Tenant"),
        Number("Share"),
        Number("Offered"),
        Number("Accepted"),
        Number("Not accepted"),
        Number("Throttled attempts"),
        Number("Bytes accepted"),
    ];
    let body = html! {
        p { "All tenants share the stream: one that overloads a shard is throttled together with those whose keys lie in the same shard." }
        (table("What became of the records of each tenant", &columns, &records))
        (table("Put response of each tenant, warm-up excluded", &latency_columns("Put response of"), &latencies))
    };
    Some(Section::new("tenants", "Tenants", body))
}

/// A tenant in a line.
pub fn line(tenant: &TenantRecord) -> String {
    format!(
        "tenant {}: {} offered, {} accepted, {} throttled attempts, put p50 {}, p99 {}",
        tenant.name,
        units::count(tenant.offered),
        units::count(tenant.accepted),
        units::count(tenant.throttled),
        nanos(tenant.response.p50),
        nanos(tenant.response.p99)
    )
}
