// One gRPC door a test, over a receiver and a meter that remember; whatever a test did to it, it works afterwards.

import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Door } from '../../collector/otlp/door.ts'
import { type OtlpGrpcOptions, startOtlpGrpc } from '../../collector/otlp/grpc.ts'
import { InFlight } from '../../collector/otlp/in-flight.ts'
import { tracesRequest } from '../otlp-messages.ts'
import { RecordingMeter, RecordingReceiver } from './doors.ts'
import { call, code, tracesPath } from './grpc-clients.ts'

export const body = Buffer.from(tracesRequest({ spans: [{ name: 'one' }] }))
export const mebibyte = 1024 * 1024

export let receiver: RecordingReceiver
export let meter: RecordingMeter
export let inFlight: InFlight
export let door: Door

/** Every test of the file starts a door of its own with `start`. */
export function useGrpcDoor(): void {
  beforeEach(() => {
    receiver = new RecordingReceiver()
    meter = new RecordingMeter()
    inFlight = new InFlight(256 * mebibyte)
  })

  // An honest call is taken afterwards, and no byte stays counted.
  afterEach(async () => {
    receiver.refusal = undefined
    receiver.gate = undefined
    expect(await code(call(door.endpoint, tracesPath, body, { authorization: 'Bearer good' }))).toBe(status.OK)
    await door.close(0)
    expect(inFlight.bytes).toBe(0)
  })
}

export async function start(options: Partial<OtlpGrpcOptions> = {}): Promise<void> {
  inFlight = options.inFlight ?? inFlight
  door = await startOtlpGrpc({
    endpoint: '127.0.0.1:0',
    receiver,
    meter,
    project: () => 'default',
    ...options,
    inFlight,
  })
}
