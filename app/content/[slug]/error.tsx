"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function ContentError(props: PageErrorProps) {
  return <PageError {...props} title="The article could not be read" />;
}
