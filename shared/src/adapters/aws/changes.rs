//! Asks `recovery` to declare a change, through its alias `live`.

use async_trait::async_trait;
use serde_json::Value;

use super::invocation::Speaker;
use super::{Clients, invoke};
use crate::adapters::Sending;
use crate::domain::identifier::{PlatformName, Region};
use crate::domain::operation::Operation;
use crate::ports::{Changes, FailureKind, PortResult};

/// [`Changes`] over Lambda.
#[derive(Debug, Clone)]
pub struct LambdaChanges {
    clients: Clients,
    region: Region,
    function: String,
}

impl LambdaChanges {
    /// Asks the recovery function of this platform in this Region.
    #[must_use]
    pub fn new(clients: Clients, region: Region, platform: &PlatformName, alias: &str) -> Self {
        // The alias is part of the name, so that a policy on exactly this alias is what is asked for.
        Self { clients, region, function: format!("{platform}-recovery:{alias}") }
    }
}

#[async_trait]
impl Changes for LambdaChanges {
    async fn ask_for(&self, request: &Value) -> PortResult<Value> {
        let request = request.to_string().into_bytes();
        let answer = invoke(&self.clients, &self.region, &self.function, request, Speaker::OurOwn).await?;
        serde_json::from_slice(&answer).map_err(|error| {
            let message = format!("{} answered something that is not JSON: {error}; ask it for its status", self.function);
            Sending::of(Operation::Invoke).failure(FailureKind::NoAnswer, "answer_unreadable", &message)
        })
    }
}
