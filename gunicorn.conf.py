"""The production server, as `gunicorn pharos.wsgi` reads it; every line can be given on its command line instead."""

worker_class = "gthread"
workers = 3
threads = 4
bind = "127.0.0.1:8000"
# A name has up to 1000 characters, each up to 12 bytes in an address. What gunicorn itself turns away it answers with a page
# of HTML, which no client of the API can read; so what is too long is left for the product to refuse.
limit_request_line = 0
limit_request_field_size = 65_536
