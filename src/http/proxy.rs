//! Which proxy a connection goes through: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in both cases, as Go and GitHub's runner
//! read them. Pure.
//!
//! The rules of `NO_PROXY` are those of Go's `golang.org/x/net/http/httpproxy`: names with the names below them, a leading dot for those below
//! alone, IP addresses, CIDR blocks, each but the last with a port if it is to count for that port only, and `*`.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::model::{Secret, is_loopback};

/// The proxies of a run. The default has none.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    not: Vec<Exception>,
    secrets: Vec<Secret>,
    /// The variables that name a proxy of a kind that cannot be used, with its scheme.
    unusable: Vec<(&'static str, String)>,
}

/// What goes to no proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    All,
    Block(IpAddr, u8),
    Ip(IpAddr, Option<u16>),
    Name {
        /// With a dot before it.
        end: String,
        /// Whether the name itself is meant, too.
        itself: bool,
        port: Option<u16>,
    },
}

impl Proxies {
    /// Reads the variables; `var` returns the value of one by its name. Upper case counts before lower case.
    #[must_use]
    pub fn read<'a>(var: impl Fn(&str) -> Option<&'a str>) -> Self {
        let value = |name: &str| {
            let upper = var(name).filter(|value| !value.is_empty());
            upper.or_else(|| var(&name.to_ascii_lowercase()).filter(|value| !value.is_empty()))
        };
        let texts = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];
        let both = texts
            .iter()
            .flat_map(|name| [var(name), var(&name.to_ascii_lowercase())]);
        let secrets = both.flatten().flat_map(passwords).map(Secret::new).collect();
        let unusable = texts.iter().filter_map(|&name| {
            let (scheme, _) = value(name)?.trim().split_once("://")?;
            let scheme = scheme.to_ascii_lowercase();
            let is_scheme = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
            (is_scheme && !matches!(scheme.as_str(), "http" | "https")).then_some((name, scheme))
        });
        let unusable = unusable.collect();
        let all = value("ALL_PROXY").and_then(address);
        // A program that a web server starts gets the header `Proxy:` of a request in that variable.
        let of_http = value("HTTP_PROXY").filter(|_| var("REQUEST_METHOD").is_none());
        Self {
            http: of_http.and_then(address).or_else(|| all.clone()),
            https: value("HTTPS_PROXY").and_then(address).or(all),
            not: value("NO_PROXY").map(exceptions).unwrap_or_default(),
            secrets,
            unusable,
        }
    }

    /// Says of each variable that names a proxy which promote cannot use that it goes past it.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let each = self.unusable.iter();
        each.map(|(name, scheme)| {
            format!("promote ignores `{name}`: it names a {scheme}:// proxy, and promote uses http:// and https:// proxies only")
        })
        .collect()
    }

    /// Returns the proxy that a connection to `url` goes through. This machine is never reached by one.
    #[must_use]
    pub fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = match url.scheme() {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            _ => None,
        }?;
        let direct = is_loopback(url) || self.not.iter().any(|exception| exception.holds(url));
        (!direct).then_some(proxy)
    }

    /// Checks that a secret to `url` does not pass a proxy in the clear: over plain http a proxy reads all, so it must be on this machine.
    ///
    /// # Errors
    /// Says what is wrong, as the end of a sentence.
    pub fn may_carry_secret(&self, url: &Url) -> Result<(), String> {
        let Some(proxy) = self.of(url).filter(|_| url.scheme() == "http") else {
            return Ok(());
        };
        if is_loopback(proxy) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        Err(format!(
            "is plain http, and would go unencrypted through the proxy {}: add {host} to `NO_PROXY`, or use https",
            proxy.host_str().unwrap_or_default()
        ))
    }

    /// Returns the passwords of all proxies, in each form in which a proxy can repeat them.
    #[must_use]
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = |url: &Option<Url>| url.as_ref().and_then(Url::host_str).map(str::to_owned);
        out.debug_struct("Proxies")
            .field("http", &host(&self.http))
            .field("https", &host(&self.https))
            .field("not", &self.not)
            .finish_non_exhaustive()
    }
}

