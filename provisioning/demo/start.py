"""What `./run demo` starts. Ctrl-C while it still loads is an end like any other, so nothing is imported outside `main`."""

import sys


def main() -> int:
    """The demo's exit code."""
    try:
        from provisioning.demo.__main__ import main as demo

        return demo()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
