//! A stage with nothing deployed on it: the wire face with the emulator behind it, for whoever wants to ask it questions.

use std::path::Path;
use std::sync::Arc;

use policies::iam::Roles;
use rehearsal_world::World;

use super::{Shared, StageError, start_pair};
use crate::emulator::{Emulator, PythonEnvironment};
use crate::wire::faults::Faults;
use crate::wire::log::RequestLog;
use crate::wire::normalise::Normaliser;
use crate::wire::proxy::{Proxy, WorldFace};
use crate::wire::time::ScaledTime;

/// The world behind its face on the wire, and an emulator for everything else. Dropping it ends both.
pub struct BareStage {
    /// The world, behind its lock.
    pub shared: Arc<Shared>,
    /// What is to break on the wire.
    pub faults: Arc<Faults>,
    /// Every request that came.
    pub log: Arc<RequestLog>,
    emulator: Emulator,
    proxy: Proxy,
}

impl BareStage {
    /// Starts both. `face` makes what answers for the world, which is the world itself unless a test plants a difference.
    ///
    /// # Errors
    /// [`StageError`] with what to do.
    pub async fn set_up(
        python: &PythonEnvironment,
        run_directory: &Path,
        world: World,
        time: ScaledTime,
        face: impl FnOnce(Arc<Shared>) -> Arc<dyn WorldFace>,
    ) -> Result<Self, StageError> {
        std::fs::create_dir_all(run_directory)?;
        let (account, region) = (world.account().to_owned(), "us-east-1");
        let shared = Arc::new(Shared::new(world, time));
        let log =
            Arc::new(RequestLog::with_file(Normaliser::new(Vec::<String>::new()), &run_directory.join("requests.jsonl"))?);
        let (faults, roles) = (Arc::new(Faults::new()), Arc::new(Roles::new()));
        let face = face(Arc::clone(&shared));
        let (proxy, emulator) =
            start_pair(python, run_directory, &account, region, time, face, &log, &faults, &roles).await?;
        Ok(Self { shared, faults, log, emulator, proxy })
    }

    /// The address to which an AWS client is pointed.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.proxy.address())
    }

    /// Ends everything.
    pub async fn tear_down(self) {
        self.emulator.stop();
        self.proxy.stop().await;
    }
}
