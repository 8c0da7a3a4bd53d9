//! Notices: written to the journal with what they tell of, published afterwards, and sent again by the watchdog until they are
//! out. A person is paged at least once, never zero times.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::identifier::{Digest, IncidentId, PlatformName};
use crate::domain::incident::Incident;
use crate::error::RecoveryError;
use crate::ports::{Notices, Write};

use super::book::{Versioned, write_notice, write_platform};
use super::{Book, Engine};

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its name within the incident: the same event never makes two.
    pub name: String,
    /// Subject: printable ASCII, fewer than 100 characters (SNS Publish).
    pub subject: String,
    /// Body.
    pub body: String,
    /// When it is due.
    pub due_at: Timestamp,
    /// An escalation: only sent while this question still stands unanswered, or this pause still lasts.
    pub only_while: Option<Digest>,
    /// When it went out, or was found to be needless.
    pub settled_at: Option<Timestamp>,
}

/// The write of a notice that is due at once.
pub(super) fn notice(id: &IncidentId, name: &str, subject: &str, body: &str, at: Timestamp) -> Write {
    later(id, name, subject, body, at, None)
}

/// The write of a notice that is due later, perhaps only while a question stands.
pub(super) fn later(
    id: &IncidentId,
    name: &str,
    subject: &str,
    body: &str,
    due_at: Timestamp,
    only_while: Option<Digest>,
) -> Write {
    let subject: String = subject.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(99).collect();
    let value = Notice { name: name.to_owned(), subject, body: body.to_owned(), due_at, only_while, settled_at: None };
    write_notice(id, &Versioned { value, revision: 0 })
}

/// Publishes what is due of an incident by its id; failing is logged, because the watchdog tries again.
pub async fn page(engine: Engine<'_>, notices: &dyn Notices, id: &IncidentId) {
    let sent = match engine.book().incident(id).await {
        Ok(incident) => send_due(engine, notices, &incident.value).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        tracing::warn!(%error, incident = %id, "notices stay due");
    }
}

/// Publishes what is due of every incident of the platform that may have something unsent: a newer incident must not silence an
/// older one. An incident that has ended and has nothing left to send is not looked at again.
pub(super) async fn send_all_due(
    engine: Engine<'_>,
    notices: &dyn Notices,
    platform: &PlatformName,
) -> Result<usize, RecoveryError> {
    let book = engine.book();
    let mut state = book.platform(platform).await?;
    let (mut sent, mut silent) = (0, Vec::new());
    for id in &state.value.noticed {
        let incident = book.incident(id).await?.value;
        sent += send_due(engine, notices, &incident).await?;
        if incident.status.is_end() && book.notices(id).await?.iter().all(|notice| notice.value.settled_at.is_some()) {
            silent.push(id.clone());
        }
    }
    if !silent.is_empty() {
        state.value.noticed.retain(|id| !silent.contains(id));
        // A conflict means that the platform's state changed meanwhile; the next minute looks again.
        book.commit(&[write_platform(platform, &state)]).await?;
    }
    Ok(sent)
}

/// Publishes what is due. A notice that cannot be published stays due: the watchdog tries again.
pub(super) async fn send_due(
    engine: Engine<'_>,
    notices: &dyn Notices,
    incident: &Incident,
) -> Result<usize, RecoveryError> {
    let book: Book<'_> = engine.book();
    let mut sent = 0;
    for mut notice in book.notices(&incident.id).await? {
        let now = engine.clock.now();
        if notice.value.settled_at.is_some() || notice.value.due_at > now {
            continue;
        }
        let needless = notice.value.only_while.as_ref().is_some_and(|digest| !still_waits(incident, digest));
        if !needless {
            if let Err(error) = notices.publish(&notice.value.subject, &notice.value.body).await {
                tracing::warn!(%error, notice = notice.value.name, "the notice stays due");
                continue;
            }
            sent += 1;
        }
        notice.value.settled_at = Some(now);
        // A conflict means that another sender settled it: at least once is what is promised.
        book.commit(&[write_notice(&incident.id, &notice)]).await?;
    }
    Ok(sent)
}

/// Whether the incident still waits for a person over what has this digest: a question, or a pause.
fn still_waits(incident: &Incident, digest: &Digest) -> bool {
    let asked = incident.question.as_ref().is_some_and(|question| question.digest() == *digest);
    let answered = incident.verdicts.iter().any(|verdict| verdict.digest == *digest);
    let paused = incident.pause.as_ref().is_some_and(|pause| pause.digest() == *digest);
    !incident.status.is_end() && ((asked && !answered) || paused)
}
