//! Asks the other functions what they see, each under its own role, for a dry run.

use async_trait::async_trait;
use serde_json::Value;

use super::{Clients, Speaker, invoke};
use crate::adapters::Sending;
use crate::domain::identifier::Region;
use crate::domain::operation::Operation;
use crate::domain::step::FunctionName;
use crate::ports::{FailureKind, PortResult, Predictors};

/// [`Predictors`] over Lambda.
#[derive(Debug, Clone)]
pub struct LambdaPredictors {
    clients: Clients,
    region: Region,
    alias: String,
}

impl LambdaPredictors {
    /// Asks the functions of this Region under this alias.
    #[must_use]
    pub fn new(clients: Clients, region: Region, alias: impl Into<String>) -> Self {
        Self { clients, region, alias: alias.into() }
    }
}

#[async_trait]
impl Predictors for LambdaPredictors {
    async fn observe(&self, function: FunctionName, request: &Value) -> PortResult<Value> {
        // The alias is part of the name, so that a policy on exactly this alias is what is asked for.
        let name = format!("{}:{}", function.as_str(), self.alias);
        let answer = invoke(&self.clients, &self.region, &name, request.to_string().into_bytes(), Speaker::OurOwn).await?;
        serde_json::from_slice(&answer).map_err(|error| {
            let message = format!("{} answered something that is not JSON: {error}", function.as_str());
            Sending::of(Operation::Invoke).failure(FailureKind::NoAnswer, "prediction_unreadable", &message)
        })
    }
}
