//! Random cases, answered by the controller's own code and by this one. The program that knows the controller's answers is
//! named by `ANALYSIS_ORACLE`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use super::{Answer, answer, case};

const CASES: usize = 2000;

/// Numbers that look random and come again with their seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % limit
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const NUMBERS: [&str; 14] = [
    "0", "1", "2", "3", "10", "0.5", "0.95", "1.0", "1e3", ".5", "5.", "0x10", "1_000", "100",
];

/// Writes an expression that is a number, mostly.
fn number(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return match dice.below(5) {
            0 | 1 => dice.one(&NUMBERS).to_owned(),
            2 => dice.one(&["result", "#", "x"]).to_owned(),
            _ => dice
                .one(&["result[0]", "result[1]", "result[-1]", "len(result)"])
                .to_owned(),
        };
    }
    let next = depth - 1;
    match dice.below(14) {
        0..=4 => {
            let operator = dice.one(&["+", "-", "*", "/", "%", "**", "^"]);
            format!("{} {operator} {}", number(dice, next), number(dice, next))
        }
        5 => format!("({})", number(dice, next)),
        6 => format!("{}{}", dice.one(&["-", "+", "- "]), number(dice, next)),
        7 => {
            let function = dice.one(&["abs", "ceil", "floor", "round", "int", "float", "asInt", "asFloat"]);
            format!("{function}({})", number(dice, next))
        }
        8 => format!(
            "{}({})",
            dice.one(&["sum", "mean", "median", "max", "min", "first", "last"]),
            list(dice, next)
        ),
        9 => format!("count({}, {})", list(dice, next), boolean(dice, next)),
        10 => format!("({} ?? {})", number(dice, next), number(dice, next)),
        11 => format!(
            "({} ? {} : {})",
            boolean(dice, next),
            number(dice, next),
            number(dice, next)
        ),
        12 => format!("default({}, {})", number(dice, next), number(dice, next)),
        _ => format!("get({}, {})", list(dice, next), number(dice, next)),
    }
}

/// Writes an expression that is a list, mostly.
fn list(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return dice
            .one(&[
                "result",
                "result",
                "result",
                "[1, 2, 3]",
                "[0.5, 0.97]",
                "[]",
                "1..3",
                "[true, false]",
            ])
            .to_owned();
    }
    let next = depth - 1;
    match dice.below(7) {
        0 => format!("filter({}, {})", list(dice, next), boolean(dice, next)),
        1 => format!("map({}, {})", list(dice, next), number(dice, next)),
        2 => format!(
            "{}[{}:{}]",
            list(dice, next),
            dice.one(&["", "0", "1", "-1"]),
            dice.one(&["", "1", "2", "-1"])
        ),
        3 => format!("[{}, {}]", number(dice, next), number(dice, next)),
        4 => format!("default({}, {})", list(dice, next), list(dice, next)),
        5 => format!(
            "{}({})",
            dice.one(&["reverse", "uniq", "flatten", "concat", "sort"]),
            list(dice, next)
        ),
        _ => list(dice, 0),
    }
}

/// Writes a condition, mostly.
fn boolean(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        let operator = dice.one(&[">=", "<=", ">", "<", "==", "!="]);
        return match dice.below(6) {
            0 => dice
                .one(&["true", "false", "result == nil", "isNil(result)"])
                .to_owned(),
            1 => format!("isNaN({})", number(dice, 0)),
            _ => format!("{} {operator} {}", number(dice, 0), number(dice, 0)),
        };
    }
    let next = depth - 1;
    match dice.below(13) {
        0..=2 => {
            let operator = dice.one(&["&&", "||", "and", "or"]);
            format!("{} {operator} {}", boolean(dice, next), boolean(dice, next))
        }
        3 => format!("{}({})", dice.one(&["!", "not "]), boolean(dice, next)),
        4 => format!(
            "{}({}, {})",
            dice.one(&["all", "any", "none", "one"]),
            list(dice, next),
            boolean(dice, next)
        ),
        5 => format!(
            "{} {} {}",
            number(dice, next),
            dice.one(&["in", "not in"]),
            list(dice, next)
        ),
        6 => format!("{}({})", dice.one(&["isNaN", "isInf", "isNil"]), number(dice, next)),
        7 => format!(
            "{} ? {} : {}",
            boolean(dice, next),
            boolean(dice, next),
            boolean(dice, next)
        ),
        8 => format!("let x = {}; {}", number(dice, next), boolean(dice, next)),
        9 => format!(
            "if {} {{ {} }} else {{ {} }}",
            boolean(dice, next),
            boolean(dice, next),
            boolean(dice, next)
        ),
        _ => {
            let operator = dice.one(&[">=", "<=", ">", "<", "==", "!="]);
            format!("{} {operator} {}", number(dice, next), number(dice, next))
        }
    }
}

