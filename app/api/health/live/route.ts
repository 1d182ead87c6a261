export const dynamic = "force-dynamic";

/** The process answers. It says nothing about databases, so that their loss restarts nothing. */
export function GET(): Response {
  return Response.json({ status: "live" }, { headers: { "cache-control": "no-store" } });
}
