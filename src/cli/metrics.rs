//! Reads the inputs of metrics: where Prometheus is, and the secrets that go to it.

use url::Url;

use super::headers::{Own, headers};
use crate::http::Proxies;
use crate::inputs::{InputSpec, Reader};
use crate::metrics::Settings;
use crate::metrics::inputs::{PROMETHEUS_HEADERS, PROMETHEUS_TOKEN, PROMETHEUS_URL};
use crate::model::{may_carry_secret, read_url};

/// The headers that promote sets itself. Without a token, a header can bring a user and a password.
const WITHOUT_TOKEN: Own = Own {
    names: &["host"],
    instead: "use `prometheus-url` for the host",
};
const WITH_TOKEN: Own = Own {
    names: &["authorization", "host"],
    instead: "use `prometheus-token` for the token and `prometheus-url` for the host",
};

/// Reads them; without an address the templates' own counts.
pub(super) fn settings(reader: &Reader<'_>, proxies: &Proxies) -> Settings {
    let prometheus_url = reader.parsed(&PROMETHEUS_URL, address);
    let prometheus_token = reader.secret(&PROMETHEUS_TOKEN);
    let own = if prometheus_token.is_some() {
        &WITH_TOKEN
    } else {
        &WITHOUT_TOKEN
    };
    let prometheus_headers = headers(reader, &PROMETHEUS_HEADERS, own);
    let secrets: [&InputSpec; 2] = [&PROMETHEUS_TOKEN, &PROMETHEUS_HEADERS];
    let given = secrets.into_iter().filter(|spec| reader.given(spec).is_some());
    for spec in given {
        if reader.given(&PROMETHEUS_URL).is_none() && !reader.refuse_empty(&PROMETHEUS_URL) {
            reader.wrong(spec, "", "is given without `prometheus-url`: set both, or neither");
        }
        if let Some(url) = &prometheus_url
            && let Err(why) = proxies.may_carry_secret(url)
        {
            reader.wrong(&PROMETHEUS_URL, url.as_str(), &why);
        }
    }
    Settings {
        prometheus_url,
        prometheus_token,
        prometheus_headers,
        ..Settings::default()
    }
}

fn address(text: &str) -> Result<Url, String> {
    let url =
        read_url(text).map_err(|error| format!("is not a URL such as `https://prometheus.example.com`: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or password: send them as a header with `prometheus-headers`".to_owned());
    }
    if url.fragment().is_some() {
        return Err("holds a part after `#`: drop it".to_owned());
    }
    may_carry_secret(&url)?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_would_leak_is_refused() {
        for text in [
            "http://prometheus.example.com",
            "https://me:pw@prometheus.example.com",
            "prometheus:9090",
            "https://",
        ] {
            let why = address(text).unwrap_err();
            assert!(!why.contains("pw"), "{why}");
        }
        for text in [
            "http://127.0.0.1:9090",
            "http://p.monitoring.svc:9090/root",
            "https://p.example.com",
        ] {
            assert!(address(text).is_ok(), "{text}");
        }
    }
}
