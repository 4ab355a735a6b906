// HTTP doors over a receiver and a meter that remember, new for every test.

import { beforeEach } from 'vitest'
import type { Door } from '../../collector/otlp/door.ts'
import { type OtlpHttpOptions, startOtlpHttp } from '../../collector/otlp/http.ts'
import { RecordingMeter, RecordingReceiver } from './doors.ts'

export let receiver: RecordingReceiver
export let meter: RecordingMeter

/** Every test of the file gets its own receiver and meter. */
export function useHttpDoor(): void {
  beforeEach(() => {
    receiver = new RecordingReceiver()
    meter = new RecordingMeter()
  })
}

export function start(options: Partial<OtlpHttpOptions> = {}): Promise<Door> {
  return startOtlpHttp({ endpoint: '127.0.0.1:0', receiver, meter, project: () => 'default', ...options })
}

/** Runs with a door of these options. */
export async function withDoor(
  options: Partial<OtlpHttpOptions>,
  run: (endpoint: string) => Promise<void>,
): Promise<void> {
  const own = await start(options)
  try {
    await run(own.endpoint)
  } finally {
    await own.close(0)
  }
}
