"""What the rehearsal changes in MiniStack, one module for each change.

MiniStack offers no setting for any of these, so each module replaces private names. Each checks the
names it replaces before it replaces anything: another MiniStack release stops at the start, with a
sentence that says which name changed, and not in the middle of a rehearsal.
"""

from . import (
    alarm_evaluation,
    alarm_events,
    documented_refusals,
    invocation_overhead,
    private_names,
    route_settings,
    simulated_time,
    task_timeouts,
)

PINNED_MINISTACK = "1.5.33"


def apply(clock, speed):
    """Replace what has to be replaced. To be called once, before MiniStack starts to serve."""
    private_names.require_release("ministack", PINNED_MINISTACK)
    simulated_time.apply(clock)
    alarm_events.apply(clock)
    alarm_evaluation.apply(clock)
    task_timeouts.apply(speed)
    documented_refusals.apply()
    route_settings.apply()
    invocation_overhead.apply()
