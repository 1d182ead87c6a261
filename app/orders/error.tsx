"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function OrdersError(props: PageErrorProps) {
  return <PageError {...props} title="Your orders could not be read" />;
}
