export default function Loading() {
  return (
    <p role="status" className="pt-6 text-muted">
      Reading the conflicts
    </p>
  );
}
