//! The guards that safety rests on, by name. Each stands where its rule is applied, and can be taken out there in a test build, to
//! see that the simulation finds what it guards against: a rule that nothing misses is no rule.
//!
//! In what is shipped a guard cannot be taken out: without the feature `guards-off`, [`removed`] is the constant `false`.

macro_rules! guards {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A guard, or a mistake that can be planted in its place.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Guard { $($(#[$doc])* $name,)* }

        impl Guard {
            /// Every guard.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What goes wrong once it is gone, in a few words.
            #[must_use]
            pub fn once_gone(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

guards! {
    /// A process whose clock differs from the journal's does nothing.
    ClocksCompared = "times of processes with different clocks are compared";
    /// The time from a lag's observation to the end of writes is part of what may be lost.
    SampleAgesIntoTheBound = "a figure of the lag counts as if it were of now";
    /// Without a figure the loss is unknown.
    NoFigureIsUnknown = "a missing figure of the lag counts as no lag";
    /// Without a proven fence, somebody must have allowed to promote.
    FenceOrLeave = "an unproven fence counts as a proven one";
    /// A fence is proven only when a reboot after the swap of groups was seen.
    RebootSeen = "a fence counts as proven before the old sessions were ended";
    /// Nor when the groups were open again after that reboot.
    RebootAfterTheLastSwap = "sessions that were opened while somebody had lifted the fence stay open behind it";
    /// A probe that never succeeded proves nothing.
    ProbeReachedBefore = "silence counts as a fence although nothing was ever heard";
    /// The fence is looked at again before the promotion.
    FenceLookedAtAgain = "a fence that was lifted by hand still counts";
    /// A fenced primary that cannot be described is probed before its fence counts.
    UnseenFenceProbed = "a fence that cannot be looked at counts as it was proven";
    /// Only a replica of the plan's own primary is promoted.
    SourceCompared = "a replica of another database is promoted in the primary's place";
    /// More may not be lost than was allowed.
    LossWithinLeave = "more may be lost than anybody allowed";
    /// `approval: required` always asks.
    ApprovalRequired = "nobody is asked although the plan says to ask";
    /// A verdict answers the question that was asked, and no other.
    DigestOfTheQuestion = "a verdict on one question is taken for another's";
    /// A question is written together with the page that tells of it.
    QuestionIsPaged = "a question is asked, and nobody is told";
    /// A database that answers is not failed over on an alarm's word.
    AnsweringStandsDown = "a healthy primary is replaced because an alarm says so";
    /// A primary that could not be probed is probed again before an alarm is believed.
    ProbeTriedAgain = "a probe that could not be made counts as a database that does not answer";
    /// A step is one attempt's at a time.
    ClaimChecked = "two attempts work on one step at once";
    /// A commit that loses is noticed.
    ConflictNoticed = "an attempt acts although another took its step over";
    /// The intent is in the journal before the call is made.
    IntentFirst = "calls are made before the journal knows of them";
    /// What was sent and not answered is looked for before it is sent again.
    UnansweredLookedFor = "what was not answered is sent again at once";
    /// An undo is not over while something that it undoes may still take effect.
    LateEffectAwaited = "an undo ends before what it undoes can no longer take effect";
    /// What a hold replaces is saved.
    HoldSaved = "a hold does not save what it replaced";
    /// After a possible promotion nothing is undone.
    NoUndoAfterPromotion = "undo goes on past a promotion, and lifts the fence";
    /// Steps run in their order.
    WavesInOrder = "steps run before those that they rest on";
    /// Clients are pointed only at a confirmed primary.
    TargetConfirmed = "clients are pointed at whatever the plan names";
    /// Consumers reread after a write that took effect late.
    LateWriteRestarts = "consumers go on with the old host after a write that took effect late";
    /// A platform has one active recovery.
    OneActive = "a second recovery starts beside the first";
    /// An incident's end takes its open steps over.
    EndTakesStepsOver = "an attempt goes on after its incident has ended";
    /// The watchdog starts what was declared and never started.
    WatchdogStarts = "what was declared and not started never starts";
    /// The watchdog ends what is overdue.
    WatchdogEnds = "what is overdue never ends";
    /// The watchdog ends what lost its execution.
    WatchdogBuries = "an incident whose execution died stays open for ever";
    /// Calls outside a step's `may` are not sent.
    CallsInsideMay = "a step may make calls that nobody foresaw";
    /// The consumers that are restarted are the plan's own in the recovery site (the control of the guard above plants a stray one).
    StrayCall = "a step calls something that is none of its own";
}

/// Whether this guard is taken out. Never, in what is shipped.
#[cfg(not(feature = "guards-off"))]
#[must_use]
#[inline(always)]
pub const fn removed(_guard: Guard) -> bool {
    false
}

#[cfg(feature = "guards-off")]
pub use off::{removed, without};

#[cfg(feature = "guards-off")]
mod off {
    use std::cell::RefCell;

    use super::Guard;

    thread_local! {
        static OFF: RefCell<Vec<Guard>> = const { RefCell::new(Vec::new()) };
    }

    /// Whether this guard is taken out on this thread.
    #[must_use]
    pub fn removed(guard: Guard) -> bool {
        OFF.with_borrow(|off| off.contains(&guard))
    }

    /// Does the work on this thread with these guards taken out, and puts them back, also when the work panics.
    pub fn without<T>(guards: &[Guard], work: impl FnOnce() -> T) -> T {
        struct PutBack(Vec<Guard>);
        impl Drop for PutBack {
            fn drop(&mut self) {
                OFF.with_borrow_mut(|off| *off = std::mem::take(&mut self.0));
            }
        }
        let _put_back = PutBack(OFF.replace(guards.to_vec()));
        work()
    }
}
