"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function DocumentError(props: PageErrorProps) {
  return (
    <PageError {...props} title="This document could not be read">
      What you wrote and no region has taken yet is kept in this browser, and sent when the document
      opens again.
    </PageError>
  );
}
