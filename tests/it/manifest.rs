//! The editor on whole files: cases, real files, the real kustomize.
