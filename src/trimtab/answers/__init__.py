"""What commands answer, as frozen values: standard library types alone, so that whoever shows them needs nothing of ours.

One noun a file; a line under each field says its shape and unit. `table` has every command and its type, `codec` writes
values as JSON and reads them back, `schema` publishes them (`docs/schemas`). Three rules hold for all of them:

- A name that Python keeps for itself ends in `_` here, and has none in JSON (`class_`).
- A field whose default is None is left out of JSON while it is None. All others are always there.
- The words of a Literal are said once more beside those of `ops` and `registry`: a published word does not change because one
  inside did. mypy tells where they part.
"""
