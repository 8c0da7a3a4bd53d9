"""What validators of the Amazon States Language let pass, and this project must not.

Usage: asl_lint.py DEFINITION TEMPLATE

Most rules guard against `States.Runtime`: a path that finds nothing ends an execution at once, and no Catch sees it.
"""

import json
import re
import sys
from pathlib import Path

import template_file

# The machine's role can invoke functions and nothing else, so nothing else can work.
INTEGRATIONS = {"arn:aws:states:::lambda:invoke", "arn:aws:states:::lambda:invoke.waitForTaskToken"}
CALLBACK = ".waitForTaskToken"

# The contract with the functions: what each task is told, and what its answer holds.
COMMON_ANSWER = {"incident_id", "status", "reason", "wait_s"}
TASKS = {
    "assess": ({"incident_id"}, COMMON_ANSWER),
    "advance": ({"incident_id"}, COMMON_ANSWER | {"steps"}),
    "report": ({"incident_id"}, COMMON_ANSWER | {"end"}),
    "step": ({"incident_id", "step", "direction"}, COMMON_ANSWER | {"timeout_s"}),
    "await_approval": ({"incident_id", "step", "token"}, set()),
}
EXECUTION_INPUT = {"incident_id"}
MAP_ITEM = {"incident_id", "step", "function", "direction"}
# backup-verify's own tasks, whose executions begin with nothing.
VERIFICATION_ANSWER = {"incident_id", "status"}
TASKS |= {
    "check": (set(), VERIFICATION_ANSWER | {"reason", "left"}),
    "divide": ({"left"}, VERIFICATION_ANSWER | {"component", "backup", "etag", "pieces", "refused", "left"}),
    "piece": ({"component", "backup", "etag", "piece"}, VERIFICATION_ANSWER | {"piece", "course", "stored"}),
    "read_on": (
        {"component", "backup", "etag", "piece", "course", "stored"},
        VERIFICATION_ANSWER | {"piece", "course", "stored"},
    ),
    "combine": (
        {"component", "backup", "etag", "pieces", "refused", "results", "left", "status", "reason"},
        VERIFICATION_ANSWER | {"reason", "left"},
    ),
}
VERIFICATION = "backup-verify.asl.json"
VALUES = {
    "status": {"in_progress", "again", "needs_approval", "done", "refused", "stuck", "ended", "run", "report",
               "sufficient", "insufficient"},
    "end": {"completed", "rolled_back", "stuck"},
    "function": {"recovery", "update-database-endpoints", "read-only-toggle", "replication-check", "backup-verify"},
}

PATH = re.compile(r"^\$\.([a-z_]+)((?:\.[a-z_]+|\[\d+\])*)$")
SUBSTITUTION = re.compile(r"\$\{([^}]*)\}")
# These reshape the state in ways that the rules about names do not follow.
UNFOLLOWED = ("InputPath", "OutputPath", "Assign", "Output", "Arguments", "QueryLanguage")
# A distributed map starts ten thousand items at a time unless it is told otherwise.
MOST_AT_ONCE = 40


def lint(definition, supplied, function_timeouts, execution_input=frozenset(EXECUTION_INPUT)):
    """Every fault found, as sentences. `supplied` are the names of the template's DefinitionSubstitutions, and
    `function_timeouts` says by these names how long each function may run."""
    faults = []
    used = {name for text in _texts(definition) for name in SUBSTITUTION.findall(text)}
    faults += [f"substitution ${{{name}}} is used, but the template does not supply it" for name in sorted(used - supplied)]
    faults += [f"substitution {name} is supplied by the template, but never used" for name in sorted(supplied - used)]
    if "TimeoutSeconds" not in definition:
        faults.append("the machine has no TimeoutSeconds: an execution could live for a year")
    faults += _lint_states(definition, execution_input, function_timeouts)
    return faults


