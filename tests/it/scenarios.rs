//! Whole promotions against the sandbox.

mod afterwards;
mod following;
mod landing;
mod mistakes;
