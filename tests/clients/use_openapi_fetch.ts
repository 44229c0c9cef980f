// Version 3 by openapi-fetch, with the types that openapi-typescript makes. Run by check.py.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./made_by_openapi_typescript";

const { SERVER, EMAIL, KEY } = process.env as Record<string, string>;
const client = createClient<paths>({
  baseUrl: SERVER,
  headers: { "X-Pharos-API-User": EMAIL, "X-Pharos-API-Key": KEY },
});

async function main() {
  const found: number[] = [];
  let where: { page?: number; after?: string } = {};
  for (;;) {
    const { data } = await client.GET("/admin-api/v3/items", { params: { query: { per_page: 7, ...where } } });
    assert(data);
    found.push(...data.results.map((item) => item.id));
    assert.equal(data.count, 60);
    if (data.next === null) break;
    const given = new URL(data.next).searchParams;
    where = { page: Number(given.get("page")), after: given.get("after") ?? "" };
  }
  assert.equal(new Set(found).size, 60);

  const query = { status: ["Pending" as const], action: ["Ingest" as const], per_page: 1 };
  const { data: waiting } = await client.GET("/admin-api/v3/items", { params: { query } });
  const path = { id: waiting!.results[0].id };
  const { data: item } = await client.GET("/admin-api/v3/items/show/{id}", { params: { path } });
  const body: components["schemas"]["ItemToSave"] = { ...item!, note: "Saved by a generated client." };
  const { data: saved, error } = await client.PUT("/admin-api/v3/items/update/{id}", { params: { path }, body });
  assert(saved, JSON.stringify(error));
  assert.equal(saved.note, body.note);
  const { data: again } = await client.GET("/admin-api/v3/items/show/{id}", { params: { path } });
  assert.deepEqual(again, saved);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
