//! Each row of docs/limits.md that bounds a size or a count has a test that fills it, or goes beyond it.

use std::fs;
use std::path::Path;

use promote_action::model::limits::{self, Limit, Unit};

const BOUNDS: &str = "scenarios/bounds.rs";
const GIT: &str = "scenarios/full_git_answers.rs";
const OTHERS: &str = "scenarios/full_answers.rs";

/// The rows, each with the file and the name of its test.
const TESTS: [(Limit, &str, &str); 35] = [
    (
        limits::ERROR_BODY,
        GIT,
        "redirects_errors_and_reports_beyond_their_bounds_end_in_words",
    ),
    (
        limits::RATE,
        "scenarios/partners.rs",
        "git_after_landing_holds_up_no_run",
    ),
    (limits::MEMORY, OTHERS, "answers_of_github_end_in_words"),
    (
        limits::GIT_REDIRECTS,
        GIT,
        "redirects_errors_and_reports_beyond_their_bounds_end_in_words",
    ),
    (
        limits::GIT_ADVERTISED,
        BOUNDS,
        "an_advertisement_without_end_ends_in_words",
    ),
    (limits::GIT_LISTED, BOUNDS, "references_without_number_end_in_words"),
    (
        limits::GIT_REPORTED,
        GIT,
        "redirects_errors_and_reports_beyond_their_bounds_end_in_words",
    ),
    (
        limits::GIT_FOLDERS,
        "contract/infrarepo/sizes.rs",
        "folders_are_left_out_from_one_megabyte_on",
    ),
    (
        limits::GIT_NAMED,
        GIT,
        "files_and_histories_beyond_their_bounds_end_in_words",
    ),
    (limits::GIT_UNFILTERED, GIT, "a_commit_with_all_its_files_ends_in_words"),
    (
        limits::GIT_INFLATED,
        BOUNDS,
        "very_many_objects_and_what_inflates_without_end_end_in_words",
    ),
    (
        limits::GIT_HISTORY,
        GIT,
        "files_and_histories_beyond_their_bounds_end_in_words",
    ),
    (
        limits::GIT_COMMITS,
        "contract/infrarepo/sizes.rs",
        "a_search_for_a_commit_ends_after_500_and_says_so",
    ),
    (
        limits::GIT_LINKS,
        "contract/infrarepo/updates.rs",
        "links_are_followed_inside_the_repository",
    ),
    (
        limits::INCLUDED_FOLDERS,
        "scenarios/reach.rs",
        "gates_of_an_environment_that_includes_the_pin_are_asked_or_it_is_refused",
    ),
    (
        limits::PROMOTE_YAML,
        "scenarios/mistakes.rs",
        "a_promote_yaml_without_end_ends_in_words",
    ),
    (limits::GITHUB_ANSWER, OTHERS, "answers_of_github_end_in_words"),
    (limits::REGISTRY_MANIFEST, OTHERS, "answers_of_a_registry_end_in_words"),
    (limits::REGISTRY_TOKEN, OTHERS, "answers_of_a_registry_end_in_words"),
    (limits::REGISTRY_REDIRECTS, OTHERS, "answers_of_a_registry_end_in_words"),
    (limits::METRICS_ANSWER, OTHERS, "answers_of_prometheus_end_in_words"),
    (limits::METRICS_REQUESTS, OTHERS, "answers_of_prometheus_end_in_words"),
    (
        limits::EXPRESSION,
        OTHERS,
        "expressions_beyond_their_bounds_end_in_words",
    ),
    (
        limits::EXPRESSION_TEXT,
        OTHERS,
        "expressions_beyond_their_bounds_end_in_words",
    ),
    (
        limits::EXPRESSION_MEMORY,
        OTHERS,
        "expressions_beyond_their_bounds_end_in_words",
    ),
    (
        limits::EXPRESSION_STEPS,
        OTHERS,
        "expressions_beyond_their_bounds_end_in_words",
    ),
    (
        limits::EXPRESSION_DEPTH,
        OTHERS,
        "expressions_beyond_their_bounds_end_in_words",
    ),
    (
        limits::ARGOCD_ONE,
        BOUNDS,
        "answers_of_argo_cd_full_of_the_smallest_elements_end_in_words",
    ),
    (
        limits::ARGOCD_MANY,
        BOUNDS,
        "answers_of_argo_cd_full_of_the_smallest_elements_end_in_words",
    ),
    (
        limits::ARGOCD_OBJECT,
        BOUNDS,
        "objects_trees_and_events_of_a_stream_end_in_words",
    ),
    (
        limits::ARGOCD_FRAME,
        BOUNDS,
        "objects_trees_and_events_of_a_stream_end_in_words",
    ),
    (
        limits::ARGOCD_APPLICATIONS,
        BOUNDS,
        "answers_of_argo_cd_full_of_the_smallest_elements_end_in_words",
    ),
    (
        limits::ARGOCD_RESOURCES,
        BOUNDS,
        "answers_of_argo_cd_full_of_the_smallest_elements_end_in_words",
    ),
    (
        limits::ARGOCD_NODES,
        BOUNDS,
        "objects_trees_and_events_of_a_stream_end_in_words",
    ),
    (
        limits::ARGOCD_TEMPLATES,
        BOUNDS,
        "an_analysis_that_names_templates_without_end_counts_for_nothing",
    ),
];

#[test]
fn every_limit_of_a_size_or_a_count_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for row in limits::ALL.iter().filter(|row| row.unit != Unit::Time) {
        assert!(
            TESTS.iter().any(|(of, ..)| of == row),
            "no test: {} ({})",
            row.what,
            row.of
        );
    }
    for (row, file, name) in TESTS {
        let text = fs::read_to_string(root.join(file)).unwrap();
        assert!(
            text.contains(&format!("fn {name}(")),
            "{}: {file} has no {name}",
            row.what
        );
    }
}
