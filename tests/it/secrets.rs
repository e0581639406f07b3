//! No secret reaches anything that comes out.
