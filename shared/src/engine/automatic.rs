//! `disable` and `enable`: whether alarms start recoveries by themselves. Kept in the platform's state; an operator may always start
//! one, and a recovery that is under way goes on.

use serde::Serialize;

use crate::domain::identifier::PlatformName;
use crate::domain::incident::{Disabled, PlatformState};
use crate::error::{Code, RecoveryError};
use crate::ports::Commit;

use super::Engine;
use super::book::write_platform;

/// How often a lost race is run again.
const RACES: usize = 5;

/// Whether alarms start recoveries, for `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Automatic {
    /// Whether they do.
    pub enabled: bool,
    /// Who has disabled it, why, and since when.
    #[serde(flatten)]
    pub disabled: Option<Disabled>,
}

/// Whether alarms start recoveries of the platform.
///
/// # Errors
/// Journal errors.
pub async fn automatic(engine: Engine<'_>, platform: &PlatformName) -> Result<Automatic, RecoveryError> {
    Ok(Automatic::of(&engine.book().platform(platform).await?.value))
}

impl Automatic {
    pub(super) fn of(state: &PlatformState) -> Self {
        Self { enabled: state.disabled.is_none(), disabled: state.disabled.clone() }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// Whether this call changed it; otherwise it stood so before.
    pub changed: bool,
    /// How it stands now, as a sentence.
    pub reason: String,
}

/// Has alarms start nothing, until [`enable`]. A second call changes nothing: the first one's name and time stand.
///
/// # Errors
/// Journal errors.
pub async fn disable(
    engine: Engine<'_>,
    platform: &PlatformName,
    actor: &str,
    reason: Option<&str>,
) -> Result<Switched, RecoveryError> {
    let since = engine.clock.now();
    switch(engine, platform, |state| {
        if let Some(disabled) = &state.disabled {
            return Switched { changed: false, reason: format!("it stood so before: {disabled}") };
        }
        let disabled = Disabled { actor: actor.to_owned(), reason: reason.map(str::to_owned), since };
        let reason = format!("{disabled}; alarms start nothing and page instead, an operator may still start a recovery");
        state.disabled = Some(disabled);
        Switched { changed: true, reason }
    })
    .await
}

/// Lets alarms start recoveries again.
///
/// # Errors
/// Journal errors.
pub async fn enable(
    engine: Engine<'_>,
    platform: &PlatformName,
    actor: &str,
    reason: Option<&str>,
) -> Result<Switched, RecoveryError> {
    switch(engine, platform, |state| {
        let Some(disabled) = state.disabled.take() else {
            return Switched { changed: false, reason: format!("automatic recovery of {platform} was not disabled") };
        };
        let why = reason.unwrap_or("no reason stated");
        let reason = format!(
            "{actor} (as stated) enabled automatic recovery ({why}); {disabled}. An alarm that went off meanwhile starts nothing \
             by itself: look, and start the scenario by hand if it is needed"
        );
        Switched { changed: true, reason }
    })
    .await
}

/// Changes the platform's state, again from what it is by then when somebody else was faster.
async fn switch(
    engine: Engine<'_>,
    platform: &PlatformName,
    change: impl Fn(&mut PlatformState) -> Switched,
) -> Result<Switched, RecoveryError> {
    let book = engine.book();
    for _ in 0..RACES {
        let mut state = book.platform(platform).await?;
        let switched = change(&mut state.value);
        if !switched.changed || book.commit(&[write_platform(platform, &state)]).await? == Commit::Committed {
            return Ok(switched);
        }
    }
    Err(RecoveryError::new(Code::JournalUnavailable, "other writers were faster each time; send it again"))
}