/// Writes a condition, and now and then spoils it.
fn condition(dice: &mut Dice) -> String {
    let depth = dice.below(4);
    let mut text = boolean(dice, depth);
    if dice.chance(8) {
        let mut characters: Vec<char> = text.chars().collect();
        let place = dice.below(characters.len());
        match dice.below(3) {
            0 => drop(characters.remove(place)),
            1 => characters.insert(
                place,
                ['(', ')', '.', '#', '&', '\'', '=', '?', ',', ' '][dice.below(10)],
            ),
            _ => characters.swap(place, 0),
        }
        text = characters.into_iter().collect();
    }
    text
}

fn sample(dice: &mut Dice) -> Json {
    match dice.below(9) {
        0 => json!("NaN"),
        1 => json!("+Inf"),
        2 => json!("-Inf"),
        _ => [json!(0), json!(0.5), json!(0.92), json!(0.97), json!(1), json!(-1)][dice.below(6)].clone(),
    }
}

fn result(dice: &mut Dice) -> Json {
    match dice.below(10) {
        0 => json!({"type": "nil"}),
        1..=3 => json!({"type": "float", "value": sample(dice)}),
        _ => {
            let count = dice.below(4);
            json!({"type": "floats", "value": (0..count).map(|_| sample(dice)).collect::<Vec<_>>()})
        }
    }
}

fn expression(dice: &mut Dice) -> Json {
    if dice.chance(25) {
        let mut input = json!({"op": "measure", "result": result(dice)});
        if dice.chance(80) {
            input["success_condition"] = condition(dice).into();
        }
        if dice.chance(60) {
            input["failure_condition"] = condition(dice).into();
        }
        return input;
    }
    json!({"op": "condition", "condition": condition(dice), "result": result(dice)})
}

/// Makes a metric with limits that may not fit.
fn metric(dice: &mut Dice, name: &str) -> Json {
    let mut metric = json!({
        "name": name,
        "provider": {"prometheus": {"address": "$SERVER", "query": format!("q-{name}")}},
        "successCondition": "result[0] >= 0.95",
    });
    if dice.chance(60) {
        metric["failureCondition"] = "result[0] < 0.9".into();
    }
    if dice.chance(80) {
        metric["interval"] = dice.one(&["10s", "5s", "1m", "1500ms"]).into();
    }
    if dice.chance(70) {
        metric["count"] = if dice.chance(10) {
            json!(dice.one(&["3", "abc", ""]))
        } else {
            json!(dice.below(6))
        };
    }
    for (limit, percent) in [
        ("failureLimit", 50),
        ("inconclusiveLimit", 40),
        ("consecutiveErrorLimit", 30),
        ("consecutiveSuccessLimit", 30),
    ] {
        if dice.chance(percent) {
            metric[limit] = json!(i64::try_from(dice.below(5)).unwrap() - 1);
        }
    }
    if dice.chance(20) {
        metric["initialDelay"] = dice.one(&["5s", "15s", "1m"]).into();
    }
    metric
}

fn run(dice: &mut Dice) -> Json {
    let names = ["a", "b", "c"];
    let count = 1 + dice.below(3);
    let mut script = json!({});
    let mut metrics = Vec::new();
    for name in &names[..count] {
        metrics.push(metric(dice, name));
        let steps = 1 + dice.below(6);
        let answers = (0..steps).map(|_| match dice.below(8) {
            0 => json!({"fail": dice.one(&["http500", "bad_data"])}),
            1 => json!({"vector": []}),
            2 => json!({"vector": ["NaN"]}),
            _ => {
                let value = [json!(0.5), json!(0.92), json!(0.99), json!(0.99)][dice.below(4)].clone();
                json!({"vector": [value]})
            }
        });
        script[format!("q-{name}")] = answers.collect::<Vec<_>>().into();
    }
    let mut spec = json!({"metrics": metrics});
    if dice.chance(20) {
        spec["dryRun"] = json!([{"metricName": dice.one(&["a", "b", ".*", "^c$", "x"])}]);
    }
    let mut input = json!({"spec": spec, "script": script, "until": 200});
    if dice.chance(15) {
        input["terminate_at"] = json!(5 + dice.below(60));
    }
    input
}

