"""Step Functions waits for a person as long as the definition says, in simulated time.

MiniStack ignores `TimeoutSecondsPath`, so a task that waits for a token without a literal timeout waits
for more than a day, and it scales Wait states but not that wait. Timeouts of ordinary tasks stay real:
they guard against a function that hangs, and functions run in real time.
"""

from ministack.services import stepfunctions

from . import private_names

CALLBACK = ".waitForTaskToken"


def apply(speed):
    """Resolve `TimeoutSecondsPath` and scale the timeouts of tasks that wait for a token."""
    execute = private_names.require_function(
        stepfunctions, "_execute_task", ["state_def", "raw_input", "execution", "ctx"]
    )
    resolve = private_names.require_function(stepfunctions, "_resolve_path_or_ctx", ["path", "data", "ctx"])
    input_path = private_names.require_function(stepfunctions, "_apply_input_path", ["state_def", "data", "ctx"])

    def execute_with_timeout(state_def, raw_input, execution, ctx):
        path = state_def.get("TimeoutSecondsPath")
        if path is not None:
            seconds = resolve(path, input_path(state_def, raw_input, ctx), ctx)
            if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds <= 0:
                # AWS fails the execution here; no Catch covers it.
                raise stepfunctions._ExecutionError(
                    "States.Runtime", f"TimeoutSecondsPath {path} selects {seconds!r}, not a positive integer"
                )
            state_def = {**state_def, "TimeoutSeconds": seconds}
        if CALLBACK in state_def.get("Resource", "") and "TimeoutSeconds" in state_def:
            state_def = {**state_def, "TimeoutSeconds": state_def["TimeoutSeconds"] / speed}
        return execute(state_def, raw_input, execution, ctx)

    stepfunctions._execute_task = execute_with_timeout
