"""The commands that write a table so that all of it arrives, for sentences that say what to do."""

AS_CSV = r"""psql -c "\copy (select * from work_items) to 'items.csv' with (format csv, header)" """.strip()
AS_JSON = 'psql -At -c "select row_to_json(w) from work_items w" > items.jsonl'
