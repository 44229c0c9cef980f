"""`make mutants`: mutation tests. The code is changed in small ways, one at a time, and each change must make a test fail.

They are not part of the suite or of CI. `rooms` says what is mutated and which tests must fail; `excused` lists the mutants that
may survive, with reasons.
"""
