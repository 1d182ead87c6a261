import { describe, expect, it } from "vitest";
import { changedRows } from "@/lib/db/replication/changed-rows";

const int = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
/** A composite in PostgreSQL's binary format, with its length before it, as an array has it. */
function element(...fields: (string | null)[]): Buffer {
  const body = Buffer.concat([
    int(fields.length),
    ...fields.flatMap((field) => {
      const bytes = Buffer.from(field ?? "");
      return [int(25), int(field === null ? -1 : bytes.length), bytes];
    }),
  ]);
  return Buffer.concat([int(body.length), body]);
}
const rows = (entity: string, ...elements: Buffer[]) => ({
  entity,
  count: elements.length,
  elements: Buffer.concat(elements),
});

describe("the rows that a batch has changed", () => {
  it("are named by their first column", () => {
    const document = rows("Document", element("d-1", "Title", null), element("ü", ""));
    expect(changedRows([document, rows("User", element("u-1"))])).toEqual([
      { entity: "Document", id: "d-1" },
      { entity: "Document", id: "ü" },
      { entity: "User", id: "u-1" },
    ]);
  });

  it("are not named where there are many", () => {
    const many = Array.from({ length: 200 }, (_, n) => element(`d-${n}`));
    expect(changedRows([rows("Document", ...many)])).toHaveLength(200);
    expect(changedRows([rows("Document", ...many), rows("User", element("u"))])).toEqual([]);
  });

  it("end where the bytes do", () => {
    const cut = element("d-1").subarray(0, 17);
    expect(changedRows([{ entity: "Document", count: 1, elements: cut }])).toEqual([]);
    expect(changedRows([rows("Document", element(null, "x"))])).toEqual([]);
  });

  it("do not go in circles, whatever the bytes say", () => {
    const bytes = element("d-1");
    bytes.writeInt32BE(-4, 0);
    expect(changedRows([{ entity: "Document", count: 1, elements: bytes }])).toEqual([
      { entity: "Document", id: "d-1" },
    ]);
  });
});
