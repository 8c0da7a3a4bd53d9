//! Each guard taken out: the simulation must find what it guards against, and soon.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use shared::events::request::CommandName;
use shared::guard::Guard;
use simulation::{Case, Disaster, Fault, Happening, Invariant, Person, Setting, Trigger};

use crate::campaigns::{LIMIT, campaign};

/// In so many random incidents a missing guard must show itself.
pub(crate) const SOON: u64 = 200;

/// What came of taking one out.
#[derive(Debug)]
pub(crate) struct Control {
    /// The guard.
    pub(crate) guard: Guard,
    /// What was violated then.
    pub(crate) violated: BTreeSet<&'static str>,
    /// In how many of the random incidents.
    pub(crate) found_in: u64,
    /// In how many of the incidents made for it.
    pub(crate) found_as_made: Option<u64>,
}

/// Guards behind which another one stands: both have to go before anything is missed.
fn backed_up_by(guard: Guard) -> &'static [Guard] {
    match guard {
        Guard::ClaimChecked => &[Guard::ConflictNoticed],
        Guard::ConflictNoticed => &[Guard::ClaimChecked],
        Guard::StrayCall => &[Guard::CallsInsideMay],
        Guard::TargetConfirmed => &[Guard::WavesInOrder],
        Guard::WatchdogStarts | Guard::WatchdogBuries => &[Guard::WatchdogEnds],
        Guard::CallsInsideMay => &[Guard::StrayCall],
        _ => &[],
    }
}

/// Incidents made for guards that chance alone rarely needs.
enum Made {
    /// These.
    Cases(Vec<Case>),
    /// Everything that one of these faults does to this one.
    StruckBy(Case, &'static [Fault]),
}

fn made_for(guard: Guard) -> Option<Made> {
    let plain = Case::plain(1);
    let lossy = Setting { metrics_late: true, stalled_before: true, ..plain.setting.clone() };
    let asking = Setting { approval_required: true, ..plain.setting.clone() };
    let slow_clocks = (0..200).map(|later| (0, Happening::ClockOff(later, -600))).collect();
    let lifted_while_asked = |after: u64| Case {
        setting: asking.clone(),
        person: Person::ApprovesTheFirst,
        happenings: vec![(after, Happening::FenceLiftedByHand)],
        ..plain.clone()
    };
    Some(match guard {
        Guard::SampleAgesIntoTheBound => Made::Cases(vec![Case { setting: lossy, ..plain }]),
        Guard::ClocksCompared => Made::Cases(vec![Case { setting: lossy, happenings: slow_clocks, ..plain }]),
        Guard::FenceLookedAtAgain | Guard::DigestOfTheQuestion => {
            Made::Cases((90_000..150_000).step_by(5_000).map(lifted_while_asked).collect())
        }
        // Forward, and back again.
        Guard::EndTakesStepsOver => {
            Made::StruckBy(Case { setting: asking, person: Person::Rejects, ..plain }, &[Fault::Overtaken])
        }
        // Lifted between the reboot and the proof.
        Guard::RebootAfterTheLastSwap => {
            let lifted = |after: u64| Case { happenings: vec![(after, Happening::FenceLiftedByHand)], ..plain.clone() };
            Made::Cases((30_000..90_000).step_by(3_000).map(lifted).collect())
        }
        // Lifted while a person is asked, and out of sight when nobody answered.
        Guard::UnseenFenceProbed => Made::Cases(vec![Case {
            setting: Setting { loss_allowed_s: 60, lag_s: 20, ..plain.setting.clone() },
            happenings: vec![(96_000, Happening::FenceLiftedByHand), (331_000, Happening::Throttling(true, 4))],
            ..plain
        }]),
        // Before anybody looks, once the plan is made, and when all but the promotion is done.
        Guard::SourceCompared => {
            let of_another = |after: u64| Case { happenings: vec![(after, Happening::ReplicaOfAnother)], ..plain.clone() };
            Made::Cases((0..120_000).step_by(20_000).map(of_another).collect())
        }
        // Called off while the first calls are on their way.
        Guard::LateEffectAwaited => {
            let aborted = vec![(12_000, Happening::Ordered(CommandName::Abort))];
            Made::StruckBy(Case { happenings: aborted, ..plain }, &[Fault::Late])
        }
        Guard::ProbeTriedAgain => Made::StruckBy(Case { disaster: Disaster::None, ..plain }, &[Fault::Throttled]),
        Guard::LateWriteRestarts => {
            let hasty = Setting { hasty: true, ..plain.setting.clone() };
            Made::StruckBy(Case { setting: hasty, ..plain }, &[Fault::Late])
        }
        Guard::NoUndoAfterPromotion => Made::StruckBy(plain, &[Fault::Refused]),
        Guard::WatchdogStarts => Made::StruckBy(Case { trigger: Trigger::Operator, ..plain }, &[Fault::KilledAfter]),
        _ => return None,
    })
}

/// Every guard, taken out in turn.
pub(crate) fn controls() -> &'static [Control] {
    static PLAYED: OnceLock<Vec<Control>> = OnceLock::new();
    PLAYED.get_or_init(|| {
        Guard::ALL
            .iter()
            .map(|guard| {
                let removed = [&[*guard], backed_up_by(*guard)].concat();
                let campaign = campaign(&removed).without_shrinking();
                let (random, _) = campaign.run(1, SOON, LIMIT);
                let made = made_for(*guard).map(|made| match made {
                    Made::Cases(cases) => campaign.run_these(&cases, LIMIT).0,
                    Made::StruckBy(case, faults) => campaign.exhaust(&case, faults, None, LIMIT).0,
                });
                let mut violated: BTreeSet<&'static str> = random.by_invariant.into_keys().collect();
                violated.extend(made.iter().flat_map(|made| made.by_invariant.keys().copied()));
                let found_as_made = made.map(|made| made.violations);
                Control { guard: *guard, violated, found_in: random.violations, found_as_made }
            })
            .collect()
    })
}

#[test]
fn every_guard_is_missed_once_it_is_taken_out() {
    let unmissed: Vec<&Control> = controls()
        .iter()
        .filter(|control| control.found_in == 0 && control.found_as_made.unwrap_or_default() == 0)
        .collect();
    assert!(unmissed.is_empty(), "no incident missed {unmissed:#?}");
}

#[test]
fn with_its_guard_nothing_made_for_it_violates_anything() {
    for guard in Guard::ALL {
        let (summary, findings) = match made_for(*guard) {
            Some(Made::Cases(cases)) => campaign(&[]).run_these(&cases, LIMIT),
            Some(Made::StruckBy(case, faults)) => campaign(&[]).exhaust(&case, faults, None, LIMIT),
            None => continue,
        };
        assert_eq!(summary.violations, 0, "{guard:?}: {findings:#?}");
    }
}

#[test]
fn every_invariant_has_a_guard_that_it_misses() {
    let missed: BTreeSet<&str> = controls().iter().flat_map(|control| control.violated.iter().copied()).collect();
    let never: Vec<&str> = Invariant::ALL.iter().map(|one| one.number()).filter(|one| !missed.contains(one)).collect();
    assert!(never.is_empty(), "{never:?} hold even without any guard, so nothing shows that they are looked at");
}
