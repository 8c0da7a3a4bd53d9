//! What becomes of one call: broken before it, carried out, broken after it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::http::request;

use super::answer::WireAnswer;
use super::authority::overruled;
use super::call::{Protocol, WireCall};
use super::caller::{Blow, NotStruck, strike_caller};
use super::denial::is_denial;
use super::faults::{Due, FaultAction, Faults};
use super::log::{AnsweredBy, AuthorizedBy, Ending, RequestLog};
use super::proxy::WorldFace;
use super::time::SimulatedTime;
use super::upstream::{Forwarded, Upstream};
use policies::iam::Roles;

/// What all calls share.
pub(crate) struct Shared {
    pub(crate) upstream: Upstream,
    pub(crate) time: Arc<dyn SimulatedTime>,
    pub(crate) world: Arc<dyn WorldFace>,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) roles: Arc<Roles>,
    pub(crate) emulator: Arc<AtomicU32>,
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
}

/// What the caller sees.
pub(crate) enum Seen {
    Answer(Box<Response<Full<Bytes>>>),
    /// The connection ends without an answer.
    Closed,
    /// It is reset, as if there were nobody.
    Reset,
}

/// An answer of the proxy's own.
pub(crate) fn answered(answer: WireAnswer) -> (Seen, Ending) {
    let ending = Ending {
        status: Some(answer.status),
        error: answer.error_code(),
        delivered: true,
        answered_by: AnsweredBy::Proxy,
        authorized_by: None,
        fault: None,
    };
    (Seen::Answer(Box::new(response_of(answer))), ending)
}