/// Reads a proxy's address; without a scheme it is http. `None`: it is none that can be used.
fn address(text: &str) -> Option<Url> {
    let text = text.trim();
    let usable = |url: &Url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    let whole = Url::parse(text).ok().filter(usable);
    whole.or_else(|| {
        Url::parse(&format!("http://{text}"))
            .ok()
            .filter(|url| !text.contains("://") && usable(url))
    })
}

/// Returns what could be the password in a proxy's address, however it is written.
fn passwords(text: &str) -> Vec<String> {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    let Some((before, _)) = rest.rsplit_once('@') else {
        return Vec::new();
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let Some((user, password)) = before.split_once(':').filter(|(_, password)| !password.is_empty()) else {
        // A user without a password can be a token.
        let user = before.trim_end_matches(':');
        return forms(vec![
            user.to_owned(),
            decoded(user),
            STANDARD.encode(format!("{user}:")),
            STANDARD.encode(format!("{}:", decoded(user))),
            STANDARD.encode(decoded(user)),
            address(text).map_or_else(String::new, |url| url.username().to_owned()),
        ]);
    };
    let (plain_user, plain) = (decoded(user), decoded(password));
    let mut out = vec![
        password.to_owned(),
        STANDARD.encode(format!("{plain_user}:{plain}")),
        STANDARD.encode(format!("{user}:{password}")),
        plain,
    ];
    // The client writes some letters in its own way.
    out.extend(address(text).and_then(|url| url.password().map(str::to_owned)));
    forms(out)
}

/// Returns each form once, without empty ones.
fn forms(mut all: Vec<String>) -> Vec<String> {
    all.retain(|form| !form.is_empty());
    all.sort();
    all.dedup();
    all
}

fn exceptions(text: &str) -> Vec<Exception> {
    let parts = text
        .split([',', ' ', '\n', '\t'])
        .map(|part| part.trim().to_ascii_lowercase());
    parts.filter_map(|part| exception(&part)).collect()
}

fn exception(entry: &str) -> Option<Exception> {
    if entry.is_empty() {
        return None;
    }
    if entry == "*" {
        return Some(Exception::All);
    }
    if let Some((ip, bits)) = entry.split_once('/') {
        let ip: IpAddr = ip.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        return (bits <= if ip.is_ipv4() { 32 } else { 128 }).then_some(Exception::Block(ip, bits));
    }
    if let Ok(ip) = entry.trim_start_matches('[').trim_end_matches(']').parse() {
        return Some(Exception::Ip(ip, None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return Some(Exception::Ip(ip, port));
    }
    let host = host
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.'))
        .unwrap_or(host);
    let host = host.trim_end_matches('.');
    if host.is_empty() {
        return None;
    }
    Some(Exception::Name {
        itself: !host.starts_with('.'),
        end: format!(".{}", host.trim_start_matches('.')),
        port,
    })
}

impl Exception {
    fn holds(&self, url: &Url) -> bool {
        let at = url.port_or_known_default();
        let on_port = |port: &Option<u16>| port.is_none() || *port == at;
        match (self, ip(url)) {
            (Self::All, _) => true,
            (Self::Block(block, bits), Some(ip)) => in_block(ip, *block, *bits),
            (Self::Ip(known, port), Some(ip)) => *known == ip && on_port(port),
            (Self::Name { end, itself, port }, None) => {
                let host = url.host_str().unwrap_or_default().trim_end_matches('.');
                let named = host.ends_with(end.as_str()) || (*itself && Some(host) == end.strip_prefix('.'));
                named && on_port(port)
            }
            _ => false,
        }
    }
}

fn ip(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.to_ipv4_mapped().map_or(ip.into(), IpAddr::from)),
        Host::Domain(_) => None,
    }
}

fn in_block(ip: IpAddr, block: IpAddr, bits: u8) -> bool {
    let first = |number: u128, width: u32| number.checked_shr(width - u32::from(bits)).unwrap_or_default();
    match (ip, block) {
        (IpAddr::V4(ip), IpAddr::V4(block)) => first(u32::from(ip).into(), 32) == first(u32::from(block).into(), 32),
        (IpAddr::V6(ip), IpAddr::V6(block)) => first(ip.into(), 128) == first(block.into(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &'static str)]) -> Proxies {
        let pairs = pairs.to_vec();
        Proxies::read(move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
    }

    fn by_proxy(not: &'static str, url: &str) -> bool {
        let proxies = read(&[("ALL_PROXY", "http://proxy:3128"), ("no_proxy", not)]);
        proxies.of(&url.parse().unwrap()).is_some()
    }

    #[test]
    fn exceptions_are_those_of_go() {
        for (not, direct, other) in [
            (
                "example.com",
                &[
                    "https://example.com",
                    "http://a.example.com",
                    "https://EXAMPLE.com:8443",
                ][..],
                &["https://notexample.com"][..],
            ),
            (".example.com", &["https://a.example.com"], &["https://example.com"]),
            ("*.example.com", &["https://a.b.example.com"], &["https://example.com"]),
            (
                "example.com:8443",
                &["https://example.com:8443", "https://a.example.com:8443"],
                &["https://example.com"],
            ),
            ("example.com:443", &["https://example.com"], &["http://example.com"]),
            (
                "10.0.0.0/8",
                &["http://10.255.0.1", "https://10.0.0.1:5"],
                &["http://11.0.0.1", "http://ten.example"],
            ),
            ("10.1.2.3", &["http://10.1.2.3:99"], &["http://10.1.2.4"]),
            ("10.1.2.3:80", &["http://10.1.2.3"], &["https://10.1.2.3"]),
            ("fd00::/8", &["https://[fd12::1]"], &["https://[fe80::1]"]),
            ("[fd00::1]:443", &["https://[fd00::1]"], &["https://[fd00::1]:8443"]),
            ("fd00::1", &["https://[fd00::1]:8443"], &["https://[fd00::2]"]),
            ("0.0.0.0/0", &["https://1.2.3.4"], &["https://a.example"]),
            (
                " a.example , b.example ",
                &["https://a.example", "https://b.example"],
                &["https://c.example"],
            ),
            ("*", &["https://a.example", "http://1.2.3.4"], &[]),
            (
                ",, :80,/8,10.0.0.0/33,a:b",
                &[],
                &["https://a.example", "http://10.0.0.1"],
            ),
            ("svc", &["http://argocd.argocd.svc"], &["http://svc.example"]),
            (
                "",
                &[
                    "http://localhost:1",
                    "http://127.8.8.8",
                    "http://[::1]:9",
                    "http://a.localhost",
                ],
                &["https://a.example"],
            ),
        ] {
            for url in direct {
                assert!(!by_proxy(not, url), "{not}: {url}");
            }
            for url in other {
                assert!(by_proxy(not, url), "{not}: {url}");
            }
        }
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let host = |pairs: &[(&str, &'static str)], url: &str| {
            read(pairs)
                .of(&url.parse().unwrap())
                .map(|proxy| proxy.host_str().unwrap().to_owned())
        };
        let three = [
            ("HTTP_PROXY", "plain:1"),
            ("https_proxy", "http://tls:2/"),
            ("all_proxy", "rest:3"),
        ];
        assert_eq!(host(&three, "http://a.example").as_deref(), Some("plain"));
        assert_eq!(host(&three, "https://a.example").as_deref(), Some("tls"));
        assert_eq!(host(&three[2..], "http://a.example").as_deref(), Some("rest"));
        let both = [("HTTPS_PROXY", "upper"), ("https_proxy", "lower")];
        assert_eq!(host(&both, "https://a.example").as_deref(), Some("upper"));
        let cgi = [("HTTP_PROXY", "evil"), ("REQUEST_METHOD", "GET")];
        assert_eq!(host(&cgi, "http://a.example"), None);
        assert_eq!(host(&[("HTTPS_PROXY", "")], "https://a.example"), None);
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named() {
        for (name, value, said) in [
            (
                "ALL_PROXY",
                "socks5://user:hunter2@proxy:1080",
                Some("`ALL_PROXY`: it names a socks5:// proxy"),
            ),
            (
                "https_proxy",
                "socks5h://proxy:1080",
                Some("`HTTPS_PROXY`: it names a socks5h:// proxy"),
            ),
            ("HTTP_PROXY", "http://proxy:3128", None),
            ("HTTP_PROXY", "proxy:3128", None),
        ] {
            let warnings = read(&[(name, value)]).warnings();
            assert_eq!(warnings.len(), usize::from(said.is_some()), "{value}");
            assert!(
                warnings
                    .iter()
                    .all(|warning| warning.contains(said.unwrap()) && !warning.contains("hunter2"))
            );
        }
    }

    #[test]
    fn a_secret_passes_no_proxy_in_the_clear() {
        for (proxy, not, url, may) in [
            ("http://proxy:1", "", "http://git.tools.svc/a", false),
            ("http://proxy:1", "git.tools.svc", "http://git.tools.svc/a", true),
            ("http://proxy:1", ".svc", "http://git.tools.svc/a", true),
            ("http://127.0.0.1:1", "", "http://git.tools.svc/a", true),
            ("http://localhost:1", "", "http://git.tools.svc/a", true),
            ("https://proxy:1", "", "http://git.tools.svc/a", false),
            ("http://proxy:1", "", "https://git.example.com/a", true),
            ("http://proxy:1", "", "http://127.0.0.1:8080/a", true),
            ("http://proxy:1", "", "http://localhost/a", true),
        ] {
            let proxies = read(&[("HTTP_PROXY", proxy), ("HTTPS_PROXY", proxy), ("NO_PROXY", not)]);
            let said = proxies.may_carry_secret(&url.parse().unwrap());
            assert_eq!(said.is_ok(), may, "{proxy} {not} {url}: {said:?}");
            if let Err(said) = said {
                assert!(said.contains("NO_PROXY"), "{said}");
            }
        }
    }

    #[test]
    fn a_password_is_known_in_each_spelling() {
        for text in [
            "http://user:p%40ss-w0rd@host:3128",
            "user:p%40ss-w0rd@host:3128",
            "HTTP://user:p@ss-w0rd@host",
            "user:p@ss-w0rd@host:3128",
            "socks5://user:p@ss-w0rd@host",
            "//user:p@ss-w0rd@host",
        ] {
            for name in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
                let proxies = read(&[(name, text)]);
                let forms: Vec<&str> = proxies.secrets().iter().map(Secret::expose).collect();
                assert!(forms.contains(&"p@ss-w0rd"), "{text}: {forms:?}");
                assert!(
                    forms.contains(&STANDARD.encode("user:p@ss-w0rd").as_str()),
                    "{text}: {forms:?}"
                );
                assert!(!format!("{proxies:?}").contains("ss-w0rd"));
            }
        }
        for text in [
            "http://t0k%40n-w0rd@host:3128",
            "t0k%40n-w0rd@host",
            "http://t0k%40n-w0rd:@host",
            "//t0k@n-w0rd@host",
        ] {
            let proxies = read(&[("ALL_PROXY", text)]);
            let forms: Vec<&str> = proxies.secrets().iter().map(Secret::expose).collect();
            let header = STANDARD.encode("t0k@n-w0rd:");
            assert!(
                forms.contains(&"t0k@n-w0rd") && forms.contains(&header.as_str()),
                "{text}: {forms:?}"
            );
        }
        assert!(read(&[("HTTP_PROXY", "http://host:3128")]).secrets().is_empty());
    }
}
