//! The world on the wire: reverse proxy, request log, faults, a name server, and one listener per database instance.

pub mod answer;
pub mod backup;
pub mod call;
pub mod caller;
pub mod cbor;
pub mod cloudwatch;
pub mod denial;
pub mod dynamodb;
pub mod faults;
pub mod listeners;
pub mod log;
pub mod normalise;
pub mod proxy;
pub mod rds;
pub mod resolver;
pub mod resource;
pub mod route53;
pub mod time;

mod authority;
mod handling;
mod reading;
mod routes;
mod scope;
mod session;
mod upstream;
mod xml;

#[cfg(test)]
mod tests;