fn response_of(answer: WireAnswer) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(answer.body)).unwrap_or_else(|error| {
        tracing::error!(%error, "the world's answer is not HTTP");
        let mut response = Response::new(Full::default());
        *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

impl Shared {
    /// Handles one call: what its caller sees, and how the log says that it ended.
    pub(crate) async fn handle(&self, call: &WireCall, parts: &request::Parts, body: &Bytes, ends: Ends) -> (Seen, Ending) {
        let due = self.faults.due(call);
        if let Some(due) = &due
            && let Some(broken) = self.break_before(call, due).await
        {
            return broken;
        }
        let (response, ending) = self.effect(call, parts, body).await;
        match due {
            Some(due) => self.break_after(due, response, ending, ends).await,
            None => (Seen::Answer(Box::new(response)), ending),
        }
    }

    /// Faults that keep the effect from happening, and the wait before a late one.
    async fn break_before(&self, call: &WireCall, due: &Due) -> Option<(Seen, Ending)> {
        let answer = match &due.action {
            FaultAction::Throttle => WireAnswer::throttled(call),
            FaultAction::ServerError(status) => WireAnswer::server_error(call, *status),
            FaultAction::ControlPlaneDark(_, _) => WireAnswer::server_error(call, 503),
            FaultAction::RegionDark(_) | FaultAction::Reset => {
                self.faults.count_fired(due.id);
                let ending = Ending {
                    status: None,
                    error: None,
                    delivered: false,
                    answered_by: AnsweredBy::Proxy,
                    authorized_by: None,
                    fault: Some(due.name.clone()),
                };
                return Some((Seen::Reset, ending));
            }
            FaultAction::Delay(wait) => {
                self.faults.count_fired(due.id);
                tokio::time::sleep(*wait).await;
                return None;
            }
            FaultAction::KillCallerAfterEffect
            | FaultAction::StopCallerAfterEffect
            | FaultAction::ReplyLost
            | FaultAction::DelayReply(_) => return None,
        };
        self.faults.count_fired(due.id);
        let (seen, mut ending) = answered(answer);
        ending.fault = Some(due.name.clone());
        Some((seen, ending))
    }

    /// Faults between the effect and the reply.
    async fn break_after(
        &self,
        due: Due,
        response: Response<Full<Bytes>>,
        mut ending: Ending,
        ends: Ends,
    ) -> (Seen, Ending) {
        ending.fault = Some(due.name);
        match due.action {
            FaultAction::KillCallerAfterEffect | FaultAction::StopCallerAfterEffect => {
                match self.strike(ends, &due.action).await {
                    Ok(struck) => {
                        tracing::info!(?struck, action = ?due.action, "the caller was struck after the effect");
                        self.faults.count_fired(due.id);
                        ending.delivered = false;
                        (Seen::Closed, ending)
                    }
                    Err(reason) => {
                        tracing::warn!(%reason, action = ?due.action, "the caller was not struck");
                        self.faults.count_refused(due.id);
                        ending.fault = ending.fault.map(|name| format!("{name} (refused: {reason})"));
                        (Seen::Answer(Box::new(response)), ending)
                    }
                }
            }
            FaultAction::ReplyLost => {
                self.faults.count_fired(due.id);
                ending.delivered = false;
                (Seen::Closed, ending)
            }
            FaultAction::DelayReply(wait) => {
                self.faults.count_fired(due.id);
                tokio::time::sleep(wait).await;
                (Seen::Answer(Box::new(response)), ending)
            }
            _ => (Seen::Answer(Box::new(response)), ending),
        }
    }

    async fn strike(&self, ends: Ends, action: &FaultAction) -> Result<Vec<u32>, NotStruck> {
        let emulator = self.emulator.load(Ordering::SeqCst);
        if emulator == 0 {
            return Err(NotStruck::NoEmulator);
        }
        let blow = if *action == FaultAction::StopCallerAfterEffect { Blow::Stop } else { Blow::Kill };
        tokio::task::spawn_blocking(move || strike_caller(ends.client, ends.server, emulator, blow))
            .await
            .unwrap_or(Err(NotStruck::NoSocket))
    }

    /// Carries the call out: asks the emulator, and the world where it owns what the emulator let pass.
    async fn effect(&self, call: &WireCall, parts: &request::Parts, body: &Bytes) -> (Response<Full<Bytes>>, Ending) {
        let forwarded = match self.upstream.forward(parts, body).await {
            Ok(forwarded) => forwarded,
            Err(error) => {
                // Without the emulator nobody knows whether the caller may do this, so the world is not asked either.
                tracing::warn!(%error, ?call, "no answer from the emulator");
                return by(
                    AnsweredBy::Proxy,
                    None,
                    &WireAnswer::error(call, 502, "BadGateway", "no answer from the emulator"),
                );
            }
        };
        let view = forwarded.view();
        if !is_denial(&view) {
            // Seen in the emulator: in CBOR a role without any policy may do everything.
            let authorized = match call.protocol {
                Protocol::Unsigned => None,
                Protocol::RpcCbor => Some(AuthorizedBy::SignatureOnly),
                _ => Some(AuthorizedBy::Emulator),
            };
            if self.world.owns(call) {
                return by(AnsweredBy::World, authorized, &self.world.answer(call));
            }
            return unchanged(forwarded, &view, authorized);
        }
        let Some(account) = overruled(call, &view, &self.roles) else {
            return unchanged(forwarded, &view, None);
        };
        if self.world.owns(call) {
            return by(AnsweredBy::World, Some(AuthorizedBy::Proxy), &self.world.answer(call));
        }
        match self.upstream.forward_as_root(parts, body, &account).await {
            Ok(Some(again)) if !is_denial(&again.view()) => {
                let view = again.view();
                unchanged(again, &view, Some(AuthorizedBy::Proxy))
            }
            Ok(_) => unchanged(forwarded, &view, None),
            Err(error) => {
                tracing::warn!(%error, ?call, "no answer from the emulator");
                by(AnsweredBy::Proxy, None, &WireAnswer::error(call, 502, "BadGateway", "no answer from the emulator"))
            }
        }
    }
}

fn by(answered_by: AnsweredBy, authorized_by: Option<AuthorizedBy>, answer: &WireAnswer) -> (Response<Full<Bytes>>, Ending) {
    (response_of(answer.clone()), ending(answered_by, authorized_by, answer))
}

fn unchanged(
    forwarded: Forwarded,
    view: &WireAnswer,
    authorized_by: Option<AuthorizedBy>,
) -> (Response<Full<Bytes>>, Ending) {
    let response = Response::from_parts(forwarded.parts, Full::new(forwarded.body));
    (response, ending(AnsweredBy::Emulator, authorized_by, view))
}

fn ending(answered_by: AnsweredBy, authorized_by: Option<AuthorizedBy>, answer: &WireAnswer) -> Ending {
    Ending {
        status: Some(answer.status),
        error: answer.error_code(),
        delivered: true,
        answered_by,
        authorized_by,
        fault: None,
    }
}
