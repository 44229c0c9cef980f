"""Which files are mutated, and which tests must detect the mutants."""

ROOMS = {
    "lifecycle": (["workitems/lifecycle"], ["tests/lifecycle"]),
    "transitions": (
        ["workitems/transitions"],
        [
            "tests/transitions",
            "tests/review/test_orders.py",
            "tests/import_export/test_import.py",
            "tests/failures/test_recorder.py",
            "tests/durations/test_recorder.py",
        ],
    ),
    "uploads": (["workitems/models/uploads.py"], ["tests/models/test_uploads.py"]),
    "models": (
        ["workitems/models/phases.py", "workitems/models/work_item.py", "workitems/models/saved_view.py"],
        [
            "tests/models",
            "tests/database/test_migrations.py::test_the_migrations_create_the_current_models",
            "tests/test_scope.py",
            "tests/database/test_guards.py",
            "tests/transitions/test_create.py",
            "tests/pages/test_saved_views.py",
            "tests/api/test_read_objects.py",
            "tests/api/test_objects.py",
            "tests/api/test_read_upload.py",
            "tests/api/test_write_state.py",
            "tests/pages/test_changes.py",
        ],
    ),
    "counts": (
        ["workitems/counts"],
        [
            "tests/counts",
            "tests/database/test_migrations.py::test_the_triggers_match_the_products_code",
        ],
    ),
    "facets": (["workitems/pages/list/facets.py"], ["tests/pages/test_facets.py", "tests/pages/test_list.py"]),
    "listing": (
        ["workitems/listing"],
        [
            "tests/listing",
            "tests/durations/test_late.py",
            "tests/durations/test_silence.py",
            "tests/failures/test_recorder.py",
            "tests/pages/test_facets.py",
            "tests/pages/test_list.py",
            "tests/pages/test_searching.py",
            "tests/pages/test_split_bags.py",
            "tests/pages/test_workers.py",
            "tests/api/test_read_pagination.py",
            "tests/api/test_read_v2.py",
            "tests/api/test_read_v3.py",
            "tests/test_docs.py",
        ],
    ),
}
