"""An invocation costs what the function costs.

Two waits of MiniStack's make each short invocation 90 ms long. After every answer it waits 50 ms for a
first log line, though most functions have logged before they answer; lines that come later are not lost,
they are shown with the next invocation of the same process. And it sends each event in two packets without
TCP_NODELAY, so that the second one waits 40 ms for a delayed acknowledgement.
"""

from ministack.core import lambda_runtime

from . import private_names

FIRST_LINE_WAIT_SECONDS = 0.005
QUIET_SECONDS = 0.001


def apply():
    """Shorten both waits of the workers that run our binaries."""
    worker = private_names.require_attribute(lambda_runtime, "ProvidedWorker", type)
    drain = private_names.require_function(
        worker, "_drain_stderr_bounded", ["self", "first_line_wait", "idle_confirm", "hard_cap"]
    )
    build = private_names.require_function(worker, "_build_handler_class", ["self", "generation", "pending"])

    def drain_briefly(self, first_line_wait=FIRST_LINE_WAIT_SECONDS, idle_confirm=QUIET_SECONDS, hard_cap=0.250):
        return drain(self, first_line_wait, idle_confirm, hard_cap)

    def build_without_delay(self, generation, pending):
        handler = build(self, generation, pending)
        handler.disable_nagle_algorithm = True
        return handler

    worker._drain_stderr_bounded = drain_briefly
    worker._build_handler_class = build_without_delay
