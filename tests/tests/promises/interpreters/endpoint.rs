//! Lambda's Invoke, answered by the real function in this process.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use shared::domain::step::FunctionName;
use simulation::{Outcome, Simulation};
use tokio::net::TcpListener;

/// The function over a simulated platform.
pub(crate) struct Function {
    pub(crate) simulation: Simulation,
    /// Which invocations end with an error.
    pub(crate) fails: fn(&Value) -> bool,
    /// The task whose next invocation Lambda refuses, because it has too many.
    pub(crate) throttled: Option<&'static str>,
    /// What reached it.
    pub(crate) asked: Vec<Value>,
}

impl Function {
    /// The answer, or the error as the runtime reports it.
    pub(crate) fn invoke(&mut self, payload: &Value) -> Result<Value, Value> {
        self.asked.push(payload.clone());
        if (self.fails)(payload) {
            return Err(json!({"errorType": "planted", "errorMessage": "this invocation was to fail"}));
        }
        match self.simulation.invoke(FunctionName::BackupVerify, "live", payload) {
            Outcome::Answered(answer) => Ok(answer),
            Outcome::Failed(error) => Err(json!({"errorType": error.code.as_str(), "errorMessage": error.message})),
            Outcome::Killed => panic!("nothing kills it here"),
        }
    }

    fn reply(&mut self, payload: &Value) -> Response<Full<Bytes>> {
        // Every answer of AWS has one, and moto's interpreter relies on it.
        let reply = Response::builder().header("x-amzn-requestid", "1");
        let (reply, body) = if self.throttled.is_some_and(|task| payload["task"] == task) {
            self.throttled = None;
            let refused =
                json!({"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate Exceeded."});
            (reply.status(429).header("x-amzn-errortype", "TooManyRequestsException"), refused)
        } else {
            match self.invoke(payload) {
                Ok(answer) => (reply, answer),
                Err(error) => (reply.header("x-amz-function-error", "Unhandled"), error),
            }
        };
        reply.body(Full::from(body.to_string())).unwrap()
    }
}

/// Where it answers.
pub(crate) struct Endpoint {
    at: SocketAddr,
    function: Arc<Mutex<Function>>,
}

impl Endpoint {
    /// On a free port of loopback, for as long as the test's runtime runs.
    pub(crate) async fn before(function: Function) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Self { at: listener.local_addr().unwrap(), function: Arc::new(Mutex::new(function)) };
        let function = endpoint.function.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let function = function.clone();
                let service = service_fn(move |request| answer(function.clone(), request));
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        endpoint
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.at)
    }

    /// What reached the function, in its order.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.function.lock().unwrap().asked.clone()
    }
}

async fn answer(function: Arc<Mutex<Function>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    assert!(request.uri().path().ends_with("/invocations"), "{} is not Invoke", request.uri());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let payload = serde_json::from_slice(&body).unwrap();
    // Reading an archive takes its time.
    let reply = tokio::task::spawn_blocking(move || function.lock().unwrap().reply(&payload));
    Ok(reply.await.unwrap())
}
