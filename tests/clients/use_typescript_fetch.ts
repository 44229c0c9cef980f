// Version 2 by the client that openapi-generator makes for TypeScript's fetch. Run by check.py.
import assert from "node:assert/strict";
import { Configuration, ItemToSaveFromJSON, ItemToJSON, ServicesAndAdminsApi } from "./made_by_typescript_fetch";

const { SERVER, EMAIL, KEY } = process.env as Record<string, string>;
const api = new ServicesAndAdminsApi(
  new Configuration({ basePath: SERVER, apiKey: (name) => (name.endsWith("User") ? EMAIL : KEY) }),
);

async function main() {
  const found: number[] = [];
  let where: { page?: number; after?: string } = {};
  for (;;) {
    const page = await api.adminListItems({ perPage: 7, ...where });
    found.push(...page.results.map((item) => item.id));
    assert.equal(page.count, 60);
    if (page.next === null) break;
    const given = new URL(page.next).searchParams;
    where = { page: Number(given.get("page")), after: given.get("after") ?? "" };
  }
  assert.equal(new Set(found).size, 60);

  const [waiting] = (await api.adminListItems({ status: ["Pending"], itemAction: ["Ingest"], perPage: 1 })).results;
  const item = await api.adminShowItem({ id: waiting.id });
  // JavaScript's dates have milliseconds; what the server has beyond them must not count as a change.
  const itemToSave = { ...ItemToSaveFromJSON(ItemToJSON(item)), note: "Saved by a generated client." };
  const saved = await api.adminSaveItem({ id: item.id, itemToSave });
  assert.equal(saved.note, itemToSave.note);
  assert.deepEqual(await api.adminShowItem({ id: item.id }), saved);
}

main().catch((error) => {
  console.error(error, error.response?.status);
  process.exit(1);
});
