"""Starts emulators for the checks with real clients, and always ends them.

As a program it starts one, runs a command with its URL in ENDPOINT, and ends with the command's exit code:

    python3 emulator.py [options of the emulator] -- command [arguments]
"""

import contextlib
import os
import signal
import subprocess
import sys

KEY, SECRET, REGION = "AKIDEXAMPLE", "secret", "us-east-1"

# Ends as other errors do, so that the emulators end too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def environment(**more):
    """This process's environment without the settings of AWS clients, but with credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    } | more


@contextlib.contextmanager
def running(*options):
    """Serves on a free port of the loopback interface; gives the URL."""
    command = [os.environ["STREAMGAUGE"], "emulator", "--listen", "127.0.0.1:0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            raise SystemExit(f"the emulator did not start: {line!r}")
        yield line.split()[2]
        if process.poll() is not None:
            raise SystemExit(f"the emulator ended by itself, with {process.returncode}")
    finally:
        process.kill()
        process.wait()


def main():
    split = sys.argv.index("--")
    with running(*sys.argv[1:split]) as url:
        return subprocess.run(sys.argv[split + 1 :], env=environment(ENDPOINT=url), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
