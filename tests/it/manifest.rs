//! The editor on whole files: cases, real files, the real kustomize.

mod cases;
mod kustomize;
mod reading;
mod real;
mod sample;
