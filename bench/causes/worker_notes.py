"""Notes in the forms of the field's workers, services, and platforms, in our own words: (form, label, name of the bag, note)."""

import json
import random
from collections.abc import Callable, Iterator

NAMES = (
    "virginia.edu.uva-lib_2274642",
    "O'Donnell field notebooks",
    "Letters & Diaries of the Hathaway Family (1931)",
    "港の写真 第3巻",
    "GTM-000119_B50",
    "minutes; drafts | scans",
    "photographs",
)
FILES = (
    "data/images/0042.tif",
    "data/Hathaway's diary, page 3.txt",
    "data/letters/draft 2 (final).docx",
    "data/レポート [1].pdf",
    "data/README",
    "data/annual report 1999.pdf",
    "data/minutes: annual.rtf",
    "data/Vol. 1; 2 | 3.csv",
)
ALGORITHMS = ("md5", "sha256", "sha512")
TAGS = ("Title", "Access", "Source-Organization", "Storage-Option")
Say = Callable[[random.Random], str]


def _digest(rng: random.Random, digits: int = 64) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def _mismatch(rng: random.Random) -> str:
    return (
        f"File {rng.choice(FILES)}: {rng.choice(ALGORITHMS)} digest in the manifest is {_digest(rng)}, "
        f"but the digest computed is {_digest(rng)}"
    )


FAULTS: dict[str, Say] = {
    "digest": _mismatch,
    "missing": lambda rng: (
        f"File {rng.choice(FILES)} is listed in manifest-{rng.choice(ALGORITHMS)}.txt but is not in the bag"
    ),
    "unlisted": lambda rng: f"File {rng.choice(FILES)} is in the bag but not in manifest-{rng.choice(ALGORITHMS)}.txt",
    "tag": lambda rng: (
        f"Required tag {rng.choice(TAGS)} in {rng.choice(('bag-info.txt', 'aptrust-info.txt'))} has no value"
    ),
    "value": lambda rng: (
        f"Tag {rng.choice(TAGS)} has the value '{rng.choice(('x', 'all readers', 'None'))}', which the profile does not allow"
    ),
    "manifest": lambda rng: f"The bag lacks the required manifest manifest-{rng.choice(ALGORITHMS)}.txt",
    "directory": lambda rng: f"The tar file unpacks to the directory '{rng.choice(NAMES)}' and not to its own name",
}


def _several(rng: random.Random, labels: tuple[str, ...], most: int) -> list[str]:
    faults = [FAULTS[label](rng) for label in labels]
    faults += [FAULTS[rng.choice(labels)](rng) for _ in range(rng.randint(0, most))]
    rng.shuffle(faults)
    return faults


