//! The world's face on the wire: RDS, global tables, their metrics and Route 53 for the proxy, names for the resolver, connections and commits
//! for the listeners.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rehearsal_world::{Connection, DnsName, InstanceKey, RecordType, Resolution, Session, World};

use super::lock;
use crate::databases::Addresses;
use crate::wire::answer::WireAnswer;
use crate::wire::call::WireCall;
use crate::wire::listeners::{Backing, Connectivity, Instances};
use crate::wire::proxy::WorldFace;
use crate::wire::resolver::NameServers;
use crate::wire::time::{ScaledTime, SimulatedTime};
use crate::wire::{backup, cloudwatch, dynamodb, rds, route53};

/// The world and its clock, shared by everything on the stage.
pub struct Shared {
    world: Mutex<World>,
    /// The sessions in which clients write, by instance: one that was opened before an isolation outlives it.
    sessions: Mutex<BTreeMap<String, Session>>,
    /// Where real servers listen, if there are any.
    servers: Option<Arc<Addresses>>,
    /// Simulated time.
    pub time: ScaledTime,
}

impl Shared {
    pub(crate) fn new(world: World, time: ScaledTime) -> Self {
        Self { world: Mutex::new(world), sessions: Mutex::new(BTreeMap::new()), servers: None, time }
    }

    /// The same with real servers behind the instances.
    pub(crate) fn with_servers(self, servers: Arc<Addresses>) -> Self {
        Self { servers: Some(servers), ..self }
    }

    /// The world.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

impl WorldFace for Shared {
    fn owns(&self, call: &WireCall) -> bool {
        match call.service.as_str() {
            "rds" | "route53" => true,
            "dynamodb" => dynamodb::concerns_the_world(&self.world(), call),
            "backup" => backup::concerns_the_world(&self.world(), call),
            "monitoring" | "cloudwatch" => call.operation == "GetMetricData" && cloudwatch::concerns_the_world(call),
            _ => false,
        }
    }

    fn answer(&self, call: &WireCall) -> WireAnswer {
        let now = self.time.now();
        let mut world = self.world();
        match call.service.as_str() {
            "rds" => {
                let (status, kind, body) = rds::answer(&mut world, &call.region, &call.body, now);
                WireAnswer::new(status, kind, body)
            }
            "route53" => route53::answer(&mut world, call, now),
            "dynamodb" => dynamodb::answer(&mut world, call, now),
            "backup" => backup::answer(&mut world, call, now),
            _ => cloudwatch::answer(&mut world, call, now),
        }
    }
}

impl NameServers for Shared {
    fn resolve(&self, name: &DnsName, kind: Option<RecordType>) -> Resolution {
        self.world().resolve(name, kind, self.time.now())
    }
}

fn key_of(instance: &str) -> InstanceKey {
    let (region, identifier) = instance.split_once('/').unwrap_or(("", instance));
    InstanceKey::new(region, identifier)
}

impl Instances for Shared {
    fn connection(&self, instance: &str) -> Connectivity {
        match self.world().accepts_connections(&key_of(instance), self.time.now()) {
            Connection::Answers => Connectivity::Answers,
            Connection::AcceptsOnly => Connectivity::AcceptsOnly,
            Connection::Refuses => Connectivity::Refuses,
        }
    }

    fn commit(&self, instance: &str) -> Result<u64, String> {
        let (now, mut world, mut sessions) = (self.time.now(), self.world(), lock(&self.sessions));
        if let Some(session) = sessions.get(instance) {
            match world.commit_in(session, now) {
                Ok(number) => return Ok(number.0),
                Err(rehearsal_world::Refused::SessionEnded) => {
                    sessions.remove(instance);
                }
                Err(refused) => return Err(refused.to_string()),
            }
        }
        let session = world.connect(&key_of(instance), now).map_err(|refused| refused.to_string())?;
        let number = world.commit_in(&session, now).map_err(|refused| refused.to_string())?;
        sessions.insert(instance.to_owned(), session);
        Ok(number.0)
    }

    fn sessions_cut_at(&self, instance: &str) -> Option<u64> {
        let cut = self.world().cuts_existing_since(&key_of(instance))?;
        u64::try_from(cut.as_millisecond()).ok()
    }

    fn backing(&self, instance: &str) -> Backing {
        match &self.servers {
            None => Backing::Model,
            Some(servers) => servers.of(instance).map_or(Backing::ServerDown, Backing::Server),
        }
    }
}
