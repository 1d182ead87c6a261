"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function ConflictError(props: PageErrorProps) {
  return (
    <PageError {...props} title="This conflict could not be read">
      Every version of it is kept until somebody decides.
    </PageError>
  );
}
