"""Starts MiniStack for one rehearsal, on loopback only, and ends it when the rehearsal ends.

The process that starts this one holds the other end of its standard input. When that end closes, for
whatever reason, this process and the functions it runs end too: a killed rehearsal leaves nothing behind.
"""

import argparse
import os
import signal
import sys
import threading

LOOPBACK = "127.0.0.1"
# Everything else of the environment is dropped: no credential, profile or endpoint of the user reaches the rehearsal.
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True, help="loopback port to listen on")
    parser.add_argument("--endpoint", required=True, help="address that the functions call: the rehearsal's proxy")
    parser.add_argument("--account", required=True, help="twelve-digit account of requests that name none")
    parser.add_argument("--region", required=True, help="Region of requests that name none")
    parser.add_argument("--directory", required=True, help="private directory of this run")
    parser.add_argument("--speed", type=float, required=True, help="simulated seconds in a real second")
    parser.add_argument("--real-ms", type=int, required=True, help="real time at the start of simulated time")
    parser.add_argument("--simulated-ms", type=int, required=True, help="simulated time at that moment")
    options = parser.parse_args()
    if not options.endpoint.startswith(f"http://{LOOPBACK}:"):
        parser.error(f"--endpoint has to begin with http://{LOOPBACK}: because a rehearsal never leaves this machine")
    if options.speed <= 0:
        parser.error("--speed has to be greater than 0")
    return options


def environment(options):
    """The whole environment of MiniStack, which the functions inherit."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    home = os.path.join(options.directory, "home")
    temporary = os.path.join(options.directory, "temporary")
    for directory in (home, temporary):
        os.makedirs(directory, exist_ok=True)
    return {
        **kept,
        "HOME": home,
        "TMPDIR": temporary,
        "GATEWAY_PORT": str(options.port),
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_ACCOUNT_ID": options.account,
        "MINISTACK_REGION": options.region,
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        "SFN_WAIT_SCALE": repr(1.0 / options.speed),
        "AWS_ENDPOINT_URL": options.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def end_with_parent():
    """End the whole process group when standard input closes."""

    def wait():
        while os.read(0, 4096):
            pass
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(0)

    threading.Thread(target=wait, daemon=True, name="end-with-parent").start()


def main():
    options = arguments()
    scrubbed = environment(options)
    os.environ.clear()
    os.environ.update(scrubbed)
    sys.argv = [sys.argv[0]]
    end_with_parent()

    # MiniStack reads its settings while it is imported, so it is imported only now.
    import adaptations
    from adaptations.private_names import ChangedPrivateName
    from adaptations.simulated_time import Clock

    try:
        adaptations.apply(Clock(options.real_ms, options.simulated_ms, options.speed), options.speed)
    except ChangedPrivateName as error:
        sys.exit(f"the emulator cannot be adapted: {error}")

    from ministack.app import main as serve

    return serve()


if __name__ == "__main__":
    sys.exit(main())
