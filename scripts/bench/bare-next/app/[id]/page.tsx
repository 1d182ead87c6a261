import { db } from "@/scripts/bench/bare-next/app/database";

export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ id: string }>;
}

/** What one query found. */
export default async function DocumentPage({ params }: Props) {
  const document = await db.document.findUniqueOrThrow({ where: { id: (await params).id } });
  return (
    <main>
      <h1>{document.title}</h1>
      <p>{document.content}</p>
    </main>
  );
}
