"""`make mutants`: small faults are put into the rules one at a time, and each must make a test fail.

Not part of the suite or of CI. `rooms` says what is mutated and which tests must notice, `excused` names the mutants that may
survive, each with its reason.
"""
