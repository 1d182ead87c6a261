"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function ContentListError(props: PageErrorProps) {
  return <PageError {...props} title="The articles could not be read" />;
}
