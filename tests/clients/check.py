"""`make check-clients`: makes clients from the OpenAPI documents of a running server, and lets each read, walk, and save.

Four generators, in the versions below, are installed into .cache/client-generators/: openapi-python-client, openapi-generator for
Python and for TypeScript's fetch (it needs Java), and openapi-fetch. TypeScript checks the types of what its clients do.
What each client does is in use_*.py and use_*.ts; it ends with an error where an answer is not as it should be.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django  # noqa: E402

django.setup()

from tests.separate_server import Person, create_test_data  # noqa: E402
from tests.serving import server  # noqa: E402

TOOLS = ROOT / ".cache" / "client-generators"
BIN = TOOLS / "bin"
PYTHON = ["openapi-python-client==0.29.1", "openapi-generator-cli==7.26.0"]
NODE = ["typescript@5.9.3", "openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "@types/node@20.19.0"]


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def run(*command: object, where: Path, **variables: str) -> None:
    """Runs a command. Raises SystemExit with what it printed if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=where,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def install() -> None:
    """Installs the generators unless they are installed in these versions."""
    wanted = "\n".join([*PYTHON, *NODE])
    known = TOOLS / "installed"
    if known.is_file() and known.read_text() == wanted:
        return
    say("Installing the generators …")
    shutil.rmtree(TOOLS, ignore_errors=True)
    run(sys.executable, "-m", "venv", TOOLS, where=ROOT)
    run(BIN / "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON, where=ROOT)
    quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    run("npm", "install", "--prefix", TOOLS, *quiet, *NODE, where=ROOT)
    known.write_text(wanted)


def make_openapi_python_client(folder: Path) -> None:
    settings = folder / "settings.yml"
    settings.write_text("package_name_override: made_by_openapi_python_client\npost_hooks: []\n")
    made = folder / "made_by_openapi_python_client"
    run(
        *("openapi-python-client", "generate", "--path", "v2.json", "--meta", "none", "--fail-on-warning"),
        *("--config", settings, "--output-path", made),
        where=folder,
    )


def make_openapi_generator(folder: Path) -> None:
    options = "packageName=made_by_openapi_generator,generateSourceCodeOnly=true"
    generate = ("openapi-generator-cli", "generate", "-g", "python", "-i", "v3.json")
    run(*generate, "-o", folder, f"--additional-properties={options}", where=folder)
    run(BIN / "pip", "install", "--quiet", "--disable-pip-version-check", *GENERATED_NEEDS, where=folder)


def make_typescript_fetch(folder: Path) -> None:
    made = folder / "made_by_typescript_fetch"
    run("openapi-generator-cli", "generate", "-g", "typescript-fetch", "-i", "v2.json", "-o", made, where=folder)


def make_openapi_fetch(folder: Path) -> None:
    made = folder / "made_by_openapi_typescript.d.ts"
    run(TOOLS / "node_modules/.bin/openapi-typescript", "v3.json", "-o", made, where=folder)


GENERATED_NEEDS = ["urllib3>=2.1,<3", "python-dateutil>=2.8.2", "pydantic>=2.11", "typing-extensions>=4.7.1"]
CLIENTS: dict[str, Callable[[Path], None]] = {
    "use_openapi_python_client.py": make_openapi_python_client,
    "use_openapi_generator.py": make_openapi_generator,
    "use_typescript_fetch.ts": make_typescript_fetch,
    "use_openapi_fetch.ts": make_openapi_fetch,
}


def use(name: str, folder: Path, url: str, person: Person) -> None:
    """Runs a client's script beside what was made for it."""
    shutil.copy(HERE / name, folder)
    who = {"SERVER": url, "EMAIL": person.email, "KEY": person.secret}
    if name.endswith(".py"):
        run(BIN / "python", name, where=folder, **who)
        return
    (folder / "node_modules").symlink_to(TOOLS / "node_modules")
    strict = ("--strict", "--skipLibCheck", "--target", "es2022", "--module", "node16", "--moduleResolution", "node16")
    run(TOOLS / "node_modules/.bin/tsc", *strict, "--types", "node", "--outDir", "compiled", name, where=folder)
    run("node", f"compiled/{Path(name).stem}.js", where=folder, **who)


def main() -> int:
    for tool, package in (("npm", "npm"), ("java", "default-jre-headless")):
        if shutil.which(tool) is None:
            say(f"There is no {tool} here (Debian: apt-get install {package}).")
            return 2
    install()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="clients-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'clients.sqlite3'}"
        people = create_test_data(url)
        with server(url) as running:
            for client, make in CLIENTS.items():
                own = folder / Path(client).stem
                own.mkdir()
                for version in ("v2", "v3"):
                    with urllib.request.urlopen(f"{running.url}/api/docs/{version}.json", timeout=60) as document:  # noqa: S310  our own server
                        (own / f"{version}.json").write_bytes(document.read())
                try:
                    make(own)
                    use(client, own, running.url, people["wally"])
                    say(f"{client:34}read, walked, saved")
                except SystemExit as error:
                    failed += 1
                    say(f"{client:34}FAILED\n{error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
