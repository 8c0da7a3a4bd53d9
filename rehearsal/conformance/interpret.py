"""Runs a definition of a state machine in an interpreter that is not ours, once for each INVOKE, and prints what came of each as JSON.

    interpret.py (moto | MINISTACK) DEFINITION SPEED INVOKE…

MINISTACK is the address of a MiniStack, which has a speed of its own. Every `${…}` of the definition becomes a function, and INVOKE is
the address that answers for it as Lambda's Invoke does. moto's pauses before retries take SPEED times less.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "emulator"))

from loopback import forget_user_settings
from machines import ministack, moto_in_process


def main():
    if len(sys.argv) < 5:
        sys.exit("usage: interpret.py (moto | MINISTACK) DEFINITION SPEED INVOKE…")
    where, definition, speed, *invoke = sys.argv[1:]
    written = pathlib.Path(definition).read_text(encoding="utf-8")
    forget_user_settings()
    if where == "moto":
        seen = [moto_in_process.run(written, address, float(speed)) for address in invoke]
    else:
        seen = [ministack.run(where, written, address) for address in invoke]
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
