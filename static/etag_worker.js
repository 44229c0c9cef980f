// Reads a file in the background and works out its etags. Nothing leaves the browser. It imports nothing, so that its file
// name can be hashed.
//
// In: { file, length, sizes }: its length when it was chosen, since that of a file that is gone is 0; the part sizes in
// bytes, all of them multiples of 64, or Infinity for the whole file in one part.
// Out: { read } now and then, the bytes so far; at the end { etags }, [{ size, parts, etag }]; or { failed: true } if the
// file can't be read.

const BLOCK = 64; // bytes that MD5 takes at once
const CHUNK = 4 * 2 ** 20; // bytes read at once
const CHUNKS_AHEAD = 3; // read while another one is being hashed
const REPORT_INTERVAL = 100; // milliseconds

// MD5 (RFC 1321), which S3 uses for etags and browsers don't have. Typed arrays use the byte order of the machine, and every
// machine that browsers run on has that of MD5, the low byte first.

/** The hash of a text that arrives in pieces. All pieces but the last have whole blocks of 64 bytes. */
class Md5 {
  #state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  #length = 0; // bytes so far

  /** Adds the whole blocks in `words` (an Int32Array), from the index `start` up to `end`. */
  update(words, start, end) {
    addBlocks(this.#state, words, start, end);
    this.#length += 4 * (end - start);
  }

  /** The hash of what was added and the bytes of `rest` after it (fewer than a block). More can be added afterwards. */
  digest(rest = new Uint8Array()) {
    const bits = 8 * (this.#length + rest.length);
    const padded = new Uint8Array(rest.length < BLOCK - 8 ? BLOCK : 2 * BLOCK);
    padded.set(rest);
    padded[rest.length] = 0x80;
    const words = new Int32Array(padded.buffer);
    words[words.length - 2] = bits % 2 ** 32;
    words[words.length - 1] = Math.floor(bits / 2 ** 32);
    const state = this.#state.slice();
    addBlocks(state, words, 0, words.length);
    return new Uint8Array(state.buffer);
  }
}

/** The hash of an array of bytes. */
function md5(bytes) {
  const length = bytes.length - (bytes.length % BLOCK);
  const hash = new Md5();
  hash.update(new Int32Array(bytes.slice(0, length).buffer), 0, length / 4);
  return hash.digest(bytes.subarray(length));
}

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

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

async function work({ file, length, sizes }) {
  const read = (start) => file.slice(start, start + CHUNK).arrayBuffer().catch(() => null);
  const hashes = new PartHashes(sizes);
  let rest = new Uint8Array();
  let reportedAt = -Infinity;
  const ahead = [];
  for (let start = 0, asked = 0; start < length; start += CHUNK) {
    for (; asked < length && ahead.length <= CHUNKS_AHEAD; asked += CHUNK) ahead.push(read(asked));
    const chunk = await ahead.shift();
    const end = Math.min(start + CHUNK, length);
    if (chunk?.byteLength !== end - start) throw new Error("the file can't be read, or it has become shorter");
    rest = hashes.add(chunk);
    if (performance.now() - reportedAt > REPORT_INTERVAL) {
      reportedAt = performance.now();
      postMessage({ read: end });
    }
  }
  postMessage({ etags: hashes.etags(rest) });
}

addEventListener("message", ({ data }) => {
  work(data).catch(() => postMessage({ failed: true }));
});

// Written out, because a loop over the 64 steps, or a function for each, takes several times as long. In each step, what
// the step before has set is used last, so that the processor waits
// less. The numbers are the integer parts of 2**32 * abs(sin(n)), for n from 1 to 64, as signed ones.
function addBlocks(state, words, start, end) {
  let [a, b, c, d] = state;
  for (let i = start; i < end; i += BLOCK / 4) {
    const a0 = a, b0 = b, c0 = c, d0 = d;

    a = (a + words[i] - 680876936 + (d ^ (b & (c ^ d)))) | 0; a = (((a << 7) | (a >>> 25)) + b) | 0;
    d = (d + words[i + 1] - 389564586 + (c ^ (a & (b ^ c)))) | 0; d = (((d << 12) | (d >>> 20)) + a) | 0;
    c = (c + words[i + 2] + 606105819 + (b ^ (d & (a ^ b)))) | 0; c = (((c << 17) | (c >>> 15)) + d) | 0;
    b = (b + words[i + 3] - 1044525330 + (a ^ (c & (d ^ a)))) | 0; b = (((b << 22) | (b >>> 10)) + c) | 0;
    a = (a + words[i + 4] - 176418897 + (d ^ (b & (c ^ d)))) | 0; a = (((a << 7) | (a >>> 25)) + b) | 0;
    d = (d + words[i + 5] + 1200080426 + (c ^ (a & (b ^ c)))) | 0; d = (((d << 12) | (d >>> 20)) + a) | 0;
    c = (c + words[i + 6] - 1473231341 + (b ^ (d & (a ^ b)))) | 0; c = (((c << 17) | (c >>> 15)) + d) | 0;
    b = (b + words[i + 7] - 45705983 + (a ^ (c & (d ^ a)))) | 0; b = (((b << 22) | (b >>> 10)) + c) | 0;
    a = (a + words[i + 8] + 1770035416 + (d ^ (b & (c ^ d)))) | 0; a = (((a << 7) | (a >>> 25)) + b) | 0;
    d = (d + words[i + 9] - 1958414417 + (c ^ (a & (b ^ c)))) | 0; d = (((d << 12) | (d >>> 20)) + a) | 0;
    c = (c + words[i + 10] - 42063 + (b ^ (d & (a ^ b)))) | 0; c = (((c << 17) | (c >>> 15)) + d) | 0;
    b = (b + words[i + 11] - 1990404162 + (a ^ (c & (d ^ a)))) | 0; b = (((b << 22) | (b >>> 10)) + c) | 0;
    a = (a + words[i + 12] + 1804603682 + (d ^ (b & (c ^ d)))) | 0; a = (((a << 7) | (a >>> 25)) + b) | 0;
    d = (d + words[i + 13] - 40341101 + (c ^ (a & (b ^ c)))) | 0; d = (((d << 12) | (d >>> 20)) + a) | 0;
    c = (c + words[i + 14] - 1502002290 + (b ^ (d & (a ^ b)))) | 0; c = (((c << 17) | (c >>> 15)) + d) | 0;
    b = (b + words[i + 15] + 1236535329 + (a ^ (c & (d ^ a)))) | 0; b = (((b << 22) | (b >>> 10)) + c) | 0;

    a = (a + words[i + 1] - 165796510 + (c & ~d) + (b & d)) | 0; a = (((a << 5) | (a >>> 27)) + b) | 0;
    d = (d + words[i + 6] - 1069501632 + (b & ~c) + (a & c)) | 0; d = (((d << 9) | (d >>> 23)) + a) | 0;
    c = (c + words[i + 11] + 643717713 + (a & ~b) + (d & b)) | 0; c = (((c << 14) | (c >>> 18)) + d) | 0;
    b = (b + words[i] - 373897302 + (d & ~a) + (c & a)) | 0; b = (((b << 20) | (b >>> 12)) + c) | 0;
    a = (a + words[i + 5] - 701558691 + (c & ~d) + (b & d)) | 0; a = (((a << 5) | (a >>> 27)) + b) | 0;
    d = (d + words[i + 10] + 38016083 + (b & ~c) + (a & c)) | 0; d = (((d << 9) | (d >>> 23)) + a) | 0;
    c = (c + words[i + 15] - 660478335 + (a & ~b) + (d & b)) | 0; c = (((c << 14) | (c >>> 18)) + d) | 0;
    b = (b + words[i + 4] - 405537848 + (d & ~a) + (c & a)) | 0; b = (((b << 20) | (b >>> 12)) + c) | 0;
    a = (a + words[i + 9] + 568446438 + (c & ~d) + (b & d)) | 0; a = (((a << 5) | (a >>> 27)) + b) | 0;
    d = (d + words[i + 14] - 1019803690 + (b & ~c) + (a & c)) | 0; d = (((d << 9) | (d >>> 23)) + a) | 0;
    c = (c + words[i + 3] - 187363961 + (a & ~b) + (d & b)) | 0; c = (((c << 14) | (c >>> 18)) + d) | 0;
    b = (b + words[i + 8] + 1163531501 + (d & ~a) + (c & a)) | 0; b = (((b << 20) | (b >>> 12)) + c) | 0;
    a = (a + words[i + 13] - 1444681467 + (c & ~d) + (b & d)) | 0; a = (((a << 5) | (a >>> 27)) + b) | 0;
    d = (d + words[i + 2] - 51403784 + (b & ~c) + (a & c)) | 0; d = (((d << 9) | (d >>> 23)) + a) | 0;
    c = (c + words[i + 7] + 1735328473 + (a & ~b) + (d & b)) | 0; c = (((c << 14) | (c >>> 18)) + d) | 0;
    b = (b + words[i + 12] - 1926607734 + (d & ~a) + (c & a)) | 0; b = (((b << 20) | (b >>> 12)) + c) | 0;

    a = (a + words[i + 5] - 378558 + (c ^ d ^ b)) | 0; a = (((a << 4) | (a >>> 28)) + b) | 0;
    d = (d + words[i + 8] - 2022574463 + (b ^ c ^ a)) | 0; d = (((d << 11) | (d >>> 21)) + a) | 0;
    c = (c + words[i + 11] + 1839030562 + (a ^ b ^ d)) | 0; c = (((c << 16) | (c >>> 16)) + d) | 0;
    b = (b + words[i + 14] - 35309556 + (d ^ a ^ c)) | 0; b = (((b << 23) | (b >>> 9)) + c) | 0;
    a = (a + words[i + 1] - 1530992060 + (c ^ d ^ b)) | 0; a = (((a << 4) | (a >>> 28)) + b) | 0;
    d = (d + words[i + 4] + 1272893353 + (b ^ c ^ a)) | 0; d = (((d << 11) | (d >>> 21)) + a) | 0;
    c = (c + words[i + 7] - 155497632 + (a ^ b ^ d)) | 0; c = (((c << 16) | (c >>> 16)) + d) | 0;
    b = (b + words[i + 10] - 1094730640 + (d ^ a ^ c)) | 0; b = (((b << 23) | (b >>> 9)) + c) | 0;
    a = (a + words[i + 13] + 681279174 + (c ^ d ^ b)) | 0; a = (((a << 4) | (a >>> 28)) + b) | 0;
    d = (d + words[i] - 358537222 + (b ^ c ^ a)) | 0; d = (((d << 11) | (d >>> 21)) + a) | 0;
    c = (c + words[i + 3] - 722521979 + (a ^ b ^ d)) | 0; c = (((c << 16) | (c >>> 16)) + d) | 0;
    b = (b + words[i + 6] + 76029189 + (d ^ a ^ c)) | 0; b = (((b << 23) | (b >>> 9)) + c) | 0;
    a = (a + words[i + 9] - 640364487 + (c ^ d ^ b)) | 0; a = (((a << 4) | (a >>> 28)) + b) | 0;
    d = (d + words[i + 12] - 421815835 + (b ^ c ^ a)) | 0; d = (((d << 11) | (d >>> 21)) + a) | 0;
    c = (c + words[i + 15] + 530742520 + (a ^ b ^ d)) | 0; c = (((c << 16) | (c >>> 16)) + d) | 0;
    b = (b + words[i + 2] - 995338651 + (d ^ a ^ c)) | 0; b = (((b << 23) | (b >>> 9)) + c) | 0;

    a = (a + words[i] - 198630844 + (c ^ (b | ~d))) | 0; a = (((a << 6) | (a >>> 26)) + b) | 0;
    d = (d + words[i + 7] + 1126891415 + (b ^ (a | ~c))) | 0; d = (((d << 10) | (d >>> 22)) + a) | 0;
    c = (c + words[i + 14] - 1416354905 + (a ^ (d | ~b))) | 0; c = (((c << 15) | (c >>> 17)) + d) | 0;
    b = (b + words[i + 5] - 57434055 + (d ^ (c | ~a))) | 0; b = (((b << 21) | (b >>> 11)) + c) | 0;
    a = (a + words[i + 12] + 1700485571 + (c ^ (b | ~d))) | 0; a = (((a << 6) | (a >>> 26)) + b) | 0;
    d = (d + words[i + 3] - 1894986606 + (b ^ (a | ~c))) | 0; d = (((d << 10) | (d >>> 22)) + a) | 0;
    c = (c + words[i + 10] - 1051523 + (a ^ (d | ~b))) | 0; c = (((c << 15) | (c >>> 17)) + d) | 0;
    b = (b + words[i + 1] - 2054922799 + (d ^ (c | ~a))) | 0; b = (((b << 21) | (b >>> 11)) + c) | 0;
    a = (a + words[i + 8] + 1873313359 + (c ^ (b | ~d))) | 0; a = (((a << 6) | (a >>> 26)) + b) | 0;
    d = (d + words[i + 15] - 30611744 + (b ^ (a | ~c))) | 0; d = (((d << 10) | (d >>> 22)) + a) | 0;
    c = (c + words[i + 6] - 1560198380 + (a ^ (d | ~b))) | 0; c = (((c << 15) | (c >>> 17)) + d) | 0;
    b = (b + words[i + 13] + 1309151649 + (d ^ (c | ~a))) | 0; b = (((b << 21) | (b >>> 11)) + c) | 0;
    a = (a + words[i + 4] - 145523070 + (c ^ (b | ~d))) | 0; a = (((a << 6) | (a >>> 26)) + b) | 0;
    d = (d + words[i + 11] - 1120210379 + (b ^ (a | ~c))) | 0; d = (((d << 10) | (d >>> 22)) + a) | 0;
    c = (c + words[i + 2] + 718787259 + (a ^ (d | ~b))) | 0; c = (((c << 15) | (c >>> 17)) + d) | 0;
    b = (b + words[i + 9] - 343485551 + (d ^ (c | ~a))) | 0; b = (((b << 21) | (b >>> 11)) + c) | 0;

    a = (a + a0) | 0;
    b = (b + b0) | 0;
    c = (c + c0) | 0;
    d = (d + d0) | 0;
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}
