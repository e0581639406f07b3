//! The editor on whole files: cases, real files, the real kustomize.

mod cases;
mod files;
mod formats;
mod hostile;
mod kustomize;
mod page;
mod promotion;
mod properties;
mod reading;
mod real;
mod sample;
