"""Mutants that may survive, with reasons: {file: {the changed line as in the mutant: reason}}."""

EXCUSED: dict[str, dict[str, str]] = {}
