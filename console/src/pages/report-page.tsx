export default function ReportPage(_: { migration: unknown }) {
  return null;
}
