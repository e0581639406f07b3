//! The inputs that say where metrics are.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `prometheus-url`.
pub const PROMETHEUS_URL: InputSpec = InputSpec {
    name: "prometheus-url",
    kind: InputKind::Address,
    absent: "Default: the address in each analysis template",
    help: "Address of Prometheus, with its root path if it has one. It replaces the address in the analysis templates. Plain http is \
           allowed only for loopback and cluster-internal hosts.",
    example: "https://prometheus.example.com",
    part: Part::Metrics,
    ..InputSpec::PLAIN
};

/// `prometheus-token`.
pub const PROMETHEUS_TOKEN: InputSpec = InputSpec {
    name: "prometheus-token",
    kind: InputKind::Secret,
    absent: "Default: no token",
    help: "Bearer token that promote sends to `prometheus-url`, and only there. Needs `prometheus-url`.",
    example: "${{ secrets.PROMETHEUS_TOKEN }}",
    part: Part::Metrics,
    ..InputSpec::PLAIN
};

/// `prometheus-headers`.
pub const PROMETHEUS_HEADERS: InputSpec = InputSpec {
    name: "prometheus-headers",
    kind: InputKind::SecretLines,
    absent: "Default: none",
    help: "Headers that promote sends with every request to `prometheus-url`, one `Name: value` a line, for a proxy in front of it or a \
           tenant. The values are secrets. Needs `prometheus-url`.",
    example: "X-Scope-OrgID: payments",
    part: Part::Metrics,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 3] = [PROMETHEUS_URL, PROMETHEUS_TOKEN, PROMETHEUS_HEADERS];