fn arguments(dice: &mut Dice) -> Json {
    let tag = |dice: &mut Dice| {
        dice.one(&[
            "{{args.x}}",
            "{{ args.x }}",
            "{{args.y}}",
            "{{args.z}}",
            "{{x}}",
            "}}",
            "{{",
        ])
    };
    let value = |dice: &mut Dice| dice.one(&["up", "a\"b", "a\\b", "{{args.y}}", "", "é", "a\nb", "0.95", "<>&"]);
    let query = format!(
        "{}{}{}",
        dice.one(&["", "up ", "{"]),
        tag(dice),
        dice.one(&["", "}", " or vector(0)"])
    );
    let given = 1 + dice.below(20);
    let args: Vec<Json> = ["x", "y"]
        .iter()
        .map(|name| json!({"name": name, "value": value(dice)}))
        .filter(|_| !given.is_multiple_of(7))
        .collect();
    json!({"op": "resolve", "args": args, "metric": {
        "name": "m", "successCondition": format!("result[0] >= {}", tag(dice)),
        "provider": {"prometheus": {"address": "http://p", "query": query}},
    }})
}

fn query(dice: &mut Dice) -> Json {
    let sample = |dice: &mut Dice| dice.one(&["0.97", "0.5", "NaN", "+Inf", "1e3", "x", ""]);
    let data = match dice.below(4) {
        0 => json!({"resultType": "scalar", "result": [1.5, sample(dice)]}),
        1 => {
            json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, sample(dice)], [2, sample(dice)]]}]})
        }
        2 => json!({"resultType": "vector", "result": []}),
        _ => json!({"resultType": "vector", "result": [{"metric": {}, "value": [1, sample(dice)]}]}),
    };
    let status = [200, 200, 200, 200, 400, 422, 429, 500, 503, 405][dice.below(10)];
    let body = match dice.below(6) {
        0 => json!({"status": "error", "errorType": "execution", "error": "no"}),
        1 => json!({"status": "success", "warnings": ["partial"], "data": data}),
        _ => json!({"status": "success", "data": data}),
    };
    json!({
        "metric": {"name": "m", "successCondition": condition(dice),
            "provider": {"prometheus": {"address": "$SERVER/prom", "query": dice.one(&["up", "a + b", "x{y=\"z\"}"])}}},
        "replies": [{"status": status, "body": body.to_string()}],
    })
}

fn input(dice: &mut Dice) -> (&'static str, Json) {
    match dice.below(20) {
        0..=12 => ("expr", expression(dice)),
        13..=15 => ("run", run(dice)),
        16 | 17 => ("args", arguments(dice)),
        _ => ("prometheus", query(dice)),
    }
}

#[test]
fn random_analyses_come_out_as_the_controller_has_them() {
    let Ok(oracle) = std::env::var("ANALYSIS_ORACLE") else {
        crate::support::skipped("2,000 random analyses: ANALYSIS_ORACLE names no program");
        return;
    };
    assert!(
        Path::new(&oracle).is_file(),
        "ANALYSIS_ORACLE is {oracle}, which is not a file"
    );
    let seed = std::env::var("ANALYSIS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap();
            now.as_secs() * 1000 + u64::from(now.subsec_millis())
        });
    crate::support::noted(&format!("ANALYSIS_SEED={seed}"));
    let mut dice = Dice(seed.max(1));
    let questions: Vec<String> = (0..CASES)
        .map(|number| {
            let (kind, input) = input(&mut dice);
            json!({"id": format!("random-{number:04}"), "kind": kind, "group": "random", "input": input}).to_string()
        })
        .collect();
    let mut program = Command::new(oracle)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = program.stdin.take().unwrap();
    let all = questions.join("\n");
    let writer = std::thread::spawn(move || to.write_all(all.as_bytes()));
    let (mut alike, mut left_out, mut wrong) = (0, 0, Vec::new());
    for line in BufReader::new(program.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let case = case(&line);
        match answer(&case) {
            Answer::Alike => alike += 1,
            Answer::NotEvaluated(_) => left_out += 1,
            Answer::Different(how) => wrong.push(format!("{} {}\n  {how}", case.id, case.input)),
        }
    }
    writer.join().unwrap().unwrap();
    program.wait().unwrap();
    crate::support::noted(&format!("{alike} of {CASES} alike, {left_out} not evaluated"));
    wrong.truncate(40);
    assert!(
        wrong.is_empty(),
        "ANALYSIS_SEED={seed}: {} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(alike + left_out, CASES, "ANALYSIS_SEED={seed}: the program ended early");
    assert!(left_out * 20 < CASES, "too much is not evaluated: {left_out}");
}
