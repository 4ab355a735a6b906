// Times as ClickHouse reads them in text, in UTC.

/** `2026-11-24 09:00:00.000` */
export function timeText(time: Date): string {
  return time.toISOString().replace('T', ' ').replace('Z', '')
}
