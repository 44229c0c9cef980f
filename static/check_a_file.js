// "Is this my file?": compares a file on the reader's computer with an etag. The file is read here, and nothing is sent.

const MIB = 2 ** 20;
const USUAL = [5, 8, 15, 50, 64, 16, 10, 25, 100].map((mib) => mib * MIB);
const POWERS_OF_TWO = Array.from({ length: 17 }, (_, n) => 2 ** (n + 16)); // 64 KiB to 4 GiB
const LARGEST_MIB = 5 * 1024; // S3 takes no larger parts
const ROUND = [128, 100, 64, 50, 32, 25, 20, 16, 10, 8, 5, 4, 2, 1];
// How many bytes are hashed to try unusual sizes, unless that would be fewer than four sizes.
const MOST_TO_HASH = 8 * 2 ** 30;

const ETAG = /^(?:W\/)?("?)(?<digits>[0-9a-f]{32}(?:-(?<parts>[1-9][0-9]{0,5}))?)\1$/i;

const LANGUAGE = document.documentElement.lang;

/** { etag, parts } of an etag as storage services list it: in quotes, weak, in capitals. A plain MD5 has null parts. */
function parseEtag(text) {
  const found = ETAG.exec(text.trim());
  if (!found) return null;
  const { digits, parts } = found.groups;
  return { etag: digits.toLowerCase(), parts: parts === undefined ? null : Number(parts) };
}

/** A part size with which a file is sent in one part; its etag is the same with any of them. */
const onePart = (size) => MIB * Math.ceil(size / MIB + 1);

/** The part sizes to try, in bytes, a list for each reading of the file: the usual ones that give so many parts, others. */
export function partSizes(size, parts) {
  if (parts === null) return [[Infinity]];
  if (parts === 1) return [[onePart(size)]];
  const fits = (part) => Math.ceil(size / part) === parts;
  const usual = [...new Set([...USUAL, ...POWERS_OF_TWO])].filter(fits);
  const others = [];
  for (let mib = Math.ceil(size / parts / MIB) || 1; mib <= LARGEST_MIB && fits(mib * MIB); mib++) {
    if (!usual.includes(mib * MIB)) others.push(mib);
  }
  const roundness = (mib) => ROUND.find((step) => mib % step === 0);
  others.sort((one, other) => roundness(other) - roundness(one));
  const tried = others.slice(0, Math.max(4, Math.floor(MOST_TO_HASH / size))).map((mib) => mib * MIB);
  return [usual, tried].filter((sizes) => sizes.length);
}

const number = (value, digits = 0) => new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: digits }).format(value);

function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  return `${number(value, unit && value < 99.95 ? 1 : 0)}\u00a0${units[unit]}`;
}

const sizeWords = (size) => (size < MIB ? `${size / 1024}\u00a0KiB` : `${number(size / MIB)}\u00a0MiB`);
const list = (words, type) => new Intl.ListFormat(LANGUAGE, { type }).format(words);

class FileCheck {
  #root;
  #sentences;
  #clients;
  #chosen; // { file, length }, its length when it was chosen
  #worker;

