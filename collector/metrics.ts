// Every number the collector tells about itself, by its public name. At every instant
// received = stored + journalled + refused + quarantined, in spans; `received` begins with what the journal held at the start.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { automaticRules } from '../schemas/automatic-rules.ts'
import { type RefusalReason, refusals } from '../schemas/refusal.ts'
import { scoreViolations } from '../schemas/scores-table.ts'
import { Registry } from './open-metrics.ts'

export interface MetricsOptions {
  readonly version: string
  /** Version of the price book in use; asked at each scrape. */
  readonly priceBook: () => string
  /** Told of callbacks that throw at a scrape. */
  readonly onError: (metric: string, error: unknown) => void
}

/** Every value of the column `cost_status`. */
const costStatuses = ['priced', 'reported', 'estimated', 'partial', 'unpriced', 'invalid', 'not_billed'] as const
const reasons = Object.keys(refusals) as RefusalReason[]
const doors = ['grpc', 'http', 'api'] as const

const violations = scoreViolations.map((violation): [string] => [violation])

/** Seconds; an acknowledgement is one sync of the disk, an insert a round trip to ClickHouse. */
const ackBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const insertBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export type Metrics = ReturnType<typeof createMetrics>

/** All metrics, at zero. `close()` stops watching the event loop. */
export function createMetrics({ version, priceBook, onError }: MetricsOptions) {
  const registry = new Registry({ onError })
  registry.info('spanledger_build_info', {
    help: 'Version of the collector and of the price book in use.',
    labels: () => ({ version, price_book: priceBook() }),
  })
  const spans = {
    spansReceived: registry.counter('spanledger_spans_received_total', {
      help: 'Spans that arrived, and those that the journal held at the start.',
    }),
    spansStored: registry.counter('spanledger_spans_stored_total', { help: 'Spans that ClickHouse has.' }),
    spansJournalled: registry.gauge('spanledger_spans_journalled', {
      help: 'Spans acknowledged and not yet in ClickHouse.',
    }),
    spansRefused: registry.counter('spanledger_spans_refused_total', {
      help: 'Spans that were not taken, of requests that could be read.',
      labels: ['reason'],
      known: [['bad_request'], ['journal_full'], ['journal_failed'], ['internal']],
    }),
    spansQuarantined: registry.counter('spanledger_spans_quarantined_total', {
      help: 'Spans that ClickHouse would not take, kept in the quarantine directory.',
      labels: ['reason'],
    }),
    spansRepeated: registry.counter('spanledger_spans_repeated_total', {
      help: 'Spans that were sent again, whole, and are not in the counts of the others.',
    }),
    calls: registry.counter('spanledger_calls_total', {
      help: 'Rows by how their cost was found.',
      labels: ['cost_status'],
      known: costStatuses.map((status) => [status]),
    }),
    corrections: registry.counter('spanledger_ledger_corrections_total', {
      help: 'Rows put right after their first write, when their trace had gone quiet.',
    }),
    automaticScores: registry.counter('spanledger_automatic_scores_total', {
      help: 'Scores written by rules on what answers are.',
      labels: ['rule'],
      known: automaticRules.map((rule) => [rule]),
    }),
    ledgerDifferenceUsd: registry.gauge('spanledger_ledger_difference_usd', {
      help: 'Cost in the hourly rollup less cost in the spans, of hours gone quiet. Must be 0.',
    }),
  }
  const requests = {
    requests: registry.counter('spanledger_requests_total', {
      help: 'Requests answered with success, partial success included.',
      labels: ['door', 'signal'],
      known: [
        ['grpc', 'traces'],
        ['grpc', 'logs'],
        ['http', 'traces'],
        ['http', 'logs'],
      ],
    }),
    requestsRefused: registry.counter('spanledger_requests_refused_total', {
      help: 'Requests refused as a whole; what they held is not known.',
      labels: ['door', 'reason'],
      known: doors.flatMap((door) => reasons.map((reason): [string, string] => [door, reason])),
    }),
    requestBytes: registry.counter('spanledger_request_bytes_total', {
      help: 'Bodies of requests after decompression.',
    }),
    inflightBytes: registry.gauge('spanledger_inflight_bytes', { help: 'Bodies of the requests being worked on.' }),
    ackSeconds: registry.histogram('spanledger_ack_seconds', {
      help: 'From a whole request to its answer.',
      buckets: ackBuckets,
    }),
  }
  const storage = {
    journalBytes: registry.gauge('spanledger_journal_bytes', { help: 'Acknowledged and not yet in ClickHouse.' }),
    journalOldestSeconds: registry.gauge('spanledger_journal_oldest_seconds', {
      help: 'Age of the oldest row that is not in ClickHouse; 0 without any.',
    }),
    journalRowsLost: registry.counter('spanledger_journal_rows_lost_total', {
      help: 'Acknowledged rows that could not be read back from the disk.',
    }),
    journalIoErrors: registry.counter('spanledger_journal_io_errors_total', {
      help: 'Errors of the disk under the journal.',
    }),
    insertSeconds: registry.histogram('spanledger_insert_seconds', {
      help: 'One insert into ClickHouse that was taken.',
      buckets: insertBuckets,
    }),
    insertRetries: registry.counter('spanledger_insert_retries_total', { help: 'Inserts that had to be sent again.' }),
  }
  const prices = {
    priceBookReloadFailures: registry.counter('spanledger_price_book_reload_failures_total', {
      help: 'Changes of the file of own prices that were wrong and not taken.',
    }),
    priceBookStale: registry.gauge('spanledger_price_book_stale', {
      help: 'Whether the file of own prices is wrong and an earlier one is in use: 1 or 0.',
    }),
  }
  const scores = {
    scoresRefused: registry.counter('spanledger_scores_refused_total', {
      help: 'Scores that break their configuration and were refused, at any door.',
      labels: ['reason'],
      known: violations,
    }),
    scoresFlagged: registry.counter('spanledger_scores_flagged_total', {
      help: 'Scores that break their configuration and were kept, in no figure.',
      labels: ['reason'],
      known: violations,
    }),
    scoreConfigReloadFailures: registry.counter('spanledger_score_config_reload_failures_total', {
      help: 'Changes of the file of score configurations that were wrong and not taken.',
    }),
    scoreConfigsStale: registry.gauge('spanledger_score_configs_stale', {
      help: 'Whether the file of score configurations is wrong and an earlier one is in use: 1 or 0.',
    }),
  }
  const keys = {
    keysReloadFailures: registry.counter('spanledger_keys_reload_failures_total', {
      help: 'Changes of the file of keys that were wrong and not taken.',
    }),
    keysStale: registry.gauge('spanledger_keys_stale', {
      help: 'Whether the file of keys is wrong and an earlier one is in use: 1 or 0.',
    }),
    keyLastUsedSeconds: registry.gauge('spanledger_key_last_used_timestamp_seconds', {
      help: 'Unix time of the last request that a key was good for; keys not used since the start are left out.',
      labels: ['key', 'project'],
    }),
  }
  const stopProcess = addProcess(registry)
  return {
    ...spans,
    ...requests,
    ...storage,
    ...prices,
    ...scores,
    ...keys,
    expose: () => registry.expose(),
    close: stopProcess,
  }
}

/** Returns what ends it. */
function addProcess(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  registry.counter('process_cpu_seconds_total', { help: 'CPU time of the process, user and system.' }).from(() => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  registry
    .gauge('process_resident_memory_bytes', { help: 'Memory of the process that is in RAM.' })
    .from(() => process.memoryUsage.rss())
  registry
    .gauge('process_start_time_seconds', { help: 'Unix time at which the process started.' })
    .set(Math.round(performance.timeOrigin) / 1000)
  registry
    .gauge('spanledger_event_loop_delay_seconds', {
      help: 'How late timers were, since the scrape before.',
      labels: ['stat'],
    })
    .from(() => {
      // Timers are due every 10 ms: that much of each interval is not delay. An empty histogram gives NaN or its bounds.
      const late = (ms: number): number => (delay.count === 0 ? 0 : Math.max(0, ms / 1e9 - 0.01))
      const readings: [string, number][] = [
        ['p50', late(delay.percentile(50))],
        ['p99', late(delay.percentile(99))],
        ['max', late(delay.max)],
      ]
      delay.reset()
      return readings
    })
  return () => delay.disable()
}
