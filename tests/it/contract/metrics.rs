//! The seam to metrics, over the stand-in and over a real Prometheus that scrapes a page of this test.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use promote_action::assess::analysis::template::{Metric, Oauth2, Prometheus, Provider, RangeQuery, Web};
use promote_action::assess::analysis::{Conditions, Phase, Trouble, TroubleKind, Value, measurement};
use promote_action::metrics::{Measure, Reading, Servers, Settings};
use promote_action::model::Secret;
use sandbox::prometheus::{Prometheus as StandIn, Series};

/// The success rate of an app, as the template of the examples asks for it.
fn success_rate(app: &str) -> String {
    let of = |codes: &str| format!("sum(rate(http_requests_total{{app=\"{app}\"{codes}}}[5m]))");
    format!("{} / {}", of(",code!~\"5..\""), of(""))
}

fn metric(address: &str, query: &str) -> Metric {
    Metric {
        name: "success-rate".to_owned(),
        success_condition: "result[0] >= 0.95".to_owned(),
        failure_condition: "result[0] < 0.90".to_owned(),
        provider: Provider {
            prometheus: Some(Prometheus {
                address: address.to_owned(),
                query: query.to_owned(),
                ..Prometheus::default()
            }),
            ..Provider::default()
        },
        ..Metric::default()
    }
}

fn now() -> i128 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i128::try_from(now.as_nanos()).unwrap()
}

