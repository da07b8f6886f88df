//! What to say where this program lacks a feature.

/// That it does, and what to do instead.
pub(super) fn without(feature: &str, instead: &str) -> String {
    format!("this program was built without the feature `{feature}`: {instead}, or build it with the feature")
}
