"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function InventoryError(props: PageErrorProps) {
  return <PageError {...props} title="The inventory could not be read" />;
}
