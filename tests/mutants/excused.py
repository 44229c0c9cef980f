"""Mutants that may survive, with reasons: {file: {the changed line as in the mutant: reason}}."""

EXCUSED: dict[str, dict[str, str]] = {
    "workitems/lifecycle/moves.py": {
        "NOTE_LIMIT = 10001  # characters of a note that a person types": "One more would do as well.",
        "NOTE_LIMIT = 9999  # characters of a note that a person types": "One less would do as well.",
    },
    "workitems/lifecycle/paths.py": {
        "return sum(PIPELINE.index(step) <= place for step in path) - 0.5": "The stage is none of the path's, so none of them has its place."
    },
    "workitems/listing/named_items.py": {
        "owners = Institution.objects": "It only saves time: an identifier begins with its institution's domain.",
        'WorkItem.objects.filter(one_of_texts("object_identifier", objects)),': "It only saves time: the index begins with the institution.",
    },
    "workitems/listing/query.py": {
        "for name in get_close_matches(given, known, n= 2, cutoff=0.75):": "The first of the names is used in either case."
    },
    "workitems/listing/rows.py": {
        'return describe_part(part, bag) if bag or part else ""': "A row has a part with its bag, or neither.",
        "_PLACEHOLDER = 1000000000000001  # stands for an item's id in the SQL": "Any number that no item has would do.",
        "_PLACEHOLDER = 999999999999999  # stands for an item's id in the SQL": "Any number that no item has would do.",
    },
    "workitems/listing/strategies/bounded_scan.py": {
        "SCAN_LIMIT = 100001  # items examined when no index covers the filters": "One more would do as well.",
        ".values_list(*(column_name(column) for column in order))[SCAN_LIMIT - 2 : SCAN_LIMIT]": "A scan may as well examine one item less.",
        'found = items.values_list("pk", "institution_id", *KIND_COLUMNS).annotate(**keys)[: COUNT_LIMIT + 2]': "That there is one more than are counted shows as well with two more.",
        "SCAN_LIMIT = 99999  # items examined when no index covers the filters": "One less would do as well.",
        "return Cursor(row[ -1], tuple(from_database(column, value) for column, value in values))": "Every order ends with the item's id, so the last value of a row is its first.",
        'ids = {*texts.values_list("item", flat=True)[: MATCH_LIMIT + 2], *_named_ids(listing, name)}': "That there are too many shows as well with one more.",
        'return list(named.values_list("pk", flat=True)[: MATCH_LIMIT + 2])': "That there are too many shows as well with one more.",
        'once = "MATERIALIZED" if not connection.vendor == "postgresql" else ""': "It only saves time: the rows are the same.",
        'once = "MATERIALIZED" if connection.vendor != "postgresql" else ""': "It only saves time: the rows are the same.",
        "numbers = {row[ -1] for row in rows}": "Every order ends with the item's id, so the last value of a row is its first.",
        "MATCH_LIMIT = 20001  # matching texts; with more of them, scanning the items in order is no slower": "One more would do as well.",
        "MATCH_LIMIT = 19999  # matching texts; with more of them, scanning the items in order is no slower": "One less would do as well.",
    },
    "workitems/listing/strategies/by_kind.py": {
        'index = _INDEXES[index_range.column][("action" in names) - 2 * ("institution_id" in names)]': "Counted from the end of the four, it is the same index.",
        "sql, params = sql.format(number), [*probes[ -1], *params]": "There is one probe.",
        'index = _INDEXES[index_range.column][("action" in names) + 1 * ("institution_id" in names)]': "Another index has the same rows, and takes longer.",
    },
    "workitems/listing/strategies/keyset_walk.py": {
        "if values is None and not back and self.first is not None and number < COUNT_LIMIT:": "At the limit itself the rows are read again, and are the same."
    },
    "workitems/listing/strategies/plan.py": {
        "return next((index for index, row in enumerate(rows) if row[ -1] in later), len(rows))": "Every order ends with the item's id, so the last value of a row is its first.",
        "counted = len(by_kinds.rows_after(None, bounded_scan.COUNT_LIMIT + 2))": "That there are more shows as well with one more.",
        "if row[ -1] == values[-1] and bounded_scan.cursor_of(self.listing, row).values == tuple(values):": "Every order ends with the item's id, so the last value of a row is its first.",
    },
    "workitems/listing/strategies/result.py": {
        "def rows_after(self, values: Sequence[Any] | None, number: int, *, back: bool = True) -> list[Cursor]:": "An abstract method's default is nobody's.",
        "return following[ -1], None": "There is one row at most.",
        "return [] if self.is_complete and from_end <= 1 else None": "The last row is near the end: two lines above.",
        'rows = self.rows_after(parse_cursor(self.sort.columns, given["before"]), number + 2, back=True)': "One row more than asked for is left out again.",
        "before, after = self.rows_after(place, 2, back=True), self.rows_after(place, 1)": "The nearest row comes first, and only that one is used.",
        "return before[ -1].pk if before else None, after[0].pk if after else None": "There is one row at most.",
        "if self.is_complete and 0 <= from_end <= OFFSET_LIMIT:": "Past the end there are no rows in either way.",
        "if self.is_complete and -1 < from_end <= OFFSET_LIMIT:": "Past the end there are no rows in either way.",
        "if self.is_complete and 1 < from_end <= OFFSET_LIMIT:": "The last row is found from the start, too.",
        "if following := self.rows_after(values, 2):": "Only the first of them is used.",
        "given, number = self.listing.cleaned_data, self.listing.per_page + 2": "One row more than asked for is left out again.",
        "before, after = self.rows_after(place, 1, back=True), self.rows_after(place, 2)": "Only the first of them is used.",
        "return before[0].pk if before else None, after[ -1].pk if after else None": "There is one row at most.",
        "OFFSET_LIMIT = 10001": "One more would do as well.",
        "OFFSET_LIMIT = 9999": "One less would do as well.",
    },
    "workitems/models/work_item.py": {
        'return self.values_list("pk", flat=True).first() or 0': "Without an order, `first` is by the id.",
        'return dated.filter(history__move="create", history__who=who).first()': "Without an order, `first` is by the id.",
    },
    "workitems/transitions/creating.py": {
        "item.save(force_insert=False)": "Where the number is taken, so is the number of its first history entry, which the database refuses."
    },
    "workitems/transitions/related.py": {
        'if ids_by_move["cancel"] or not by.can(Permission.CANCEL):': "Whether the item is replaced makes no difference to an admin's cancel, so asking only costs time."
    },
    "workitems/transitions/saving.py": {
        'requeues = HistoryEntry.objects.filter(item_id__in=asked, move="requeue")': "Entries come in the order of their numbers anyway: it is the model's own."
    },
    "workitems/transitions/worker_state.py": {
        "_LEVEL = 2": "A state is read back whatever the level; the level only trades space for time."
    },
}
