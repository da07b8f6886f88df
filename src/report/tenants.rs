//! What became of each tenant's records.

use maud::{Markup, html};

use super::sections::{latency_head, latency_row, nanos};
use crate::measure::TenantRecord;
use crate::result::RunResult;
use crate::units::{self, Bytes, Share};

/// A row per tenant; nothing without tenants.
pub fn section(result: &RunResult) -> Markup {
    let tenants = &result.measurement.tenants;
    html! {
        @if !tenants.is_empty() {
            section {
                h2 { "Tenants" }
                p { "All tenants share the stream: one that overloads a shard is throttled together with those whose keys lie in the same shard." }
                div class="scroll" { table {
                    thead { tr { @for name in ["Tenant", "Share", "Offered", "Accepted", "Not accepted", "Throttled attempts", "Bytes accepted"] { th scope="col" { (name) } } } }
                    tbody { @for tenant in tenants {
                        tr {
                            th scope="row" { (tenant.name) }
                            td class="number" { (Share(tenant.share)) }
                            @for value in [tenant.offered, tenant.accepted, tenant.lost, tenant.throttled] { td class="number" { (units::count(value)) } }
                            td class="number" { (Bytes(tenant.accepted_bytes)) }
                        }
                    } }
                } }
                div class="scroll" { table {
                    (latency_head("Put response of"))
                    tbody { @for tenant in tenants { (latency_row(&tenant.name, &tenant.response)) } }
                } }
            }
        }
    }
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
