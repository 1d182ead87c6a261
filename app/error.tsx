"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function ErrorPage(props: PageErrorProps) {
  return <PageError {...props} />;
}
