// MD5 (RFC 1321). Browsers have SHA-1 and SHA-2, but not this one, which S3 uses for etags.

const BLOCK = 64; // bytes
// Typed arrays use the machine's byte order, and every machine that browsers run on has MD5's: the low byte first.
const WORDS_PER_BLOCK = BLOCK / 4;

/** The hash of a text that arrives in pieces. All pieces but the last have whole blocks of 64 bytes. */
export class Md5 {
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
export function md5(bytes) {
  const length = bytes.length - (bytes.length % BLOCK);
  const hash = new Md5();
  hash.update(new Int32Array(bytes.slice(0, length).buffer), 0, length / 4);
  return hash.digest(bytes.subarray(length));
}

export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// Written out, because a loop over the 64 steps, or a function for each, takes several times as long. The numbers are
// the integer parts of 2**32 * abs(sin(n)), for n from 1 to 64.
function addBlocks(state, words, start, end) {
  let [a, b, c, d] = state;
  for (let i = start; i < end; i += WORDS_PER_BLOCK) {
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

    a = (a + words[i + 1] - 165796510 + (c ^ (d & (b ^ c)))) | 0; a = (((a << 5) | (a >>> 27)) + b) | 0;
    d = (d + words[i + 6] - 1069501632 + (b ^ (c & (a ^ b)))) | 0; d = (((d << 9) | (d >>> 23)) + a) | 0;
    c = (c + words[i + 11] + 643717713 + (a ^ (b & (d ^ a)))) | 0; c = (((c << 14) | (c >>> 18)) + d) | 0;
    b = (b + words[i] - 373897302 + (d ^ (a & (c ^ d)))) | 0; b = (((b << 20) | (b >>> 12)) + c) | 0;
    a = (a + words[i + 5] - 701558691 + (c ^ (d & (b ^ c)))) | 0; a = (((a << 5) | (a >>> 27)) + b) | 0;
    d = (d + words[i + 10] + 38016083 + (b ^ (c & (a ^ b)))) | 0; d = (((d << 9) | (d >>> 23)) + a) | 0;
    c = (c + words[i + 15] - 660478335 + (a ^ (b & (d ^ a)))) | 0; c = (((c << 14) | (c >>> 18)) + d) | 0;
    b = (b + words[i + 4] - 405537848 + (d ^ (a & (c ^ d)))) | 0; b = (((b << 20) | (b >>> 12)) + c) | 0;
    a = (a + words[i + 9] + 568446438 + (c ^ (d & (b ^ c)))) | 0; a = (((a << 5) | (a >>> 27)) + b) | 0;
    d = (d + words[i + 14] - 1019803690 + (b ^ (c & (a ^ b)))) | 0; d = (((d << 9) | (d >>> 23)) + a) | 0;
    c = (c + words[i + 3] - 187363961 + (a ^ (b & (d ^ a)))) | 0; c = (((c << 14) | (c >>> 18)) + d) | 0;
    b = (b + words[i + 8] + 1163531501 + (d ^ (a & (c ^ d)))) | 0; b = (((b << 20) | (b >>> 12)) + c) | 0;
    a = (a + words[i + 13] - 1444681467 + (c ^ (d & (b ^ c)))) | 0; a = (((a << 5) | (a >>> 27)) + b) | 0;
    d = (d + words[i + 2] - 51403784 + (b ^ (c & (a ^ b)))) | 0; d = (((d << 9) | (d >>> 23)) + a) | 0;
    c = (c + words[i + 7] + 1735328473 + (a ^ (b & (d ^ a)))) | 0; c = (((c << 14) | (c >>> 18)) + d) | 0;
    b = (b + words[i + 12] - 1926607734 + (d ^ (a & (c ^ d)))) | 0; b = (((b << 20) | (b >>> 12)) + c) | 0;

    a = (a + words[i + 5] - 378558 + (b ^ c ^ d)) | 0; a = (((a << 4) | (a >>> 28)) + b) | 0;
    d = (d + words[i + 8] - 2022574463 + (a ^ b ^ c)) | 0; d = (((d << 11) | (d >>> 21)) + a) | 0;
    c = (c + words[i + 11] + 1839030562 + (d ^ a ^ b)) | 0; c = (((c << 16) | (c >>> 16)) + d) | 0;
    b = (b + words[i + 14] - 35309556 + (c ^ d ^ a)) | 0; b = (((b << 23) | (b >>> 9)) + c) | 0;
    a = (a + words[i + 1] - 1530992060 + (b ^ c ^ d)) | 0; a = (((a << 4) | (a >>> 28)) + b) | 0;
    d = (d + words[i + 4] + 1272893353 + (a ^ b ^ c)) | 0; d = (((d << 11) | (d >>> 21)) + a) | 0;
    c = (c + words[i + 7] - 155497632 + (d ^ a ^ b)) | 0; c = (((c << 16) | (c >>> 16)) + d) | 0;
    b = (b + words[i + 10] - 1094730640 + (c ^ d ^ a)) | 0; b = (((b << 23) | (b >>> 9)) + c) | 0;
    a = (a + words[i + 13] + 681279174 + (b ^ c ^ d)) | 0; a = (((a << 4) | (a >>> 28)) + b) | 0;
    d = (d + words[i] - 358537222 + (a ^ b ^ c)) | 0; d = (((d << 11) | (d >>> 21)) + a) | 0;
    c = (c + words[i + 3] - 722521979 + (d ^ a ^ b)) | 0; c = (((c << 16) | (c >>> 16)) + d) | 0;
    b = (b + words[i + 6] + 76029189 + (c ^ d ^ a)) | 0; b = (((b << 23) | (b >>> 9)) + c) | 0;
    a = (a + words[i + 9] - 640364487 + (b ^ c ^ d)) | 0; a = (((a << 4) | (a >>> 28)) + b) | 0;
    d = (d + words[i + 12] - 421815835 + (a ^ b ^ c)) | 0; d = (((d << 11) | (d >>> 21)) + a) | 0;
    c = (c + words[i + 15] + 530742520 + (d ^ a ^ b)) | 0; c = (((c << 16) | (c >>> 16)) + d) | 0;
    b = (b + words[i + 2] - 995338651 + (c ^ d ^ a)) | 0; b = (((b << 23) | (b >>> 9)) + c) | 0;

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
