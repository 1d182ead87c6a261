import { db } from "@/scripts/bench/bare-next/app/database";

export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ id: string }>;
}

/** Stores `{ "title" }` by one statement, whoever sends it. */
export async function PATCH(request: Request, { params }: Props): Promise<Response> {
  const { title } = (await request.json()) as { title: string };
  const { id } = await params;
  const select = { id: true, title: true };
  const document = await db.document.update({ where: { id }, data: { title }, select });
  return Response.json(document, { headers: { "cache-control": "no-store" } });
}
