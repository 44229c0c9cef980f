"""`make check-pages`: checks the HTML of every page, in both languages and for every role, and of emails and images.

`fetch_pages.py` renders the pages, from a temporary database with the demo and one item in every state. The checkers are
html-validate and the Nu HTML checker, which the W3C's validator uses. npm installs both into .cache/ in the versions below. The
Nu checker needs Java (Debian: apt-get install default-jre-headless). The pages stay in .cache/pages/.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / ".cache" / "page-checkers"
PAGES = ROOT / ".cache" / "pages"
VERSIONS = {"html-validate": "10.15.0", "vnu-jar": "26.9.27"}  # the first: the last one that Node 20 runs
# What differs from one drawing of a page to the next, and says nothing of its HTML.
OF_ONE_DRAWING = re.compile(r'(?<=name="csrfmiddlewaretoken" value=")\w+|<p class="print-only">.*?</p>', re.DOTALL)


def main() -> int:
    for tool, package in (("npm", "npm"), ("java", "default-jre-headless")):
        if shutil.which(tool) is None:
            say(f"There is no {tool} here (Debian: apt-get install {package}).")
            return 2
    install()
    pages = fetch_all()
    found = {"html-validate": html_validate(), "Nu": nu(), "rules.py": ours()}
    return report(pages, found)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def install() -> None:
    """Installs the checkers unless they are installed in these versions. Their install scripts, which download more, don't run."""
    if all(installed(package) == version for package, version in VERSIONS.items()):
        return
    say("Installing the checkers …")
    TOOLS.mkdir(parents=True, exist_ok=True)
    wanted = [f"{package}@{version}" for package, version in VERSIONS.items()]
    quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(["npm", "install", "--prefix", str(TOOLS), *quiet, *wanted], check=True)


def installed(package: str) -> str | None:
    described = TOOLS / "node_modules" / package / "package.json"
    return json.loads(described.read_text())["version"] if described.is_file() else None


# The pages


def fetch_all() -> dict[str, str]:
    """Writes every page, email, and image to PAGES. Returns {file: kind}; identical pages count once."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir(parents=True)
    kinds: dict[str, str] = {}
    known: set[str] = set()
    index = PAGES.with_suffix(".txt").open("w")
    for picture in sorted((ROOT / "static").glob("*.svg")):
        kinds[picture.name] = "pictures"
        shutil.copy(picture, PAGES)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from tests.markup.fetch_pages import every_page

    for seen in every_page(say):
        if (html := OF_ONE_DRAWING.sub("", seen.html)) in known:
            continue
        known.add(html)
        name = f"{len(known):04}-{re.sub(r'[^a-z0-9]+', '-', seen.kind)}.html"
        kinds[name] = seen.kind
        (PAGES / name).write_text(seen.html)
        index.write(f"{name}\t{seen}\n")
    index.close()
    say(f"{len(known)} different pages of {len(set(kinds.values()))} kinds.")
    return kinds


# The checkers; each gives (file, what it says) of everything that it finds


def html_validate() -> list[tuple[str, str]]:
    say("html-validate …")
    config = Path(__file__).with_name("html-validate.config.mjs")
    command = [str(TOOLS / "node_modules/.bin/html-validate"), "--config", str(config), "--ext", "html"]
    # Into a file: it ends before all of it has gone through a pipe.
    told = TOOLS / "html-validate.json"
    command += ["--formatter", f"json={told}", str(PAGES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return [
        (Path(page["filePath"]).name, f"{message['ruleId']}: {message['message']} (line {message['line']})")
        for page in json.loads(told.read_text())
        for message in page["messages"]
    ]


def nu() -> list[tuple[str, str]]:
    say("The Nu HTML checker …")
    jar = TOOLS / "node_modules/vnu-jar/build/dist/vnu.jar"
    command = ["java", "-Xss4m", "-jar", str(jar), "--format", "json", "--also-check-svg", "--stdout", str(PAGES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return [
        (message["url"].rsplit("/", 1)[1], f"{message['message']} (line {message.get('lastLine', '?')})")
        for message in json.loads(done.stdout)["messages"]
    ]


def ours() -> list[tuple[str, str]]:
    """Runs the quick checker of the tests on every page."""
    from tests.markup.rules import faults

    return [(page.name, fault) for page in sorted(PAGES.glob("*.html")) for fault in faults(page.read_text())]


# The summary


def report(pages: dict[str, str], found: dict[str, list[tuple[str, str]]]) -> int:
    """Prints how many problems each checker found, by kind of page. Returns the exit status."""
    counts = {checker: Counter(pages[file] for file, _said in said) for checker, said in found.items()}
    rows = [("page kind", "pages", *found)]
    for kind, number in sorted(Counter(pages.values()).items()):
        rows.append((kind, str(number), *(str(counts[checker][kind]) for checker in found)))
    rows.append(("all", str(len(pages)), *(str(len(said)) for said in found.values())))
    for kind, *numbers in rows:
        say(f"{kind:40}" + "".join(f"{number:>15}" for number in numbers))
    for checker, said in found.items():
        for sentence, files in sorted(grouped(said).items(), key=lambda one: -len(one[1])):
            say(f"\n{checker}, {len(files)} times: {sentence}\n    first in {files[0]}")
    number = sum(map(len, found.values()))
    say(f"\n{number} errors; the pages are in {PAGES.relative_to(ROOT)}/, and who was sent each in {PAGES.name}.txt.")
    return 1 if number else 0


def grouped(said: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Returns {problem without line numbers and quoted values: files and lines}."""
    groups = defaultdict(list)
    for file, sentence in said:
        alike = re.sub(r"“[^”]*”|\"[^\"]*\"| \(line .*", "…", sentence)
        groups[alike].append(f"{file}: {sentence}")
    return groups


if __name__ == "__main__":
    sys.exit(main())
