"""The table of differences, and what is wrong with it."""

import json
import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STAND_INS = ("face", "ministack", "moto")
# Who is right: a stand-in that says what the documentation says, nobody where it does not say, and `unmodelled` where AWS takes a
# call that the face refuses by name, so that nobody mistakes its silence for an answer.
VERDICTS = (*STAND_INS, "undocumented", "unmodelled")
FIELDS = {"call", "operation", *STAND_INS, "right", "why", "source"}


def rows(path):
    with open(path, "rb") as file:
        return tomllib.load(file).get("difference", [])


def flaws_of_row(row):
    name = row.get("call", "a row without a call")
    if set(row) != FIELDS:
        return [f"{name}: the fields are to be {', '.join(sorted(FIELDS))}"]
    found = []
    if row["right"] not in VERDICTS:
        found.append(f"{name}: {row['right']} is no verdict")
    if not row["why"].strip():
        found.append(f"{name}: does not say why")
    if not row["source"].startswith("https://docs.aws.amazon.com/"):
        found.append(f"{name}: {row['source']} is no page of AWS's documentation")
    return found


def findings(calls, outcomes, table):
    """Everything in which the table and what was seen part."""
    found = [flaw for row in table for flaw in flaws_of_row(row)]
    by_call = {row.get("call"): row for row in table}
    if len(by_call) != len(table):
        found.append("two rows are about one call")
    operations = {call.name: call.action for call in calls}
    found += [f"{name}: the suite has no such call" for name in by_call if name not in operations]
    for name, operation in operations.items():
        said = {stand_in: outcomes[stand_in][name] for stand_in in STAND_INS}
        row = by_call.get(name)
        if len(set(said.values())) == 1:
            if row is not None:
                found.append(f"{name}: all say {said['face']}, so its row has to go")
            continue
        if row is None:
            found.append(f"{name}: {json.dumps(said)} has no row")
            continue
        if row.get("operation") != operation:
            found.append(f"{name}: is a call of {operation}")
        for stand_in, outcome in said.items():
            if row.get(stand_in) != outcome:
                found.append(f"{name}: {stand_in} now says {outcome}, and its row says {row.get(stand_in)}")
    return found


def missing_rows(calls, outcomes, table):
    """The rows that are not there yet, as TOML, with their verdicts left to be written."""
    there, text = {row["call"] for row in table}, []
    for call in calls:
        said = {stand_in: outcomes[stand_in][call.name] for stand_in in STAND_INS}
        if len(set(said.values())) > 1 and call.name not in there:
            text.append("[[difference]]")
            text.append(f"call = {json.dumps(call.name)}\noperation = {json.dumps(call.action)}")
            text += [f"{stand_in} = {literal(outcome)}" for stand_in, outcome in said.items()]
            text.append('right = ""\nwhy = ""\nsource = ""\n')
    return "\n".join(text)


def literal(text):
    return f"'{text}'" if "'" not in text else json.dumps(text)
