"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function DocumentsError(props: PageErrorProps) {
  return <PageError {...props} title="Your documents could not be read" />;
}
