"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function HistoryError(props: PageErrorProps) {
  return <PageError {...props} title="The history could not be read" />;
}
