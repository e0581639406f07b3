//! Git's objects in memory: libgit2's object database without any file, and without anybody's configuration.

use git2::{Config, ObjectType, Odb, Oid, Repository};

use super::pack::Objects;
use crate::model::Fault;

/// Higher than the back ends that libgit2 has by itself, of which there are none here.
const PRIORITY: i32 = 999;

/// The objects seen so far. They stay between attempts to land.
pub(super) struct Store {
    repo: Repository,
}

impl Store {
    pub(super) fn new() -> Result<Self, Fault> {
        let make = || {
            let odb = Odb::new()?;
            odb.add_new_mempack_backend(PRIORITY)?;
            let repo = Repository::from_odb(odb)?;
            // Without this, libgit2 would read the user's and the system's configuration when it writes a pack.
            repo.set_config(&Config::new()?)?;
            Ok(repo)
        };
        let repo = make().map_err(|error: git2::Error| Fault::bug("open the object database").because(error))?;
        Ok(Self { repo })
    }

    pub(super) fn repo(&self) -> &Repository {
        &self.repo
    }

    pub(super) fn has(&self, id: Oid) -> bool {
        self.repo.odb().is_ok_and(|odb| odb.exists(id))
    }

    /// Returns a pack of exactly these objects.
    pub(super) fn pack(&self, objects: &[Oid]) -> Result<Vec<u8>, git2::Error> {
        let mut builder = self.repo.packbuilder()?;
        builder.set_threads(1);
        for id in objects {
            builder.insert_object(*id, None)?;
        }
        let mut out = Vec::new();
        builder.foreach(|part| {
            out.extend_from_slice(part);
            true
        })?;
        Ok(out)
    }
}

impl Objects for Store {
    fn get(&self, id: Oid) -> Option<(ObjectType, Vec<u8>)> {
        let odb = self.repo.odb().ok()?;
        let object = odb.read(id).ok()?;
        Some((object.kind(), object.data().to_vec()))
    }

    fn put(&mut self, kind: ObjectType, content: &[u8]) -> Result<Oid, String> {
        let put = || self.repo.odb()?.write(kind, content);
        put().map_err(|error| error.message().to_owned())
    }
}