  constructor(root) {
    this.#root = root;
    this.#sentences = JSON.parse(root.dataset.sentences);
    this.#clients = JSON.parse(root.dataset.clients);
    this.#part("chooser").hidden = false;
    this.#part("no-script").hidden = true;
    const field = this.#part("file");
    field.addEventListener("click", () => { field.value = ""; }); // so that choosing the same file again is a change
    field.addEventListener("change", () => this.#take(field.files));
    this.#part("cancel").addEventListener("click", () => this.#cancel());
    this.#part("etag")?.addEventListener("change", () => { if (this.#chosen) this.#check(); });
    for (const name of ["dragenter", "dragover"]) {
      root.addEventListener(name, (event) => {
        event.preventDefault();
        root.classList.add("is-over");
      });
    }
    root.addEventListener("dragleave", (event) => {
      if (!root.contains(event.relatedTarget)) root.classList.remove("is-over");
    });
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("is-over");
      field.files = event.dataTransfer.files; // so that the field names it, too
      this.#take(event.dataTransfer.files);
    });
  }

  #part(name) {
    return this.#root.querySelector(`[data-part="${name}"]`);
  }

  #say(name, values = {}) {
    return this.#sentences[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  }

  #take(files) {
    const [file, ...more] = files;
    if (!file) return; // the dialog was closed, or what was dropped is a text
    this.#chosen = more.length ? undefined : { file, length: file.size };
    this.#clear();
    if (this.#chosen) this.#check();
    else this.#show("no", this.#say("several"));
  }

  async #check() {
    this.#clear();
    this.#part("name").textContent = this.#chosen.file.name;
    const text = (this.#part("etag")?.value ?? this.#root.dataset.etag).trim();
    const wanted = parseEtag(text);
    this.#part("etag")?.setAttribute("aria-invalid", String(text !== "" && !wanted));
    if (text && !wanted) return this.#show("no", this.#say("bad_etag"));
    try {
      if (wanted) await this.#compare(wanted);
      else await this.#list();
    } catch {
      this.#show("no", this.#say("failed"));
    }
  }

  async #compare({ etag, parts }) {
    const { length } = this.#chosen;
    const expected = this.#root.dataset.size;
    if (expected && Number(expected) !== length) {
      return this.#show("no", this.#say("size", { size: number(length), expected: number(Number(expected)) }));
    }
    const tried = [];
    for (const sizes of partSizes(length, parts)) {
      const found = (await this.#hash(sizes, tried.length ? "again" : "reading")).find((one) => one.etag === etag);
      if (found) return this.#show("yes", this.#match(length, found, parts));
      tried.push(...sizes);
    }
    this.#show("no", this.#mismatch(parts, tried));
    this.#part("encrypted").hidden = parts > 1;
  }

  #match(length, found, parts) {
    if (parts === null) return this.#say("plain");
    const clients = this.#clientsFor(length, found);
    const values = { clients: list(clients, "disjunction"), size: sizeWords(found.size) };
    return this.#say(`${parts === 1 ? "one_part" : "parts"}${clients.length ? "_by" : ""}`, values);
  }

  #mismatch(parts, tried) {
    if (parts === null || parts === 1) return this.#say("other");
    if (!tried.length) return this.#say("no_size", { parts: number(parts) });
    return this.#say("other_parts", { sizes: list(tried.map(sizeWords), "conjunction") });
  }

  /** The programs that send a file of this length in these parts, unless told otherwise. */
  #clientsFor(length, { size, parts }) {
    const sends = ({ smallest, part }) => length >= smallest && (parts === 1 ? length <= part : size === part);
    return this.#clients.filter(sends).map((client) => client.name);
  }

  async #list() {
    const { length } = this.#chosen;
    const usual = USUAL.filter((part) => part < length).sort((a, b) => a - b);
    const etags = await this.#hash([Infinity, onePart(length), ...usual], "reading");
    const body = this.#part("rows");
    for (const found of etags) {
      const row = this.#part("row").content.cloneNode(true);
      const names = found.size === Infinity ? [] : this.#clientsFor(length, found);
      const name = found.size === Infinity ? "row_plain" : found.parts === 1 ? "row_one_part" : "row_parts";
      const suffix = names.length ? ` (${list(names, "disjunction")})` : "";
      row.querySelector("th").textContent = this.#say(name, { size: sizeWords(found.size) }) + suffix;
      row.querySelector("code").textContent = found.etag;
      row.querySelector("a").href += `?q=${found.etag}`;
      row.querySelector("a span").textContent = ` ${found.etag}`;
      body.append(row);
    }
    this.#part("etags").hidden = false;
    this.#show("", this.#say("listed"));
  }

  /** The etags of the file for these part sizes. It never settles if the reader cancels. */
  #hash(sizes, sentence) {
    const { file, length } = this.#chosen;
    const worker = new Worker(this.#root.dataset.worker);
    const startedAt = performance.now();
    let quarters = 0;
    this.#worker = worker;
    this.#part("running").hidden = false;
    this.#show("", this.#say(sentence));
    return new Promise((resolve, reject) => {
      worker.addEventListener("error", () => reject(new Error("the worker didn't start")));
      worker.addEventListener("message", ({ data: { read, etags } }) => {
        if (read === undefined) {
          this.#stop();
          if (etags) resolve(etags);
          else reject(new Error("the file can't be read"));
          return;
        }
        const speed = (1000 * read) / (performance.now() - startedAt);
        const values = { read: bytes(read), total: bytes(length), speed: bytes(speed) };
        this.#part("progress").value = read / length;
        this.#part("numbers").textContent = this.#say("numbers", values);
        // Screen readers hear of every quarter, not of every step.
        if (Math.floor((4 * read) / length) > quarters && read < length) {
          quarters = Math.floor((4 * read) / length);
          this.#part("quarters").textContent = this.#say("quarters", values);
        }
      });
      worker.postMessage({ file, length, sizes });
    });
  }

  #stop() {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#part("running").hidden = true;
  }

  #cancel() {
    this.#chosen = undefined;
    this.#part("file").value = "";
    this.#clear();
    this.#show("", this.#say("cancelled"));
    this.#part("file").focus();
  }

  #clear() {
    this.#stop();
    for (const name of ["name", "numbers", "quarters", "rows", "outcome"]) this.#part(name).textContent = "";
    for (const name of ["etags", "encrypted"]) this.#part(name).hidden = true;
    this.#part("progress").value = 0;
  }

  /** Shows a sentence. `answer` is yes, no, or blank while there is none. */
  #show(answer, sentence) {
    this.#part("outcome").dataset.answer = answer;
    this.#part("outcome").textContent = sentence;
  }
}

for (const root of document.querySelectorAll("[data-file-check]")) new FileCheck(root);

// The link beside an item's etag leads to the folded panel.
const panel = document.querySelector("details.file-check-panel");
const openPanel = () => { if (panel && location.hash === `#${panel.id}`) panel.open = true; };
addEventListener("hashchange", openPanel);
openPanel();
