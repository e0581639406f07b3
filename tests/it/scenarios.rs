//! Whole promotions against the sandbox.

mod following;
mod landing;
mod mistakes;
