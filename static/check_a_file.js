// "Is this my file?": compares a file on the reader's computer with an etag. The file is read here, and nothing is sent.

import { MIB, USUAL, onePart, parseEtag, partSizes } from "./part_sizes.js";

const LANGUAGE = document.documentElement.lang;

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
  #file;
  #worker;

  constructor(root) {
    this.#root = root;
    this.#sentences = JSON.parse(root.dataset.sentences);
    this.#clients = JSON.parse(root.dataset.clients);
    this.#part("chooser").hidden = false;
    this.#part("file").addEventListener("change", ({ target }) => this.#take(target.files));
    this.#part("cancel").addEventListener("click", () => this.#cancel());
    this.#part("etag")?.addEventListener("change", () => { if (this.#file) this.#take([this.#file]); });
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
      this.#take(event.dataTransfer.files);
    });
  }

  #part(name) {
    return this.#root.querySelector(`[data-part="${name}"]`);
  }

  #say(name, values = {}) {
    return this.#sentences[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  }

  async #take(files) {
    const [file, ...more] = files; // before the field is cleared, which empties its list of files
    if (!file) return; // the dialog was closed, or what was dropped is a text
    this.#stop();
    this.#clear();
    this.#file = more.length ? undefined : file;
    if (!this.#file) return this.#show("no", this.#say("several"));
    this.#part("name").textContent = file.name;
    const text = this.#part("etag")?.value ?? this.#root.dataset.etag;
    const wanted = parseEtag(text);
    this.#part("etag")?.setAttribute("aria-invalid", String(Boolean(text.trim() && !wanted)));
    if (text.trim() && !wanted) return this.#show("no", this.#say("bad_etag"));
    try {
      if (wanted) await this.#compare(file, wanted);
      else await this.#list(file);
    } catch {
      this.#show("no", this.#say("failed"));
    }
  }

  async #compare(file, { etag, parts }) {
    const expected = this.#root.dataset.size;
    if (expected && Number(expected) !== file.size) {
      return this.#show("no", this.#say("size", { size: number(file.size), expected: number(Number(expected)) }));
    }
    const tried = [];
    for (const sizes of partSizes(file.size, parts)) {
      const found = (await this.#hash(file, sizes, tried.length ? "again" : "reading")).find((one) => one.etag === etag);
      if (found) return this.#show("yes", this.#match(file.size, found, parts));
      tried.push(...sizes);
    }
    this.#show("no", this.#mismatch(parts, tried));
    this.#part("encrypted").hidden = parts !== null;
  }

  #match(size, found, parts) {
    if (parts === null) return this.#say("plain");
    const clients = this.#clientsFor(size, found);
    const values = { clients: list(clients, "disjunction"), size: sizeWords(found.size) };
    return this.#say(`${parts === 1 ? "one_part" : "parts"}${clients.length ? "_by" : ""}`, values);
  }

  #mismatch(parts, tried) {
    if (parts === null || parts === 1) return this.#say("other");
    if (!tried.length) return this.#say("no_size", { parts: number(parts) });
    return this.#say("other_parts", { sizes: list(tried.map(sizeWords), "conjunction") });
  }

  /** The programs that send a file of this size in these parts, unless told otherwise. */
  #clientsFor(size, { size: part, parts }) {
    const sends = (client) => size >= client.smallest && (parts === 1 ? size <= client.part : client.part === part);
    return this.#clients.filter(sends).map((client) => client.name);
  }

  async #list(file) {
    const usual = USUAL.filter((part) => part < file.size).sort((a, b) => a - b);
    const etags = await this.#hash(file, [Infinity, onePart(file.size), ...usual], "reading");
    const body = this.#part("rows");
    for (const found of etags) {
      const row = this.#part("row").content.cloneNode(true);
      const names = found.size === Infinity ? [] : this.#clientsFor(file.size, found);
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

  /** The etags of a file for these part sizes. It never settles if the reader cancels. */
  #hash(file, sizes, sentence) {
    const worker = new Worker(this.#root.dataset.worker, { type: "module" });
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
        const values = { read: bytes(read), total: bytes(file.size), speed: bytes(speed) };
        this.#part("progress").value = read / file.size;
        this.#part("numbers").textContent = this.#say("numbers", values);
        // Screen readers hear of every quarter, not of every step.
        if (Math.floor((4 * read) / file.size) > quarters && read < file.size) {
          quarters = Math.floor((4 * read) / file.size);
          this.#part("quarters").textContent = this.#say("quarters", values);
        }
      });
      worker.postMessage({ file, sizes });
    });
  }

  #stop() {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#part("running").hidden = true;
  }

  #cancel() {
    this.#stop();
    this.#file = undefined;
    this.#clear();
    this.#show("", this.#say("cancelled"));
    this.#part("file").focus();
  }

  #clear() {
    for (const name of ["name", "numbers", "quarters", "rows", "outcome"]) this.#part(name).textContent = "";
    for (const name of ["etags", "encrypted"]) this.#part(name).hidden = true;
    this.#part("progress").value = 0;
    this.#part("file").value = ""; // so that choosing the same file again counts as a change
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
