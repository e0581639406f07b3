//! The hydrator: renders the dry source into a branch of its own, which is what is synced. A dry commit that renders to what is there already
//! is hydrated without a commit.

use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use super::application::App;
use super::render::render;

impl World {
    /// Hydrates the newest dry commit, if there is a hydrator and it has not done so. Returns whether it did.
    pub(crate) async fn hydrate(&self, app: &App) -> bool {
        let (hydrator, last) = app.look(|state| {
            let last = state.object["status"]["sourceHydrator"]["currentOperation"].clone();
            (state.spec()["sourceHydrator"].clone(), last)
        });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let url = text(&hydrator["drySource"]["repoURL"]);
        let follows = text(&hydrator["drySource"]["targetRevision"]);
        let Ok(dry) = self.sources.resolve(&url, &follows) else {
            return false;
        };
        if !hydrator.is_object() || last["drySHA"] == json!(dry) {
            return false;
        }
        let mut operation = json!({"phase": "Hydrating", "drySHA": dry, "startedAt": self.clock.stamp_now(), "sourceHydrator": hydrator});
        self.write(app, &operation);
        self.clock.sleep(Duration::from_secs(2)).await;
        match self.hydrated(&hydrator, &url, &dry) {
            Ok(hydrated) => {
                operation["phase"] = json!("Hydrated");
                operation["hydratedSHA"] = json!(hydrated);
            }
            Err(why) => {
                operation["phase"] = json!("Failed");
                operation["message"] = json!(format!("Failed to hydrate revision \"{dry}\": {why}"));
            }
        }
        operation["finishedAt"] = json!(self.clock.stamp_now());
        self.write(app, &operation);
        operation["phase"] == "Hydrated"
    }

    fn write(&self, app: &App, operation: &Value) {
        app.patch(self.next_version(), |state| {
            let status = &mut state.object["status"]["sourceHydrator"];
            status["currentOperation"] = operation.clone();
            if operation["phase"] == "Hydrated" {
                status["lastComparedDryRevision"] = operation["drySHA"].clone();
                status["lastSuccessfulOperation"] = json!({"drySHA": operation["drySHA"],
                    "hydratedSHA": operation["hydratedSHA"], "sourceHydrator": operation["sourceHydrator"]});
            }
        });
    }

    /// Returns the commit that holds what a dry commit renders to; the branch's tip when nothing had to be written.
    fn hydrated(&self, hydrator: &Value, url: &str, dry: &str) -> Result<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let tree = self.sources.tree(url, dry)?;
        let objects = render(&tree, &text(&hydrator["drySource"]["path"]))?;
        let documents: Vec<String> = objects.iter().map(|object| format!("{object:#}\n")).collect();
        let path = format!(
            "{}/manifest.yaml",
            text(&hydrator["syncSource"]["path"]).trim_matches('/')
        );
        let branch = text(&hydrator["syncSource"]["targetBranch"]);
        self.sources.write(url, &branch, &path, &documents.join("---\n"), dry)
    }
}
