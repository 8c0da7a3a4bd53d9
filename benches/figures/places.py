"""Where things are."""

import subprocess
from pathlib import Path


class Places:
    """The target directory, and a scratch directory below it."""

    def __init__(self, target):
        self.target = Path(target).resolve()
        self._scratch = self.target / "benches" / "scratch"
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._plan = None

    def release(self, name):
        """A binary of the release build."""
        path = self.target / "release" / name
        if not path.exists():
            raise RuntimeError(f"{path} is not there: run without --no-build")
        return path

    def debug(self, name):
        """A binary of the development build, which need not be there."""
        return self.target / "debug" / name

    def scratch(self, name):
        """A file or directory of one row."""
        return self._scratch / name

    def plan(self):
        """The committed plan, compiled."""
        if self._plan is None:
            build = [str(self.release("recoveryctl")), "plan", "build", "plans/healthcare-platform.yaml"]
            done = subprocess.run(
                [*build, "--output-directory", str(self._scratch)], check=True, capture_output=True, text=True
            )
            self._plan = Path(done.stdout.splitlines()[0]).resolve()
        return self._plan
