//! One range of an object, resumed at the byte where a transfer breaks off.

use std::ops::Range;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Client, Object, header, refusal, status};
use crate::failure::{Code, Failure};
use crate::reader::Limits;

/// The first pause between two tries; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A transfer that breaks off so often within one range is not one that is getting anywhere.
const MOST_RESUMPTIONS: u32 = 50;

/// Tries until it succeeds, or fails in a way that will not pass, or too often in a row.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, Failure>>>(
    limits: &Limits,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Failure> {
    let mut failed = 0;
    loop {
        let failure = match attempt().await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        failed += 1;
        pause(limits, failed, failure).await?;
    }
}

/// Waits before another try, or ends with the failure when there is to be none.
async fn pause(limits: &Limits, failed: u32, failure: Failure) -> Result<(), Failure> {
    if !failure.code.may_pass() || failed >= limits.attempts {
        return Err(failure);
    }
    let pause = PAUSE.saturating_mul(1 << (failed - 1).min(10)).min(LONGEST_PAUSE);
    if limits.until.is_some_and(|until| Instant::now() + pause >= until) {
        let message = format!("the time that was given ran out; last: {}", failure.message);
        return Err(Failure::new(Code::OutOfTime, message));
    }
    sleep(pause).await;
    Ok(())
}

/// Reads a range whole. Failures in a row count only while no byte comes.
pub(crate) async fn range(client: Client, object: Object, range: Range<u64>, limits: Limits) -> Result<Vec<u8>, Failure> {
    // A part of the reader's own size, not of one that an answer states.
    let mut bytes = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap_or_default());
    let (mut failed, mut resumed) = (0, 0);
    while range.start + (bytes.len() as u64) < range.end {
        let before = bytes.len();
        let Err(failure) = once(&client, &object, range.clone(), &limits, &mut bytes).await else { continue };
        resumed += 1;
        failed = if bytes.len() > before { 1 } else { failed + 1 };
        if resumed > MOST_RESUMPTIONS {
            return Err(failure);
        }
        pause(&limits, failed, failure).await?;
    }
    Ok(bytes)
}

/// One transfer of what is missing of the range.
async fn once(
    client: &Client,
    object: &Object,
    range: Range<u64>,
    limits: &Limits,
    bytes: &mut Vec<u8>,
) -> Result<(), Failure> {
    let start = range.start + bytes.len() as u64;
    let wanted = format!("bytes={start}-{}", range.end - 1);
    let headers = [("if-match", object.etag.as_str()), ("range", wanted.as_str())];
    let response = client.send("GET", &object.location, &object.region, &headers, limits.stall).await?;
    answers(&response, object, start..range.end)?;
    let mut body = ByteStream::new(response.into_body());
    let at = |bytes: &[u8]| format!("{} at byte {}", object.location, range.start + bytes.len() as u64);
    loop {
        if limits.until.is_some_and(|until| Instant::now() >= until) {
            return Err(Failure::new(Code::OutOfTime, format!("{}: the time that was given ran out", at(bytes))));
        }
        let chunk = match timeout(limits.stall, body.next()).await {
            Err(_) => {
                let message = format!("{}: nothing came for {} s", at(bytes), limits.stall.as_secs_f32());
                return Err(Failure::new(Code::Stalled, message));
            }
            Ok(None | Some(Err(_))) => {
                let message = format!("{}: the transfer broke off there, of {} bytes", at(bytes), object.bytes);
                return Err(Failure::new(Code::Truncated, message));
            }
            Ok(Some(Ok(chunk))) => chunk,
        };
        let missing = usize::try_from(range.end - range.start).unwrap_or(usize::MAX) - bytes.len();
        if chunk.len() > missing {
            return Err(Failure::new(Code::Unexpected, format!("{}: more came than was asked for", at(bytes))));
        }
        bytes.extend_from_slice(&chunk);
        if chunk.len() == missing {
            return Ok(());
        }
    }
}

/// Storage classes whose objects S3 refuses to read until they are restored (403, `InvalidObjectState`).
fn is_archive(class: &str) -> bool {
    ["GLACIER", "DEEP_ARCHIVE", "INTELLIGENT_TIERING"].contains(&class)
}

/// Whether an answer is about these bytes of this very object. A proxy that ignores `If-Match` or `Range` must not be believed.
fn answers(response: &HttpResponse, object: &Object, asked: Range<u64>) -> Result<(), Failure> {
    if status(response) != 206 {
        return Err(match status(response) {
            403 if object.storage_class.as_deref().is_some_and(is_archive) => {
                let message = "it is archived: restore it (RestoreObject), and verify it when that is done";
                Failure::new(Code::Archived, format!("{}: {message}", object.location))
            }
            404 => Failure::new(Code::Changed, format!("{}: it was deleted while it was read", object.location)),
            _ => refusal(&object.location, response),
        });
    }
    if header(response, "etag") != Some(object.etag.as_str()) {
        let message = format!("{}: it was replaced while it was read: verify it again", object.location);
        return Err(Failure::new(Code::Changed, message));
    }
    let expected = format!("bytes {}-{}/{}", asked.start, asked.end - 1, object.bytes);
    match header(response, "content-range") {
        Some(range) if range == expected => Ok(()),
        other => {
            let message = format!("{}: asked for {expected:?}, answered {other:?}", object.location);
            Err(Failure::new(Code::Unexpected, message))
        }
    }
}