def _lint_states(machine, initial_names, function_timeouts):
    states = machine["States"]
    answers = {}
    faults = []
    for state in states.values():
        written = _written_name(state)
        if written:
            # What a Map or a Pass writes is a plain name.
            answers[written] = TASKS.get(_task_of(state), (set(), set()))[1] if state["Type"] == "Task" else None
    names_at = _names_surely_present(machine, initial_names)
    for name, state in states.items():
        found = _lint_catch_and_retry(state, states)
        found += [f"{key} is not followed by these rules" for key in UNFOLLOWED if key in state]
        if state["Type"] == "Task":
            found += _lint_task(state, function_timeouts)
        if state["Type"] in ("Task", "Map", "Pass", "Parallel") and "ResultPath" not in state:
            found.append("no ResultPath: the result would replace the names that the state carries")
        found += _lint_paths(state, names_at.get(name, initial_names), answers)
        faults += [f"{name}: {fault}" for fault in found]
        if state["Type"] == "Map":
            faults += [f"{name}: {fault}" for fault in _lint_map(state)]
            item = {key.removesuffix(".$") for key in state["ItemSelector"]} if "ItemSelector" in state else MAP_ITEM
            faults += _lint_states(state["ItemProcessor"], item, function_timeouts)
    return faults


def _lint_map(state):
    if state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") != "DISTRIBUTED":
        return
    if not 0 < state.get("MaxConcurrency", 0) <= MOST_AT_ONCE:
        yield f"a distributed map without a MaxConcurrency of at most {MOST_AT_ONCE}"
    if "Label" not in state:
        yield "a distributed map without a Label: its executions would have names that no policy can state"
    if state.get("ToleratedFailurePercentage", 0) or state.get("ToleratedFailureCount", 0):
        yield "a distributed map that tolerates failures"
    if state["ItemProcessor"]["ProcessorConfig"].get("ExecutionType") != "STANDARD":
        yield "a distributed map whose executions would end after five minutes"


def _lint_task(state, function_timeouts):
    faults = []
    resource, parameters = state.get("Resource", ""), state.get("Parameters", {})
    if resource not in INTEGRATIONS:
        faults.append(f"unknown or forbidden service integration {resource}")
    if "FunctionName.$" in parameters:
        faults.append("the function's name is taken from data")
    named = SUBSTITUTION.fullmatch(str(parameters.get("FunctionName")))
    if "FunctionName.$" not in parameters and not named:
        faults.append("FunctionName is not one substitution")
    function_timeout = function_timeouts.get(named[1], 0) if named else 0

    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if timeout is None and "TimeoutSecondsPath" not in state:
        faults.append("no TimeoutSeconds or TimeoutSecondsPath: a lost task would hang")
    if timeout is not None and heartbeat is not None and heartbeat >= timeout:
        faults.append("HeartbeatSeconds is not shorter than TimeoutSeconds")
    if timeout is not None and CALLBACK not in resource and timeout <= function_timeout:
        faults.append(f"TimeoutSeconds is not longer than the function's own {function_timeout} s")
    if not any("States.ALL" in catcher.get("ErrorEquals", []) for catcher in state.get("Catch", [])):
        faults.append("no Catch of States.ALL")

    task = _task_of(state)
    if task not in TASKS:
        faults.append(f"the functions know no task {task}")
    else:
        told = {key.removesuffix(".$") for key in parameters.get("Payload", {})} - {"task"}
        if told != TASKS[task][0]:
            faults.append(f"task {task} is told {sorted(told)} instead of {sorted(TASKS[task][0])}")
    return faults


def _lint_catch_and_retry(state, states):
    faults = []
    for kind in ("Catch", "Retry"):
        entries = state.get(kind, [])
        for position, entry in enumerate(entries):
            errors = entry.get("ErrorEquals", [])
            if not errors:
                faults.append(f"{kind} names no error")
            if "States.ALL" in errors and len(errors) > 1:
                faults.append(f"States.ALL is not alone in {kind}")
            if "States.ALL" in errors and position != len(entries) - 1:
                faults.append(f"States.ALL is not last in {kind}")
    for catcher in state.get("Catch", []):
        # Without a pause an error that lasts fills the history of 25,000 events within minutes.
        if states.get(catcher["Next"], {}).get("Type") != "Wait":
            faults.append(f"Catch leads to {catcher['Next']}, which is no Wait")
    return faults


