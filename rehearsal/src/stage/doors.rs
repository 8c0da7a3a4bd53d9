//! A door for each instance: also for those that are made while a rehearsal runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rehearsal_world::InstanceKey;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Shared;
use crate::wire::listeners::DatabaseListeners;

/// Between two looks whether there are new instances.
const LOOK: Duration = Duration::from_millis(50);

/// The doors. They close when this is dropped.
pub(super) struct Doors {
    listeners: Arc<DatabaseListeners>,
    task: JoinHandle<()>,
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Doors {
    /// Keeps a door for every instance of the world from now on.
    pub(super) fn keep(listeners: DatabaseListeners, shared: Arc<Shared>) -> Self {
        let listeners = Arc::new(listeners);
        let kept = Arc::clone(&listeners);
        let task = tokio::spawn(async move {
            loop {
                let instances = shared.world().endpoints();
                for (instance, _) in instances {
                    // A machine without a free port has one a moment later, or never.
                    if let Err(error) = kept.add(&instance.to_string()).await {
                        tracing::warn!(%error, %instance, "an instance has no listener");
                    }
                }
                sleep(LOOK).await;
            }
        });
        Self { listeners, task }
    }

    /// Where an instance listens, or would if it did not refuse.
    pub(super) fn address(&self, instance: &InstanceKey) -> Option<SocketAddr> {
        self.listeners.address(&instance.to_string())
    }
}
