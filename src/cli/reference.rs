//! What is generated from the declarations: `action.yml` and the reference pages. Text in, text out.
