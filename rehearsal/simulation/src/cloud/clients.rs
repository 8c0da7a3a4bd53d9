//! The platform's clients, who write all the time: what they had acknowledged is what can be lost.

use std::time::Duration;

use jiff::Timestamp;
use rehearsal_world::{CommitNumber, InstanceKey, Session};
use shared::domain::plan::{ApiProtocol, Component, HoldPoint};

use super::State;

/// A client that writes one row again and again.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name.
    pub name: &'static str,
    /// How it finds its database.
    pub(crate) finds: Finds,
    /// Whether it stops writing while its API method is throttled to nothing.
    pub(crate) obeys_holds: bool,
    /// How often it writes.
    pub(crate) every: Duration,
    pub(crate) next: Timestamp,
    pub(crate) session: Option<(String, Session)>,
    /// What it had acknowledged.
    pub acknowledged: Vec<(InstanceKey, CommitNumber)>,
}

/// How a client finds its database.
#[derive(Debug, Clone)]
pub(crate) enum Finds {
    /// By what the tasks of the API read when they started.
    AsTheApi,
    /// By a host that it was once given and never asks for again.
    Fixed(String),
}

impl State {
    pub(crate) fn next_client_turn(&self) -> Option<Timestamp> {
        self.clients.iter().map(|client| client.next).min()
    }

    pub(crate) fn clients_turn(&mut self, at: Timestamp) {
        let mut clients = std::mem::take(&mut self.clients);
        for client in clients.iter_mut().filter(|client| client.next <= at) {
            client.next = at + client.every;
            if client.obeys_holds && self.writes_are_throttled() {
                continue;
            }
            let host = match &client.finds {
                Finds::Fixed(host) => host.clone(),
                Finds::AsTheApi => self.host_of_the_api(),
            };
            self.write_as(client, &host, at);
        }
        self.clients = clients;
    }

    /// Writes in the session that the client has, or in a new one when that has ended or leads elsewhere.
    fn write_as(&mut self, client: &mut Client, host: &str, at: Timestamp) {
        client.session.take_if(|(of, _)| of != host);
        if let Some((_, session)) = &client.session {
            match self.world.commit_in(session, at) {
                Ok(number) => {
                    client.acknowledged.push((session.instance.clone(), number));
                    return;
                }
                Err(rehearsal_world::Refused::NoAnswer) => return,
                Err(_) => client.session = None,
            }
        }
        let Some(key) = self.instance_at(host, 5432) else { return };
        if let Ok(session) = self.world.connect(&key, at)
            && let Ok(number) = self.world.commit_in(&session, at)
        {
            client.acknowledged.push((key, number));
            client.session = Some((host.to_owned(), session));
        }
    }

    fn writes_are_throttled(&self) -> bool {
        self.plan.components.values().any(|component| {
            let Component::RdsInstance(database) = component else { return false };
            database.holds.iter().any(|hold| self.is_throttled(hold))
        })
    }

    fn is_throttled(&self, hold: &HoldPoint) -> bool {
        let HoldPoint::ApiGatewayStage { protocol, api, stage, methods, region, .. } = hold else { return false };
        let key = (region.to_string(), format!("{api}/{stage}"));
        let Some(method) = methods.iter().next() else { return false };
        match protocol {
            ApiProtocol::Rest => {
                let path = format!("~1{}/{}", method.path().trim_start_matches('/'), method.verb());
                let stage = self.rest_stages.get(&key);
                stage.and_then(|stage| stage.in_force(&path)).is_some_and(|(rate, _)| rate == 0.0)
            }
            ApiProtocol::Http => {
                let route = format!("{} {}", method.verb(), method.path());
                let settings = self.http_stages.get(&key).and_then(|routes| routes.get(&route));
                settings.and_then(|settings| settings.rate).is_some_and(|rate| rate == 0.0)
            }
        }
    }

    fn host_of_the_api(&self) -> String {
        self.services.values().next().map(|service| service.host.clone()).unwrap_or_default()
    }
}
