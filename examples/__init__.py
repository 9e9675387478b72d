"""Example scripts, each for one topic; run them by `python -m examples.digits --help`."""
