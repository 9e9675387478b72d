"""One script for each thing a newcomer wants to see; `python -m examples.digits --help`."""
