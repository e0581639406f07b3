//! Git's objects as the API shows them, read with the real git from the bare repository that the git host serves.

use serde_json::{Value, json};

use super::World;

/// A commit.
pub(crate) struct Commit {
    pub(crate) oid: String,
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author: String,
    pub(crate) message: String,
}

/// A name in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) mode: i64,
    pub(crate) kind: String,
    pub(crate) oid: String,
    pub(crate) name: String,
}

impl World {
    pub(crate) fn git(&self, args: &[&str]) -> Result<String, String> {
        self.git
            .git(&self.options.repository, args)
            .map_err(|error| format!("{error:#}"))
    }

    pub(crate) fn git_with(&self, args: &[&str], input: &[u8]) -> Result<String, String> {
        let out = self.git.git_with(&self.options.repository, args, input);
        out.map_err(|error| format!("{error:#}"))
    }

    /// Returns where a reference is.
    pub(crate) fn reference(&self, name: &str) -> Option<String> {
        let out = self
            .git(&["rev-parse", "-q", "--verify", &format!("{name}^{{commit}}")])
            .ok()?;
        Some(out.trim().to_owned())
    }

    pub(crate) fn default_branch(&self) -> String {
        let head = self.git(&["symbolic-ref", "--short", "HEAD"]).unwrap_or_default();
        head.trim().to_owned()
    }

    pub(crate) fn commit(&self, oid: &str) -> Option<Commit> {
        let text = self.git(&["cat-file", "commit", oid]).ok()?;
        let (head, message) = text.split_once("\n\n")?;
        let of = |key: &str| {
            head.lines()
                .filter_map(|line| line.strip_prefix(key))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        Some(Commit {
            oid: oid.to_owned(),
            tree: of("tree ").pop()?,
            parents: of("parent "),
            author: of("author ").pop()?,
            message: message.to_owned(),
        })
    }

    pub(crate) fn list(&self, tree: &str) -> Vec<Entry> {
        let out = self.git(&["ls-tree", "-z", tree]).unwrap_or_default();
        out.split('\0').filter_map(entry).collect()
    }

    /// Returns what is at a path of a commit. Links are not followed.
    pub(crate) fn entry(&self, commit: &str, path: &str) -> Option<Entry> {
        let out = self
            .git(&["ls-tree", "-z", commit, "--", path.trim_end_matches('/')])
            .ok()?;
        out.split('\0').find_map(entry)
    }

    /// Returns a blob as GraphQL does: its text, or none if it is binary.
    pub(crate) fn text(&self, oid: &str) -> Option<String> {
        let text = self.git(&["cat-file", "blob", oid]).ok()?;
        (!text.contains('\0')).then_some(text)
    }

    /// Moves a reference by compare-and-swap; `None`: it must not be there, or goes.
    pub(crate) fn swap(&self, name: &str, from: Option<&str>, to: &str) -> Result<(), String> {
        let zero = "0".repeat(40);
        self.git(&["update-ref", name, to, from.unwrap_or(&zero)]).map(|_| ())
    }

    /// Whether `old` is `new` or an ancestor of it.
    pub(crate) fn is_ancestor(&self, old: &str, new: &str) -> bool {
        self.git(&["merge-base", "--is-ancestor", old, new]).is_ok()
    }

    /// Makes a commit of a tree.
    pub(crate) fn make(
        &self,
        tree: &str,
        parents: &[&str],
        author: (&str, &str),
        message: &str,
    ) -> Result<String, String> {
        let at = self.now();
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            text += &format!("parent {parent}\n");
        }
        let (name, mail) = author;
        text += &format!(
            "author {name} <{mail}> {at} +0000\ncommitter GitHub <noreply@github.com> {at} +0000\n\n{message}"
        );
        let out = self.git_with(&["hash-object", "-t", "commit", "-w", "--stdin"], text.as_bytes())?;
        Ok(out.trim().to_owned())
    }

    /// Returns the tree of a merge of two commits; `None` on a conflict.
    pub(crate) fn merged_tree(&self, base: &str, head: &str) -> Option<String> {
        let out = self.git(&["merge-tree", "--write-tree", base, head]).ok()?;
        out.lines().next().map(str::to_owned)
    }

    /// Makes a tree of a base and changes: path, mode, and the blob, or none for a path that goes.
    pub(crate) fn tree(
        &self,
        base: Option<&str>,
        changes: &[(String, String, Option<String>)],
    ) -> Result<String, String> {
        // A commit is the way in which git makes a tree of paths; nothing points to it afterwards.
        let mut stream = "commit refs/stand-in/tree\ncommitter S <s@example.com> now\ndata 0\n".to_owned();
        if let Some(base) = base {
            let commit = self.make(base, &[], ("S", "s@example.com"), "")?;
            stream += &format!("from {commit}\n");
        }
        for (path, mode, blob) in changes {
            match blob {
                Some(blob) => stream += &format!("M {mode} {blob} {path}\n"),
                None => stream += &format!("D {path}\n"),
            }
        }
        let _ = self.git(&["update-ref", "-d", "refs/stand-in/tree"]);
        self.git_with(
            &["fast-import", "--quiet", "--force", "--date-format=now"],
            stream.as_bytes(),
        )?;
        let out = self.git(&["rev-parse", "refs/stand-in/tree^{tree}"])?;
        let _ = self.git(&["update-ref", "-d", "refs/stand-in/tree"]);
        Ok(out.trim().to_owned())
    }

    pub(crate) fn blob(&self, content: &[u8]) -> Result<String, String> {
        let out = self.git_with(&["hash-object", "-w", "--stdin"], content)?;
        Ok(out.trim().to_owned())
    }
}

fn entry(row: &str) -> Option<Entry> {
    let (meta, name) = row.split_once('\t')?;
    let mut parts = meta.split(' ');
    let (mode, kind, oid) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Entry {
        mode: i64::from_str_radix(mode, 8).ok()?,
        kind: kind.to_owned(),
        oid: oid.to_owned(),
        name: name.rsplit('/').next().unwrap_or(name).to_owned(),
    })
}

impl Commit {
    /// As REST shows it.
    pub(crate) fn rest(&self, api: &str, verified: bool) -> Value {
        let mut words = self.author.rsplitn(3, ' ');
        let seconds: u64 = words.nth(1).and_then(|text| text.parse().ok()).unwrap_or_default();
        let who = words.next().unwrap_or_default();
        let (name, mail) = who.split_once(" <").unwrap_or((who, ""));
        let at = super::time(seconds);
        let person = json!({"name": name, "email": mail.trim_end_matches('>'), "date": at});
        json!({
            "sha": self.oid, "node_id": format!("C_{}", self.oid), "url": format!("{api}/git/commits/{}", self.oid),
            "html_url": format!("{api}/commit/{}", self.oid), "author": person, "committer": person,
            "tree": {"sha": self.tree, "url": format!("{api}/git/trees/{}", self.tree)}, "message": self.message,
            "parents": self.parents.iter().map(|sha| json!({"sha": sha, "url": format!("{api}/git/commits/{sha}"), "html_url": format!("{api}/commit/{sha}")})).collect::<Vec<_>>(),
            "verification": {"verified": verified, "reason": if verified { "valid" } else { "unsigned" }, "signature": null, "payload": null, "verified_at": null},
        })
    }
}
