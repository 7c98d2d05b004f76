"""`cityhall-provision`. Ctrl-C while the program still loads is an end like any other, so nothing is imported outside `main`."""

import sys


def main() -> int:
    """The command's exit code."""
    try:
        from provisioning import cli

        return cli.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
