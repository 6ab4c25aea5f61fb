export default function ReportPage(_: Record<string, unknown>) {
  return null;
}
