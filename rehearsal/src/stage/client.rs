//! A client that shares nothing with the functions: botocore in a process of its own, one JSON line per call.

use std::io;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::emulator::{PythonEnvironment, programs, scrubbed};

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The process could not be started or has ended.
    #[error("the independent client cannot be used: {0}")]
    Io(#[from] io::Error),
    /// It said something that is no answer.
    #[error("the independent client said something that is no answer: {0}")]
    Answer(String),
    /// The service refused the call.
    #[error("{code}: {message}")]
    Service {
        /// The service's error code.
        code: String,
        /// Its message.
        message: String,
    },
}

/// The client. Calls are answered one after the other.
pub struct IndependentClient {
    lines: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    _process: Child,
}

impl IndependentClient {
    pub(crate) fn start(
        python: &PythonEnvironment,
        run_directory: &Path,
        endpoint: &str,
        account: &str,
    ) -> Result<Self, ClientError> {
        let mut command = Command::from(scrubbed(python.interpreter(), run_directory));
        let log = std::fs::File::create(run_directory.join("independent_client.log"))?;
        let mut process = command
            .arg(programs().join("independent_client.py"))
            .args([endpoint, account])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("its pipes are missing");
        let input = process.stdin.take().ok_or_else(missing)?;
        let output = process.stdout.take().ok_or_else(missing)?;
        Ok(Self { lines: Mutex::new((input, BufReader::new(output).lines())), _process: process })
    }

    /// Makes one call: `operation` as botocore names it, such as `get_parameter`.
    ///
    /// # Errors
    /// The service's refusal, or that the client cannot be used.
    pub async fn call(&self, service: &str, region: &str, operation: &str, parameters: Value) -> Result<Value, ClientError> {
        let line = json!({"service": service, "region": region, "operation": operation, "parameters": parameters});
        let mut lines = self.lines.lock().await;
        lines.0.write_all(format!("{line}\n").as_bytes()).await?;
        lines.0.flush().await?;
        let Some(answer) = lines.1.next_line().await? else {
            return Err(ClientError::Answer("it ended; see independent_client.log".to_owned()));
        };
        let mut answer: Value = serde_json::from_str(&answer).map_err(|error| ClientError::Answer(error.to_string()))?;
        if let Some(error) = answer.get("error") {
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            return Err(ClientError::Service { code: text("code"), message: text("message") });
        }
        Ok(answer.get_mut("answer").map(Value::take).unwrap_or_default())
    }

    /// Invokes a function with a JSON payload, as an operator does. The function's own error is an error of its stable code.
    ///
    /// # Errors
    /// The function's error, or the service's refusal.
    pub async fn invoke(&self, region: &str, function: &str, payload: &Value) -> Result<Value, ClientError> {
        let parameters = json!({"FunctionName": function, "Payload": payload.to_string()});
        let answer = self.call("lambda", region, "invoke", parameters).await?;
        let text = answer.get("Payload").and_then(Value::as_str).unwrap_or("null");
        let body: Value = serde_json::from_str(text).map_err(|error| ClientError::Answer(error.to_string()))?;
        if answer.get("FunctionError").is_some() {
            let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            return Err(ClientError::Service { code: field("errorType"), message: field("errorMessage") });
        }
        Ok(body)
    }
}
