//! Objects that are asked for before they are opened.

use std::collections::VecDeque;
use std::fmt;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::address::Location;
use crate::client::{Client, Object};
use crate::failure::{Code, Failure};
use crate::fetch;
use crate::reader::Limits;

/// Objects that are asked for at a time. A small one costs two requests one after the other, in which nothing is decoded.
const AT_ONCE: usize = 8;
/// Objects up to this size are fetched whole, so that at most 8 MiB are in memory; of larger ones only what S3 knows of them is asked.
const SMALL: u64 = 1 << 20;

/// What is known of an object, and its bytes where it is small.
pub(crate) struct Early {
    pub(crate) object: Object,
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Objects on their way. They are opened in about the order in which they were named.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    names: VecDeque<String>,
    coming: VecDeque<(String, Coming)>,
}

/// An object on its way; nobody waits for it any more once it is dropped.
struct Coming(JoinHandle<Result<Early, Failure>>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Coming {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Coming")
    }
}

impl Ahead {
    /// Forgets what was named before.
    pub(crate) fn announce(&mut self, names: impl IntoIterator<Item = String>) {
        self.names = names.into_iter().collect();
        self.coming.clear();
    }

    /// Asks for as many as may be on their way.
    pub(crate) fn ask(&mut self, client: &Client, at: impl Fn(&str) -> Location, limits: &Limits, runtime: &Handle) {
        while self.coming.len() < AT_ONCE
            && let Some(name) = self.names.pop_front()
        {
            let work = early(client.clone(), at(&name), limits.clone());
            self.coming.push_back((name, Coming(runtime.spawn(work))));
        }
    }

    /// The object of that name, where it was asked for. Those before it are not opened any more.
    pub(crate) fn take(&mut self, name: &str, runtime: &Handle) -> Option<Result<Early, Failure>> {
        let at = self.coming.iter().position(|(known, _)| known == name)?;
        let (_, mut coming) = self.coming.drain(..=at).next_back()?;
        let ended = |_| Failure::new(Code::Unexpected, "the runtime that fetches has ended");
        Some(runtime.block_on(&mut coming.0).map_err(ended).and_then(|early| early))
    }
}

async fn early(client: Client, location: Location, limits: Limits) -> Result<Early, Failure> {
    let object = client.look(&location, &limits).await?;
    let bytes = match object.bytes {
        ..=SMALL => Some(fetch::range(client, object.clone(), 0..object.bytes, limits).await?),
        _ => None,
    };
    Ok(Early { object, bytes })
}
