"""Alarms, events and schedules live in the rehearsal's time, not in the machine's.

Recovery time objectives are measured from an alarm's state-change time in simulated seconds, and the
functions under rehearsal read the simulated clock. An alarm stamped with the machine's time would lie
hours beside both.
"""

import time
import types

from ministack.services import cloudwatch, eventbridge, scheduler

from . import private_names


class Clock:
    """Simulated time: `simulated_ms` when the machine shows `real_ms`, and `speed` times as fast from then on."""

    def __init__(self, real_ms, simulated_ms, speed):
        self.real_ms = real_ms
        self.simulated_ms = simulated_ms
        self.speed = speed

    def now(self):
        """Simulated seconds since 1970."""
        elapsed_ms = time.time() * 1000.0 - self.real_ms
        return (self.simulated_ms + elapsed_ms * self.speed) / 1000.0

    def real_seconds_until(self, simulated_seconds):
        """How long the machine's clock needs to reach that simulated moment."""
        return max(0.0, (simulated_seconds - self.now()) / self.speed)


class SimulatedTimeModule:
    """Stands in for the `time` module: `time()` is simulated, everything else is the machine's."""

    def __init__(self, clock):
        self._clock = clock

    def time(self):
        return self._clock.now()

    def __getattr__(self, name):
        return getattr(time, name)


# Real seconds between two looks at the schedules.
TICK_SECONDS = 0.5


def apply(clock):
    """Give the services that stamp or schedule events the simulated clock."""
    private_names.require_attribute(cloudwatch, "time", types.ModuleType)
    private_names.require_attribute(scheduler, "time", types.ModuleType)
    private_names.require_function(eventbridge, "_now_ts", [])
    cloudwatch.time = SimulatedTimeModule(clock)
    scheduler.time = SimulatedTimeModule(clock)
    eventbridge._now_ts = clock.now
    # MiniStack looks every 10 real seconds, which at speed 10 would miss most of the simulated minutes.
    private_names.require_attribute(eventbridge, "_SCHEDULER_TICK_INTERVAL", int)
    private_names.require_attribute(scheduler, "_SCHEDULE_TICK_INTERVAL", int)
    eventbridge._SCHEDULER_TICK_INTERVAL = TICK_SECONDS
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS
