// Reads a file in the background and works out its etags. Nothing leaves the browser.
//
// In: { file, sizes }, the part sizes in bytes, Infinity for the whole file in one part. Sizes are multiples of 64.
// Out: { read } now and then, the bytes so far; at the end { etags }, [{ size, parts, etag }]; or { failed: true } if the
// file can't be read.

import { Md5, hex, md5 } from "./md5.js";

const BLOCK = 64;
const CHUNK = 4 * 2 ** 20; // bytes read at once
const REPORT_INTERVAL = 100; // milliseconds

/** The MD5 of every part, for several part sizes. Parts that begin at the same place share one hash. */
class PartHashes {
  #splits;
  #hashes = new Map([[0, new Md5()]]); // {where an unfinished part begins: the hash of what has been read of it}
  #position = 0;

  constructor(sizes) {
    this.#splits = sizes.map((size) => ({ size, start: 0, digests: [] }));
  }

  /** Adds a chunk. Only the last one of a file can end within a block of 64 bytes. */
  add(buffer) {
    const whole = buffer.byteLength - (buffer.byteLength % BLOCK);
    const words = new Int32Array(buffer, 0, whole / 4);
    for (let from = 0; from < whole;) {
      const to = Math.min(whole, from + this.#nextEnd() - this.#position);
      for (const hash of this.#hashes.values()) hash.update(words, from / 4, to / 4);
      this.#position += to - from;
      from = to;
      this.#finishParts();
    }
    return new Uint8Array(buffer, whole);
  }

  /** The etags, in the order of the sizes. `rest` is what the last chunk holds after its last whole block. */
  etags(rest) {
    const end = this.#position + rest.length;
    return this.#splits.map(({ size, start, digests }) => {
      const all = start < end || !end ? [...digests, this.#hashes.get(start).digest(rest)] : digests;
      if (size === Infinity) return { size, parts: 1, etag: hex(all[0]) };
      const joined = new Uint8Array(16 * all.length);
      all.forEach((digest, index) => joined.set(digest, 16 * index));
      return { size, parts: all.length, etag: `${hex(md5(joined))}-${all.length}` };
    });
  }

  #nextEnd() {
    return Math.min(...this.#splits.map(({ size, start }) => start + size));
  }

  #finishParts() {
    const finished = this.#splits.filter(({ size, start }) => start + size === this.#position);
    if (!finished.length) return;
    for (const split of finished) {
      split.digests.push(this.#hashes.get(split.start).digest());
      split.start = this.#position;
    }
    this.#hashes.set(this.#position, new Md5());
    const starts = new Set(this.#splits.map(({ start }) => start));
    for (const start of this.#hashes.keys()) if (!starts.has(start)) this.#hashes.delete(start);
  }
}

async function work({ file, sizes }) {
  const read = (start) => file.slice(start, start + CHUNK).arrayBuffer();
  const hashes = new PartHashes(sizes);
  let rest = new Uint8Array();
  let reportedAt = -Infinity;
  let next = read(0);
  for (let start = 0; start < file.size; start += CHUNK) {
    const chunk = await next;
    next = start + CHUNK < file.size ? read(start + CHUNK) : null; // read while this one is being hashed
    rest = hashes.add(chunk);
    if (performance.now() - reportedAt > REPORT_INTERVAL) {
      reportedAt = performance.now();
      postMessage({ read: Math.min(start + CHUNK, file.size) });
    }
  }
  postMessage({ etags: hashes.etags(rest) });
}

addEventListener("message", ({ data }) => {
  work(data).catch(() => postMessage({ failed: true }));
});
