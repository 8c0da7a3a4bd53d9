//! Looks at everything that AWS keeps of one component to restore it from, in both Regions at once.

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::domain::backup::{Looked, Place, SourceAt, sources_of};
use crate::domain::plan::{Component, Plan};
use crate::ports::Backups;

use super::hands::sight;

/// The places where a component's backups are kept. Each list is asked for by itself, so that one that cannot be had, or a Region that
/// is dark, costs what the others say nothing; there are at most seven of a component.
pub async fn places_of(backups: &dyn Backups, plan: &Plan, component: &Component, now: Timestamp) -> Vec<Place> {
    let sources = sources_of(plan, component);
    let looks = sources.into_iter().map(|SourceAt { site, source }| async move {
        let sight = sight(backups.kept(plan.region(site), &source).await);
        Looked { site, source, sight }
    });
    let looked = join_all(looks).await;
    Place::of(|site| plan.region(site).clone(), &looked, now)
}