fn measured(metric: &Metric, settings: Settings) -> Result<Reading, Trouble> {
    let servers = Servers::new(
        promote_action::http::client(&promote_action::http::Connections::default()).unwrap(),
        settings,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(servers.measure(&metric.provider, now()))
}

/// Measures and judges: the phase, or what went wrong.
fn judged(metric: &Metric) -> Result<Phase, String> {
    let reading = measured(metric, Settings::default()).map_err(|trouble| trouble.kind.word().to_owned())?;
    let conditions = Conditions {
        success: Some(&metric.success_condition),
        failure: Some(&metric.failure_condition),
    };
    measurement::judge(&reading.value, &conditions, now()).map_err(|unjudged| {
        unjudged
            .failure
            .class()
            .map_or_else(|| "none".to_owned(), |class| class.word().to_owned())
    })
}

/// What holds of every Prometheus that has the four apps.
fn suite(address: &str) {
    let of = |app: &str| judged(&metric(address, &success_rate(app)));
    assert_eq!(of("good"), Ok(Phase::Successful));
    assert_eq!(of("bad"), Ok(Phase::Failed));
    assert_eq!(of("absent"), Err("no_data".to_owned()));
    // Without traffic the rate is NaN: neither good nor bad.
    assert_eq!(of("flat"), Ok(Phase::Inconclusive));
    assert_eq!(judged(&metric(address, "sum(")), Err("prometheus_error".to_owned()));
    let reading = measured(&metric(address, "scalar(vector(0.5))"), Settings::default()).unwrap();
    assert!(matches!(reading.value, Value::Float(_)), "{reading:?}");
    assert_eq!(reading.stored, "0.5");
    let long = format!("vector(0.5) # {}", "x".repeat(20_000));
    assert_eq!(
        measured(&metric(address, &long), Settings::default()).unwrap().stored,
        "[0.5]"
    );
    let mut range = metric(address, "vector(0.5)");
    range.provider.prometheus.as_mut().unwrap().range_query = Some(RangeQuery {
        start: "now() - duration(\"30s\")".to_owned(),
        end: "now()".to_owned(),
        step: "1m".to_owned(),
    });
    assert_eq!(measured(&range, Settings::default()).unwrap().stored, "[0.5]");
}

fn stand_in() -> StandIn {
    let server = StandIn::start().unwrap();
    server.set(&success_rate("good"), Series::Vector(vec!["0.99"]));
    server.set(&success_rate("bad"), Series::Vector(vec!["0.5"]));
    server.set(&success_rate("absent"), Series::Vector(vec![]));
    server.set(&success_rate("flat"), Series::Vector(vec!["NaN"]));
    server.set("scalar(vector(0.5))", Series::Scalar("0.5"));
    server.set("vector(0.5)", Series::Vector(vec!["0.5"]));
    server.set(
        &format!("vector(0.5) # {}", "x".repeat(20_000)),
        Series::Vector(vec!["0.5"]),
    );
    server
}

#[test]
fn the_stand_in_is_measured() {
    suite(stand_in().url());
}

#[test]
fn a_server_that_is_down_is_an_error_of_its_own_kind() {
    let server = stand_in();
    for (status, word) in [(503, "server_error"), (500, "server_error"), (429, "client_error")] {
        server.fail(Some(status));
        assert_eq!(judged(&metric(server.url(), "vector(0.5)")), Err(word.to_owned()));
    }
    server.fail(None);
    server.warn("partial answer");
    let reading = measured(&metric(server.url(), "vector(0.5)"), Settings::default()).unwrap();
    assert_eq!(reading.warnings, ["partial answer"]);
    assert_eq!(server.asked(), 4, "a failed request is not sent twice");
}

#[test]
fn a_part_of_an_answer_is_no_value() {
    let server = stand_in();
    server.cut(true);
    let trouble = measured(&metric(server.url(), "vector(0.5)"), Settings::default()).unwrap_err();
    assert!(
        matches!(trouble.kind, TroubleKind::Connect | TroubleKind::BadResponse),
        "{trouble:?}"
    );
}

#[test]
fn the_token_goes_to_its_own_address_and_not_across_a_redirect() {
    let own = stand_in();
    own.want_token("prometheus-token");
    let settings = |url: &str| Settings {
        prometheus_url: Some(url.parse().unwrap()),
        prometheus_token: Some(Secret::new("prometheus-token")),
        ..Settings::default()
    };
    // The address of the settings takes the place of the template's.
    let template = metric("http://192.0.2.1:9", "vector(0.5)");
    assert_eq!(measured(&template, settings(own.url())).unwrap().stored, "[0.5]");
    let elsewhere = stand_in();
    elsewhere.redirect(own.url());
    let trouble = measured(&template, settings(elsewhere.url())).unwrap_err();
    assert_eq!(
        (trouble.kind, trouble.message.as_str()),
        (TroubleKind::ClientError, "the server answered 401")
    );
    let without = measured(&metric(own.url(), "vector(0.5)"), Settings::default()).unwrap_err();
    assert_eq!(without.kind, TroubleKind::ClientError);
}

#[test]
fn a_body_that_can_hold_a_secret_does_not_cross_a_redirect() {
    let (named, elsewhere) = (stand_in(), stand_in());
    named.redirect(elsewhere.url());
    let mut with_login = metric(elsewhere.url(), "vector(0.5)");
    with_login.provider.prometheus.as_mut().unwrap().authentication.oauth2 = Oauth2 {
        token_url: named.url().to_owned(),
        client_id: "promote".to_owned(),
        client_secret: "client-secret".to_owned(),
        ..Oauth2::default()
    };
    let mut with_body = metric("", "");
    with_body.provider = Provider {
        web: Some(Web {
            url: named.url().to_owned(),
            method: "POST".to_owned(),
            body: "key=secret".to_owned(),
            ..Web::default()
        }),
        ..Provider::default()
    };
    for metric in [with_login, with_body] {
        let trouble = measured(&metric, Settings::default()).unwrap_err();
        assert_eq!(trouble.kind, TroubleKind::Redirect, "{trouble:?}");
    }
    assert_eq!((named.asked(), elsewhere.asked()), (2, 0));
}

/// A Prometheus that is stopped when it is dropped.
struct Real {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves a page with counters that grow with every look, and returns its address.
fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let looks = Arc::new(AtomicU64::new(1));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let n = looks.fetch_add(1, Ordering::Relaxed);
            let line = |app: &str, code: u16, value: u64| {
                format!("http_requests_total{{app=\"{app}\",code=\"{code}\"}} {value}\n")
            };
            let body = [
                "# TYPE http_requests_total counter\n".to_owned(),
                line("good", 200, n * 99),
                line("good", 503, n),
                line("bad", 200, n * 50),
                line("bad", 500, n * 50),
                line("flat", 200, 70),
                line("flat", 500, 7),
            ]
            .concat();
            let kind = "text/plain; version=0.0.4";
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n");
            let _ = stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        }
    });
    host
}

fn real() -> Option<Real> {
    let program = ["/usr/bin/prometheus", "/usr/local/bin/prometheus"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())?;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    let scrape = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: apps\n  static_configs: [{{targets: [\"{}\"]}}]\n",
        page()
    );
    std::fs::write(&config, scrape).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let process = Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Some(Real {
        process,
        url: format!("http://127.0.0.1:{port}"),
        _folder: folder,
    })
}

#[test]
fn a_real_prometheus_is_measured() {
    let Some(real) = real() else {
        crate::support::skipped("the seam to metrics over a real Prometheus: the package prometheus is not installed");
        return;
    };
    let begun = Instant::now();
    // A rate needs two looks at the page.
    while judged(&metric(&real.url, &success_rate("good"))).is_err()
        || judged(&metric(&real.url, &success_rate("flat"))).is_err()
    {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "Prometheus at {} has no samples",
            real.url
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    suite(&real.url);
}
