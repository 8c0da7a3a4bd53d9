//! Follows both sites, and tells each thing that happens there on a line.

mod alarm;
mod clients;
mod incident;
mod instances;
mod people;
mod places;
mod wire;

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use self::alarm::Alarm;
use self::clients::Writers;
use self::incident::{Approve, Incidents};
use self::instances::Instances;
use self::people::Mailbox;
use self::places::Places;
use self::wire::Wire;
use super::breaking::Breaker;
use super::console::{tell, tell_all};
use super::error::{Code, RehearseError};
use crate::drill::Drill;

/// How often the world and the wire are looked at, in real time.
const LOOK: Duration = Duration::from_millis(200);
/// How often the emulator is asked for what it does by itself: alarms and messages.
const ASK: Duration = Duration::from_secs(1);
/// Between two looks at the journal, however much is written to it.
const PAUSE: Duration = Duration::from_millis(300);

/// What the wire says has changed, for those who have to ask what it is now.
#[derive(Debug, Default)]
struct Changed {
    journal: Notify,
    platform: Notify,
}

/// Follows the sites until they break down by themselves.
pub(super) async fn follow(drill: &Drill, breaker: &Breaker<'_>, operator: &str, aws: &Path) -> RehearseError {
    let changed = Changed::default();
    let approve = Approve {
        aws: aws.to_owned(),
        region: drill.platform.region().to_owned(),
        function: drill.platform.recovery_function(),
    };
    tokio::select! {
        error = look(drill, operator, &changed) => error,
        never = incidents(drill, breaker, approve, &changed) => match never {},
        never = platform(drill, &changed) => match never {},
        never = emulator(drill) => match never {},
    }
}

/// What needs no call: the world, the wire, the clients.
async fn look(drill: &Drill, operator: &str, changed: &Changed) -> RehearseError {
    let (mut instances, mut wire, mut writers) = (Instances::default(), Wire::new(drill, operator), Writers::default());
    loop {
        if !drill.stage.is_running() {
            let message = format!("the emulator of AWS ended by itself; its log is in {}", drill.run_directory().display());
            return RehearseError::new(Code::SitesBrokeDown, message);
        }
        tell_all(instances.look(drill));
        tell_all(wire.look(drill, changed));
        tell_all(writers.look(drill));
        sleep(LOOK).await;
    }
}

/// Asks where the incident is whenever the journal was written.
async fn incidents(drill: &Drill, breaker: &Breaker<'_>, approve: Approve, changed: &Changed) -> Infallible {
    let mut incidents = Incidents::new(approve);
    loop {
        changed.journal.notified().await;
        // One commit seldom comes alone.
        sleep(PAUSE).await;
        if let Some(status) = incident::ask(drill).await {
            tell_all(incidents.tell(&status));
            breaker.stop_where_due(&status).await;
        }
    }
}

/// Reads what the platform's clients read, whenever something of it may have changed.
async fn platform(drill: &Drill, changed: &Changed) -> Infallible {
    let mut places = Places::of(drill);
    loop {
        tell_all(places.look(drill).await);
        changed.platform.notified().await;
        sleep(PAUSE).await;
    }
}

/// Asks for what happens inside the emulator, where no call of it is seen.
async fn emulator(drill: &Drill) -> Infallible {
    let (mut alarm, mut mailbox) = (Alarm::of(drill), Mailbox::open(drill).await);
    loop {
        for line in alarm.look(drill).await {
            tell(&line);
        }
        tell_all(mailbox.look(drill).await);
        sleep(ASK).await;
    }
}
