"""The entry point of the `wardline` command: `wardline [--data DIR] [--config FILE] COMMAND …`.

    wardline check message.eml        wardline serve        wardline explain ID

Small on purpose: the version is answered before anything is loaded, and a command loads only what it needs (`commands/application.py`).
"""

import sys

from wardline.base.version import __version__


def main() -> None:
    """Run the command line and end with its status: 0 done, 1 failed, 2 wrong usage, 3 a replay that differs."""
    if sys.argv[1:] == ["--version"]:
        print(f"wardline {__version__}")
        return
    from wardline.commands.application import run

    sys.exit(run())


if __name__ == "__main__":
    main()
