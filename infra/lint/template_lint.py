"""The promises that infra/template.yaml makes and no CloudFormation validator holds it to.

Usage: template_lint.py TEMPLATE
"""

import re
import sys
from pathlib import Path

import template_file

LONGEST_TIMEOUT = 15
# What no step of a recovery waits for may take as long as Lambda lets it.
LONGER = {"BackupVerifyFunction": 900}
ANY_RESOURCE = re.compile(r"""^\s*(?:-\s*)?(?:Resource:\s*)?["']\*["']\s*(#.*)?$""")


def lint(text):
    """Every fault found, as sentences."""
    template = template_file.parse(text)
    return [*_lint_text(text), *_lint_policies(template), *_lint_functions(template)]


def _lint_text(text):
    for number, line in enumerate(text.splitlines(), start=1):
        wildcard = ANY_RESOURCE.match(line)
        if wildcard and not wildcard[1]:
            yield f"line {number}: any resource is allowed, and no comment beside it says why"
        if re.search(r"(?:^|[:\-\[,]\s)[&*][A-Za-z]\w*(?:\s|[,\]}]|$)", line) and not line.lstrip().startswith("#"):
            yield f"line {number}: CloudFormation reads no YAML aliases"


def _lint_policies(template):
    for name, resource in template["Resources"].items():
        for statement in _statements(resource):
            actions = statement.get("Action", [])
            for action in [actions] if isinstance(actions, str) else actions:
                if "*" in action or "?" in action:
                    yield f"{name}: action {action} is a pattern"
            if "NotAction" in statement or "NotResource" in statement:
                yield f"{name}: a statement that names what it leaves out allows all that comes later"


def _statements(tree):
    """Every policy statement below this point of the template."""
    if isinstance(tree, dict):
        if "Effect" in tree:
            yield tree
        else:
            for value in tree.values():
                yield from _statements(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _statements(value)


def _lint_functions(template):
    log_groups = template_file.resources_of_type(template, "AWS::Logs::LogGroup")
    owner_of_role = {}
    for name, function in template_file.resources_of_type(template, "AWS::Serverless::Function").items():
        role = str(function.get("Role"))
        if role == "None":
            yield f"{name}: has no role of its own, and would get one with managed policies"
        elif role in owner_of_role:
            yield f"{name}: shares its role with {owner_of_role[role]}"
        owner_of_role[role] = name
        timeout = function.get("Timeout")
        longest = LONGER.get(name, LONGEST_TIMEOUT)
        if not isinstance(timeout, int) or timeout > longest:
            yield f"{name}: its timeout is not at most {longest} s"
        if function.get("AutoPublishAlias") != "live" or function.get("AutoPublishAliasAllProperties") is not True:
            yield f"{name}: a change of its configuration would not reach the alias live"
        if function.get("Tracing") != "Active":
            yield f"{name}: is not traced"
        log_group = function.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
        if "RetentionInDays" not in log_groups.get(log_group, {}):
            yield f"{name}: its logs have no group with a retention"


def main(path):
    faults = list(lint(Path(path).read_text(encoding="utf-8")))
    for fault in faults:
        print(f"{Path(path).name}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1]))
