//! The fields of a kustomization file, as kustomize v5.8 declares them in its `api/types`.

/// The type that kustomize gives to a value. Null fits every one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Anything.
    Any,
    /// A string.
    Text,
    /// A boolean.
    Flag,
    /// A whole number.
    Whole,
    /// A list.
    List(&'static Shape),
    /// A mapping with free keys.
    Map(&'static Shape),
    /// A mapping with these keys and no others.
    Fields(&'static [(&'static str, Shape)]),
}

use Shape::{Any, Fields, Flag, List, Map, Text, Whole};

impl Shape {
    /// Returns what a value of this type is called.
    pub(super) const fn called(self) -> &'static str {
        match self {
            Any => "a value",
            Text => "a text",
            Flag => "`true` or `false`",
            Whole => "a whole number",
            List(_) => "a list",
            Map(_) | Fields(_) => "a mapping",
        }
    }
}

const TEXTS: Shape = List(&Text);
const LABELS: Shape = Map(&Text);

const METADATA: Shape = Fields(&[
    ("name", Text),
    ("namespace", Text),
    ("labels", LABELS),
    ("annotations", LABELS),
]);

const SORT_OPTIONS: Shape = Fields(&[
    ("order", Text),
    (
        "legacySortOptions",
        Fields(&[("orderFirst", TEXTS), ("orderLast", TEXTS)]),
    ),
]);

const LABEL: Shape = Fields(&[
    ("pairs", LABELS),
    ("includeSelectors", Flag),
    ("includeTemplates", Flag),
    ("includeVolumeClaimTemplates", Flag),
    (
        "fields",
        List(&Fields(&[
            ("group", Text),
            ("version", Text),
            ("kind", Text),
            ("path", Text),
            ("create", Flag),
        ])),
    ),
]);

const SELECTOR: Shape = Fields(&[
    ("group", Text),
    ("version", Text),
    ("kind", Text),
    ("name", Text),
    ("namespace", Text),
    ("annotationSelector", Text),
    ("labelSelector", Text),
]);

const PATCH: Shape = Fields(&[
    ("path", Text),
    ("patch", Text),
    ("target", SELECTOR),
    (
        "options",
        Fields(&[("allowNameChange", Flag), ("allowKindChange", Flag)]),
    ),
]);

/// An entry of `images`.
pub(super) const IMAGE_KEYS: [&str; 5] = ["name", "newName", "tagSuffix", "newTag", "digest"];

const FIELD_OPTIONS: Shape = Fields(&[
    ("delimiter", Text),
    ("index", Whole),
    ("encoding", Text),
    ("create", Flag),
]);

const REPLACEMENT: Shape = Fields(&[
    (
        "source",
        Fields(&[
            ("group", Text),
            ("version", Text),
            ("kind", Text),
            ("name", Text),
            ("namespace", Text),
            ("fieldPath", Text),
            ("options", FIELD_OPTIONS),
        ]),
    ),
    (
        "targets",
        List(&Fields(&[
            ("select", SELECTOR),
            ("reject", List(&SELECTOR)),
            ("fieldPaths", TEXTS),
            ("options", FIELD_OPTIONS),
        ])),
    ),
    ("sourceValue", Text),
    ("path", Text),
]);

const VAR: Shape = Fields(&[
    ("name", Text),
    (
        "objref",
        Fields(&[
            ("apiVersion", Text),
            ("group", Text),
            ("version", Text),
            ("kind", Text),
            ("name", Text),
            ("namespace", Text),
        ]),
    ),
    ("fieldref", Fields(&[("fieldPath", Text)])),
]);

const GENERATOR_OPTIONS: Shape = Fields(&[
    ("labels", LABELS),
    ("annotations", LABELS),
    ("disableNameSuffixHash", Flag),
    ("immutable", Flag),
]);

const CONFIG_MAP: Shape = Fields(&[
    ("namespace", Text),
    ("name", Text),
    ("behavior", Text),
    ("literals", TEXTS),
    ("files", TEXTS),
    ("envs", TEXTS),
    ("env", Text),
    ("options", GENERATOR_OPTIONS),
]);

const SECRET: Shape = Fields(&[
    ("namespace", Text),
    ("name", Text),
    ("behavior", Text),
    ("literals", TEXTS),
    ("files", TEXTS),
    ("envs", TEXTS),
    ("env", Text),
    ("options", GENERATOR_OPTIONS),
    ("type", Text),
]);

const HELM_CHART: Shape = Fields(&[
    ("name", Text),
    ("version", Text),
    ("repo", Text),
    ("releaseName", Text),
    ("namespace", Text),
    ("additionalValuesFiles", TEXTS),
    ("valuesFile", Text),
    ("valuesInline", Map(&Any)),
    ("valuesMerge", Text),
    ("includeCRDs", Flag),
    ("skipHooks", Flag),
    ("apiVersions", TEXTS),
    ("kubeVersion", Text),
    ("nameTemplate", Text),
    ("skipTests", Flag),
    ("debug", Flag),
    ("devel", Flag),
]);

const HELM_CHART_OLD: Shape = Fields(&[
    ("chartName", Text),
    ("chartVersion", Text),
    ("chartRepoUrl", Text),
    ("chartHome", Text),
    ("chartRepoName", Text),
    ("helmBin", Text),
    ("helmHome", Text),
    ("values", Text),
    ("valuesLocal", Map(&Any)),
    ("valuesMerge", Text),
    ("releaseName", Text),
    ("releaseNamespace", Text),
    ("extraArgs", TEXTS),
]);

/// The top level. `images` and `imageTags` are read apart, entry by entry.
pub(super) const TOP: &[(&str, Shape)] = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    ("openapi", LABELS),
    ("namePrefix", Text),
    ("nameSuffix", Text),
    ("namespace", Text),
    ("commonLabels", LABELS),
    ("labels", List(&LABEL)),
    ("commonAnnotations", LABELS),
    ("patchesStrategicMerge", TEXTS),
    ("patchesJson6902", List(&PATCH)),
    ("patches", List(&PATCH)),
    ("images", List(&Any)),
    ("imageTags", List(&Any)),
    ("replacements", List(&REPLACEMENT)),
    ("replicas", List(&Fields(&[("name", Text), ("count", Whole)]))),
    ("vars", List(&VAR)),
    ("sortOptions", SORT_OPTIONS),
    ("resources", TEXTS),
    ("components", TEXTS),
    ("crds", TEXTS),
    ("bases", TEXTS),
    ("configMapGenerator", List(&CONFIG_MAP)),
    ("secretGenerator", List(&SECRET)),
    ("helmGlobals", Fields(&[("chartHome", Text), ("configHome", Text)])),
    ("helmCharts", List(&HELM_CHART)),
    ("helmChartInflationGenerator", List(&HELM_CHART_OLD)),
    ("generatorOptions", GENERATOR_OPTIONS),
    ("configurations", TEXTS),
    ("generators", TEXTS),
    ("transformers", TEXTS),
    ("validators", TEXTS),
    ("buildMetadata", TEXTS),
];
