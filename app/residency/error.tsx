"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function ResidencyError(props: PageErrorProps) {
  return <PageError {...props} title="Where things are kept could not be read" />;
}
