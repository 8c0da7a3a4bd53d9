"""What was measured on, in words that name no machine."""

import os
import platform
import subprocess
from pathlib import Path


def described():
    """Kind of processor, how many of them, memory, system, compiler, and how busy it was."""
    load = os.getloadavg()[0]
    busy = f"; {load:.1f} processes wanted the processor when it began" if load > 1 else ""
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory()} of memory, {platform.system()} {platform.machine()}, {compiler()}{busy}"
    )


def is_busy():
    """Whether more processes want to run than there are processors."""
    return os.getloadavg()[0] > os.cpu_count()


def processor():
    """The processor's own name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "a processor without a name"


def memory():
    """Gibibytes."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def compiler():
    """Rust's version."""
    return subprocess.run(["rustc", "--version"], capture_output=True, check=True, text=True).stdout.split(" (")[0].strip()