def _piped(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    faults = _several(rng, labels, 30 if len(labels) > 1 else 40)
    more = f" | There are {len(faults) - 30} more errors." if len(faults) > 30 else ""
    if len(faults) > 30:  # the kinds are among those that are listed
        faults = [FAULTS[label](rng) for label in labels] + faults[: 30 - len(labels)]
        rng.shuffle(faults)
    return "Bag validation failed: " + " | ".join(faults) + more


def _lines(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return "\n".join([f"Bag {name}.tar is not valid.", *_several(rng, labels, 5)])


def _crlf(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return "\r\n".join(
        [
            "Validation failed with the following errors:",
            *(f"  {n}. {one}" for n, one in enumerate(_several(rng, labels, 5), 1)),
        ]
    )


def _numbered(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return "\n".join(["Problems found:", *(f"#{n} {one}" for n, one in enumerate(_several(rng, labels, 5), 1))])


def _text(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return "\n".join(_several(rng, labels, 5))


def _object(rng: random.Random, labels: tuple[str, ...]) -> dict:
    pairs = [
        (f"{rng.choice(FILES)}{n}", FAULTS[label](rng)) for n, label in enumerate([*labels, *rng.choices(labels, k=3)])
    ]
    rng.shuffle(pairs)
    return dict(pairs)


def _json(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return json.dumps(_object(rng, labels))


def _indented(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return json.dumps({"valid": False, "bag": name, "errors": _object(rng, labels)}, indent=2, ensure_ascii=False)


def _listed(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return json.dumps([{"file": rng.choice(FILES), "message": one} for one in _several(rng, labels, 4)])


def _quoted(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return repr(FAULTS[labels[0]](rng))


def _colored(rng: random.Random, name: str, labels: tuple[str, ...]) -> str:
    return f"Checking {name}: 10 %\rChecking {name}: 100 %\r\n\x1b[31mERROR\x1b[0m {FAULTS[labels[0]](rng)}\n"


BAG_FORMS = {
    "ingest worker, piped": _piped,
    "ingest worker, lines": _lines,
    "numbered, CRLF": _crlf,
    "numbered with #": _numbered,
    "DART text": _text,
    "DART JSON": _json,
    "JSON, indented": _indented,
    "JSON, list": _listed,
    "quoted": _quoted,
    "colored": _colored,
}

S3 = {
    "NoSuchKey": "The key that was asked for does not exist.",
    "AccessDenied": "Access is denied",
    "SlowDown": "Reduce the rate of your requests.",
    "InternalError": "An internal problem occurred. Try again.",
    "RequestTimeout": "The connection was idle for {0} seconds.",
    "NoSuchBucket": "The bucket {1} does not exist",
    "EntityTooLarge": "The upload of {0}000000 bytes is larger than allowed",
}


def _s3_xml(rng: random.Random, code: str, message: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
        f"<Key>{rng.choice(FILES)}</Key><RequestId>{_digest(rng, 16).upper()}</RequestId><HostId>{_digest(rng, 40)}=</HostId></Error>"
    )


def _s3_boto(rng: random.Random, code: str, message: str) -> str:
    return f"An error occurred ({code}) when calling the {rng.choice(('GetObject', 'PutObject'))} operation: {message}"


def _s3_go(rng: random.Random, code: str, message: str) -> str:
    return f"{code}: {message}\n\tstatus code: {rng.choice((400, 403, 404, 503))}, request id: {_digest(rng, 16)}, host id: {_digest(rng, 30)}="


def _s3_java(rng: random.Random, code: str, message: str) -> str:
    return f"{message} (Service: Amazon S3; Status Code: 400; Error Code: {code}; Request ID: {_digest(rng, 16)}; Proxy: null)"


def _s3_bracket(rng: random.Random, code: str, message: str) -> str:
    return f"Upload of {rng.choice(FILES)} failed [{code}]: {message}"


PLATFORM: dict[str, dict[str, Say]] = {
    "container": {
        "memory": lambda rng: (
            f"Container {rng.choice(('ingest', 'validator', 'fetch'))}-{_digest(rng, 8)} was killed: out of memory at {rng.choice((4, 8, 16))} GiB"
        ),
        "signal": lambda rng: (
            f"Container apt-{rng.choice(('fetch', 'store'))}-{rng.randint(1, 99)} was stopped by signal 15"
        ),
        "deploy": lambda rng: f"Container ingest_{_digest(rng, 6)} was replaced by a newer version",
        "exit": lambda rng: f"Container worker-{_digest(rng, 6)} exited with code 137",
        "exit 1": lambda rng: f"Container worker-{_digest(rng, 6)} exited with code 1",
    },
    "log": {
        "space": lambda rng: _log(rng, f"No space left on /mnt/efs/{_digest(rng, 5)}"),
        "refused": lambda rng: _log(rng, f"Connection to 10.0.0.{rng.randint(1, 99)}:6379 was refused"),
        "digest": lambda rng: _log(rng, _mismatch(rng)),
    },
    "http": {
        "404": lambda rng: f"Server answered 404 to the request for https://example.org/{_digest(rng, 5)}",
        "503": lambda rng: f"Server answered 503 to the request for https://example.org/{_digest(rng, 5)}",
        "429": lambda rng: f"Server answered 429 to the request for https://example.org/{_digest(rng, 5)}",
    },
    "sentence": {
        "started": lambda rng: f"Item has started {rng.randint(3, 9)} times and never finished; giving up",
        "large": lambda rng: f"Bag has {rng.randint(60, 99)},000 files, which is more than a worker can hold",
        "title": lambda rng: f"Bag has no title in {rng.choice(('bag-info.txt', 'aptrust-info.txt'))}",
        "space": lambda rng: (
            f"No space left on the work volume: {rng.randint(40, 900)} GB are needed, {rng.randint(1, 39)} GB are free"
        ),
        "timeout": lambda rng: (
            f"S3 did not answer within {rng.choice((30, 60))} seconds, {rng.randint(3, 5)} times in a row"
        ),
    },
}


TRACEBACKS: dict[str, dict[str, Say]] = {
    "python traceback": {
        "space": lambda rng: f"OSError: [Errno 28] No space left on device: '/mnt/efs/{_digest(rng, 6)}/x y.tar'",
        "missing": lambda rng: f"FileNotFoundError: [Errno 2] No such file or directory: '/mnt/{rng.choice(FILES)}'",
        "key": lambda rng: f"KeyError: '{rng.choice(TAGS)}'",
        "timeout": lambda rng: (
            f"requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='s3.{rng.choice(('eu', 'us'))}.example.org', "
            f"port=443): Read timed out. (read timeout={rng.randint(10, 90)})"
        ),
        "404": lambda rng: f"HTTPError: 404 Client Error: Not Found for url: https://example.org/{rng.randint(1, 999)}",
        "503": lambda rng: (
            f"HTTPError: 503 Server Error: Unavailable for url: https://example.org/{rng.randint(1, 999)}"
        ),
        "memory": lambda rng: "MemoryError",
    },
    "java traceback": {
        "space": lambda rng: f"java.io.IOException: No space left on device: /mnt/{_digest(rng, 6)}",
        "null": lambda rng: "java.lang.NullPointerException",
        "timeout": lambda rng: f"java.net.SocketTimeoutException: Read timed out after {rng.randint(1, 90)} s",
        "missing": lambda rng: f"java.nio.file.NoSuchFileException: /mnt/{rng.choice(FILES)}",
    },
    "other traceback": {
        "space": lambda rng: f"no space left on device: /mnt/{_digest(rng, 6)}",
        "timeout": lambda rng: f"deadline exceeded after {rng.randint(1, 90)} s",
        "404": lambda rng: f"status 404 from https://example.org/{rng.randint(1, 999)}",
        "503": lambda rng: f"status 503 from https://example.org/{rng.randint(1, 999)}",
    },
    "other log": {
        "space": lambda rng: f"no space left on device: /mnt/{_digest(rng, 6)}",
        "digest": _mismatch,
        "404": lambda rng: f"status 404 from https://example.org/{rng.randint(1, 999)}",
    },
}


def _python_traceback(rng: random.Random, last: str) -> str:
    frames = "".join(
        f'  File "/app/{rng.choice(("ingest", "store"))}.py", line {rng.randint(1, 999)}, in run\n    work(item)\n'
        for _ in range(3)
    )
    return f"Traceback (most recent call last):\n{frames}{last}\n"


def _java_traceback(rng: random.Random, first: str) -> str:
    frames = "".join(
        f"\tat org.example.Worker{rng.randint(1, 9)}.run(Worker.java:{rng.randint(1, 999)})\n" for _ in range(4)
    )
    if rng.random() < 0.5:
        return f"java.lang.RuntimeException: stage failed\n{frames}Caused by: {first}\n{frames}\t... 12 more\n"
    return f'Exception in thread "worker-{rng.randint(1, 9)}" {first}\n{frames}'


def _other_traceback(rng: random.Random, text: str) -> str:
    """Of Rust, PHP, or .NET."""
    line = rng.randint(1, 999)
    return rng.choice(
        (
            f"thread 'main' panicked at src/a.rs:{line}:1:\n{text}\nnote: run with `RUST_BACKTRACE=1` for more",
            f"{text}\nStack trace:\n#0 /app/a.php({line}): run()\n#1 {{main}}\n  thrown in /app/a.php on line 3",
            f"{text}\n   at App.Worker.Run() in /src/A.cs:line {line}\n   at App.Main()",
        )
    )


def _other_log(rng: random.Random, text: str) -> str:
    """Of Ruby, Celery, a web server, or Go, with an error that follows from the first one."""
    time, pid = f"2026-11-{rng.randint(10, 29)}T10:{rng.randint(10, 59)}:07", rng.randint(1, 9999)
    forms: tuple[Callable[[str, str], str], ...] = (
        lambda level, message: f"{level[0]}, [{time}.123456 #{pid}] {level:>5} -- : {message}",
        lambda level, message: f"[{time},123: {level}/ForkPoolWorker-{pid}] {message}",
        lambda level, message: f"{time.replace('-', '/')} [{level.lower()}] {pid}#{pid}: {message}",
        lambda level, message: json.dumps({"level": level.lower(), "ts": 1.5 * pid, "msg": message}),
    )
    line = rng.choice(forms)
    return "\n".join([line("INFO", "start"), line("ERROR", text), line("ERROR", rng.choice(("giving up", "stopped")))])


def _as_it_is(rng: random.Random, text: str) -> str:
    return text


def _log(rng: random.Random, error: str) -> str:
    def at() -> str:
        return f"2026-11-{rng.randint(10, 29)} {rng.randint(10, 23)}:{rng.randint(10, 59)}:{rng.randint(10, 59)},{rng.randint(100, 999)}"

    return "\n".join(
        [
            f"{at()} - INFO - Opening {rng.choice(FILES)}",
            f"{at()} - WARNING - {rng.choice(('The disk is slow', 'Retrying', 'The clock is off'))}",
            f"{at()} - ERROR - {error}",
            f"{at()} - ERROR - {rng.choice(('Giving up', 'Stopped', 'The item goes back to the queue'))}",
        ]
    )


def notes(rounds: int) -> Iterator[tuple[str, str, str, str]]:
    rng = random.Random(15)
    pairs = [("digest", "missing"), ("tag", "unlisted"), ("manifest", "tag", "digest")]
    for form, make in BAG_FORMS.items():
        single = form in ("quoted", "colored")
        for labels in [(one,) for one in FAULTS] + ([] if single else pairs):
            for _ in range(rounds):
                name = rng.choice(NAMES)
                yield form, "+".join(sorted(labels)), name, make(rng, name, labels)
    for code, message in S3.items():
        for make_s3 in (_s3_xml, _s3_boto, _s3_go, _s3_java, _s3_bracket):
            name = rng.choice(NAMES)
            yield "S3", code, name, make_s3(rng, code, message.format(rng.randint(1, 99), rng.choice(("a.b-c", "x.y"))))
    for form, kinds in {**PLATFORM, **TRACEBACKS}.items():
        wrap = {
            "python traceback": _python_traceback,
            "java traceback": _java_traceback,
            "other traceback": _other_traceback,
            "other log": _other_log,
        }.get(form, _as_it_is)
        for label, say in kinds.items():
            for _ in range(rounds):
                yield form, label, rng.choice(NAMES), wrap(rng, say(rng))
