//! How fast conditions are evaluated.
//!
//! `cargo bench --bench gates`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench measures real time and may stop at the first thing that is wrong"
)]

use std::hint::black_box;
use std::time::Instant;

use promote_action::assess::analysis::Value;
use promote_action::assess::analysis::expression::Expression;

const TIMES: u32 = 1_000_000;

fn main() {
    let result = Value::floats([0.97]);
    for text in [
        "result[0] >= 0.95",
        "len(result) > 0 && !isNaN(result[0]) && result[0] >= 0.95",
        "all(result, # >= 0.95)",
    ] {
        let condition = Expression::parse(text).unwrap().check(&result).unwrap();
        let begun = Instant::now();
        for _ in 0..TIMES {
            black_box(condition.holds(black_box(&result), 0).unwrap());
        }
        let each = begun.elapsed() / TIMES;
        let begun = Instant::now();
        for _ in 0..TIMES / 10 {
            black_box(Expression::parse(black_box(text)).unwrap().check(&result).unwrap());
        }
        let parsed = begun.elapsed() / (TIMES / 10);
        let a_second = 1_000_000_000 / each.as_nanos().max(1);
        println!("{a_second:>9} a second ({each:?} each; {parsed:?} to parse and check)  {text}");
    }
}