def _lint_paths(state, names, answers):
    faults = []
    for key, path in _paths(state):
        match = PATH.match(path)
        if path.startswith("$$."):
            known = "$$.Map.Item.Value" if key == "ItemSelector" else "$$.Task.Token"
            if path != known or (key != "ItemSelector" and CALLBACK not in state.get("Resource", "")):
                faults.append(f"{key} reads {path}, which this state's context does not have")
        elif not match:
            faults.append(f"{key} reads {path}, which these rules cannot follow")
        elif match[1] not in names:
            faults.append(f"{key} reads {path}, but not every way here has written {match[1]}")
        else:
            rest = re.findall(r"[a-z_]+", match[2])
            wanted = answers.get(match[1])
            if wanted is None and rest:
                faults.append(f"{key} reads {path}, but {match[1]} is a plain name")
            elif wanted is not None and rest == ["answer"]:
                continue  # All of it.
            elif wanted is not None and rest == ["answer", "course", "piece"] and "course" in wanted:
                continue  # What came of a piece by the time that somebody else was to go on with it.
            elif wanted is not None and (len(rest) != 2 or rest[0] != "answer" or rest[1] not in wanted):
                faults.append(f"{key} reads {path}, which no answer holds")
    for path in _values_for(state.get("ResultSelector", {})):
        if path != "$.Payload":
            faults.append(f"ResultSelector reads {path}: only $.Payload is always there")
    for rule in _rules(state.get("Choices", [])):
        known = VALUES.get(rule.get("Variable", "").rsplit(".", 1)[-1])
        if known is not None and "StringEquals" in rule and rule["StringEquals"] not in known:
            faults.append(f"{rule['Variable']} can never be {rule['StringEquals']}")
    return faults


def _paths(state):
    """Every path that a state reads from its input, with the field it stands in."""
    for key in ("SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "ItemsPath"):
        if key in state:
            yield key, state[key]
    yield from (("Parameters", path) for path in _values_for(state.get("Parameters", {})))
    yield from (("ItemSelector", path) for path in _values_for(state.get("ItemSelector", {})))
    for rule in _rules(state.get("Choices", [])):
        yield from ((key, value) for key, value in rule.items() if key == "Variable" or key.endswith("Path"))


def _values_for(tree):
    """Values of all keys that end in `.$`, however deep."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key.endswith(".$"):
                yield value
            else:
                yield from _values_for(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _values_for(value)


def _rules(choices):
    """The comparisons of a Choice, those inside And, Or and Not included."""
    for choice in choices:
        inner = choice.get("And") or choice.get("Or") or ([choice["Not"]] if "Not" in choice else None)
        if inner:
            yield from _rules(inner)
        else:
            yield choice


def _names_surely_present(machine, initial_names):
    """For each reachable state the names that every way to it has written."""
    states = machine["States"]
    present = {machine["StartAt"]: frozenset(initial_names)}
    waiting = [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        state, here = states[name], present[name]
        written = _written_name(state)
        after = here | {written} if written else here
        followers = [(state["Next"], after)] if "Next" in state else []
        followers += [(choice["Next"], here) for choice in state.get("Choices", [])]
        followers += [(state["Default"], here)] if "Default" in state else []
        followers += [(catcher["Next"], here) for catcher in state.get("Catch", [])]
        for follower, names in followers:
            merged = names & present.get(follower, names)
            if follower in states and merged != present.get(follower):
                present[follower] = merged
                waiting.append(follower)
    return present


def _written_name(state):
    path = state.get("ResultPath")
    return path.removeprefix("$.") if isinstance(path, str) and path.startswith("$.") else None


def _task_of(state):
    return state.get("Parameters", {}).get("Payload", {}).get("task")


def _texts(tree):
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, (dict, list)):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from _texts(value)


def supplied_by(template, definition_name):
    """The substitutions that the template gives to the definition of that file name."""
    for machine in template_file.resources_of_type(template, "AWS::Serverless::StateMachine").values():
        if Path(str(machine.get("DefinitionUri"))).name == definition_name:
            return machine.get("DefinitionSubstitutions", {})
    raise SystemExit(f"{definition_name}: no state machine of the template uses it")


def main(definition_path, template_path):
    template = template_file.parse(Path(template_path).read_text(encoding="utf-8"))
    functions = template_file.resources_of_type(template, "AWS::Serverless::Function")
    definition = json.loads(Path(definition_path).read_text(encoding="utf-8"))
    supplied = supplied_by(template, Path(definition_path).name)
    timeouts = {name: functions[value["Ref"].split(".")[0]]["Timeout"] for name, value in supplied.items()}
    execution_input = set() if Path(definition_path).name == VERIFICATION else EXECUTION_INPUT
    faults = lint(definition, set(supplied), timeouts, execution_input)
    for fault in faults:
        print(f"{Path(definition_path).name}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    sys.exit(main(*sys.argv[1:]))
