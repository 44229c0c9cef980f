// Which part sizes a file with a given etag can have been sent in.

export const MIB = 2 ** 20;
export const USUAL = [5, 8, 15, 50, 64, 16, 10, 25, 100].map((mib) => mib * MIB);
const POWERS_OF_TWO = Array.from({ length: 17 }, (_, n) => 2 ** (n + 16)); // 64 KiB to 4 GiB
const LARGEST_MIB = 5 * 1024; // S3 takes no larger parts
const ROUND = [128, 100, 64, 50, 32, 25, 20, 16, 10, 8, 5, 4, 2, 1];
// How many bytes are hashed to try unusual sizes, unless that would be fewer than four sizes.
const MOST_TO_HASH = 8 * 2 ** 30;

const ETAG = /^(?:W\/)?("?)(?<digits>[0-9a-f]{32}(?:-(?<parts>[0-9]{1,6}))?)\1$/i;

/** { etag, parts } of an etag as storage services list it: in quotes, weak, in capitals. A plain MD5 has null parts. */
export function parseEtag(text) {
  const found = ETAG.exec(text.trim());
  if (!found) return null;
  const { digits, parts } = found.groups;
  return { etag: digits.toLowerCase(), parts: parts === undefined ? null : Number(parts) };
}

/** A part size with which a file is sent in one part; its etag is the same with any of them. */
export const onePart = (size) => MIB * Math.ceil(size / MIB + 1);

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
