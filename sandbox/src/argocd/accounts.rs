//! Who may do what: accounts, their tokens and their rights, with the texts of the real refusals.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::json;

use crate::git::lock;

/// What an account may do with the applications of one project, or of all.
const RIGHTS: [(&str, &str, &[&str]); 5] = [
    (
        "ci",
        "*",
        &[
            "applications/get",
            "applications/sync",
            "applications/action",
            "applicationsets/get",
            "logs/get",
        ],
    ),
    (
        "admin",
        "*",
        &[
            "applications/get",
            "applications/sync",
            "applications/action",
            "applications/delete",
            "applications/update",
            "applications/override",
            "applicationsets/get",
            "logs/get",
        ],
    ),
    ("viewer", "*", &["applications/get"]),
    (
        "proj:default:deployer",
        "default",
        &["applications/get", "applications/sync"],
    ),
    ("nobody", "", &[]),
];

/// Somebody whose token is good.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) issued: String,
}

/// The accounts, and the tokens that are good.
pub(crate) struct Accounts {
    issued: String,
    tokens: Mutex<BTreeMap<String, Token>>,
}

struct Token {
    account: String,
    id: String,
    expired: bool,
    revoked: bool,
}

impl Accounts {
    /// Makes the accounts `ci`, `admin`, `viewer`, `nobody` and the role of a project, with one token each.
    pub(crate) fn new(issued: String) -> anyhow::Result<Self> {
        let accounts = Self {
            issued,
            tokens: Mutex::default(),
        };
        for (name, _, _) in RIGHTS {
            accounts.issue(name, None)?;
        }
        Ok(accounts)
    }

    /// Makes another token of an account; `ends` is what it says of its end, in seconds since 1970.
    pub(crate) fn issue(&self, account: &str, ends: Option<u64>) -> anyhow::Result<String> {
        let mut random = [0_u8; 48];
        getrandom::fill(&mut random)?;
        let (id, signature) = random.split_at(16);
        let head = BASE64.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let id = BASE64.encode(id);
        let mut claims = json!({"iss": "argocd", "sub": format!("{account}:apiKey"), "jti": id});
        if let Some(ends) = ends {
            claims["exp"] = json!(ends);
        }
        let token = format!(
            "{head}.{}.{}",
            BASE64.encode(claims.to_string()),
            BASE64.encode(signature)
        );
        let row = Token {
            account: account.to_owned(),
            id,
            expired: false,
            revoked: false,
        };
        lock(&self.tokens).insert(token.clone(), row);
        Ok(token)
    }

    /// Returns a good token of an account.
    pub(crate) fn token(&self, account: &str) -> Option<String> {
        let tokens = lock(&self.tokens);
        let mut good = tokens
            .iter()
            .filter(|(_, row)| row.account == account && !row.expired && !row.revoked);
        good.next().map(|(token, _)| token.clone())
    }

    /// Takes all tokens of an account back.
    pub(crate) fn revoke(&self, account: &str) {
        for row in lock(&self.tokens).values_mut().filter(|row| row.account == account) {
            row.revoked = true;
        }
    }

    /// Lets all tokens of an account expire.
    pub(crate) fn expire(&self, account: &str) {
        for row in lock(&self.tokens).values_mut().filter(|row| row.account == account) {
            row.expired = true;
        }
    }

    /// Returns whose token it is; the error is the text of the real refusal.
    pub(crate) fn check(&self, token: Option<&str>) -> Result<Account, String> {
        let token = token.filter(|token| token.split('.').count() == 3);
        let token = token.ok_or("no session information")?;
        match lock(&self.tokens).get(token) {
            None => Err("invalid session: token signature is invalid: signature is invalid".to_owned()),
            Some(row) if row.revoked => Err(format!(
                "invalid session: account {} does not have token with id {}",
                row.account, row.id
            )),
            Some(row) if row.expired => Err("invalid session: token has invalid claims: token is expired".to_owned()),
            Some(row) => Ok(Account {
                name: row.account.clone(),
                issued: self.issued.clone(),
            }),
        }
    }
}

impl Account {
    /// Whether the account has a right such as `applications/get`, in whatever project.
    pub(crate) fn may(&self, right: &str) -> bool {
        RIGHTS
            .iter()
            .any(|(name, _, rights)| *name == self.name && rights.contains(&right))
    }

    /// Whether the rights of the account hold in a project; `*` asks for all.
    pub(crate) fn acts_in(&self, project: &str) -> bool {
        RIGHTS
            .iter()
            .any(|(name, holds, _)| *name == self.name && (*holds == "*" || *holds == project))
    }
}
