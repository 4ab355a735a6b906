// Every option of the collector, once: the YAML file, the environment, the flags, `--help`, docs/config.md, the error
// texts and the type `Config` come from this table.

import { checkTogether } from './config-checks.ts'
import { ConfigError, type Given, type Inputs, type Option, readSources } from './config-sources.ts'
import {
  attributeMap,
  automaticFeedback,
  bytes,
  bytesOrAuto,
  choice,
  duration,
  endpoint,
  httpUrl,
  integer,
  type Kind,
  names,
  networks,
  origins,
  ratio,
  Secret,
  secretText,
  serverUrl,
  text,
  yesOrNo,
} from './config-values.ts'

const kib = 2 ** 10
const mib = 2 ** 20
const gib = 2 ** 30
const tib = 2 ** 40

const identifier = text({
  pattern: /^[A-Za-z_][A-Za-z0-9_]{0,62}$/,
  values: 'name',
  form: 'a name of letters, digits and _',
})
const cluster = text({
  pattern: /^([A-Za-z_][A-Za-z0-9_.-]{0,62})?$/,
  values: 'name',
  form: 'empty or a name of letters, digits, _, . and -',
})
const oneLine = text({
  pattern: /^[^\r\n\0]{0,256}$/,
  values: 'text',
  form: 'a text of at most 256 characters in one line',
})
const optionalPath = text({ pattern: /^[^\r\n\0]{0,4096}$/, values: 'path', form: 'empty or a path' })
const currency = text({ pattern: /^([A-Z]{3})?$/, values: 'code', form: 'empty or a currency code such as EUR' })
const directory = text({ pattern: /^[^\r\n\0]{1,4096}$/, values: 'path', form: 'a path' })

export const options = [
  {
    key: 'otlp_grpc_endpoint',
    kind: endpoint,
    default: '127.0.0.1:4317',
    doc: 'Where OTLP over gRPC is received',
  },
  {
    key: 'otlp_http_endpoint',
    kind: endpoint,
    default: '127.0.0.1:4318',
    doc: 'Where OTLP over HTTP is received, protobuf and JSON',
  },
  {
    key: 'api_endpoint',
    kind: endpoint,
    default: '127.0.0.1:8100',
    doc: 'Feedback, queries and web page',
  },
  {
    key: 'admin_endpoint',
    kind: endpoint,
    default: '127.0.0.1:8888',
    doc: '`/metrics`, `/live`, `/ready`',
  },
  {
    key: 'allow_unauthenticated',
    kind: yesOrNo,
    default: 'false',
    doc: 'Lets the endpoints above listen beyond this machine although nobody has to show a key there; with `keys_file` the first three ask for keys all the same',
  },
  {
    key: 'keys_file',
    kind: optionalPath,
    default: '',
    doc: 'Keys and the projects they are for, YAML or JSON; with it every request for data has to show one, changes take effect at once. Empty for none; see docs/keys.md',
  },
  {
    key: 'trusted_proxies',
    kind: networks,
    default: '',
    doc: 'Proxies in front of the API whose `X-Forwarded-For` says who sent feedback, comma separated or as a YAML list',
  },
  {
    key: 'clickhouse_url',
    kind: serverUrl,
    default: '',
    doc: 'ClickHouse server, `http(s)://user:password@host:8123`; empty starts the embedded engine',
    isSecret: true,
  },
  {
    key: 'clickhouse_user',
    kind: oneLine,
    default: '',
    doc: 'User at the ClickHouse server, instead of the one in the address',
  },
  {
    key: 'clickhouse_password',
    kind: secretText,
    default: '',
    doc: 'Password at the ClickHouse server, instead of the one in the address',
    isSecret: true,
  },
  {
    key: 'clickhouse_database',
    kind: identifier,
    default: 'spanledger',
    doc: 'Database of all tables, created when missing',
  },
  {
    key: 'clickhouse_cluster',
    kind: cluster,
    default: '',
    doc: 'Cluster on which the tables are created, replicated; empty for a single server',
  },
  {
    key: 'embedded_http_endpoint',
    kind: endpoint,
    default: '127.0.0.1:8123',
    doc: 'HTTP of the embedded engine; it knows no passwords and stays on this machine',
  },
  {
    key: 'embedded_native_endpoint',
    kind: endpoint,
    default: '127.0.0.1:9000',
    doc: 'Native protocol of the embedded engine, likewise',
  },
  {
    key: 'embedded_memory_bytes_max',
    kind: bytes({ min: 256 * mib, max: tib }),
    default: '1GiB',
    doc: 'Memory the embedded engine may use',
  },
  {
    key: 'data_dir',
    kind: directory,
    default: './data',
    doc: 'Journal, embedded engine, quarantine and what is known of own prices and score configurations',
  },
  {
    key: 'prices_file',
    kind: optionalPath,
    default: '',
    doc: 'Own prices, discounts, plans and names of models, YAML or JSON; changes take effect at once. Empty for none',
  },
  {
    key: 'score_configs_file',
    kind: optionalPath,
    default: '',
    doc: 'Score configurations, YAML or JSON; changes take effect at once. Empty for none',
  },
  {
    key: 'request_bytes_max',
    kind: bytes({ min: kib, max: gib }),
    default: '64MiB',
    doc: 'Largest OTLP request, before and after decompression',
  },
  {
    key: 'inflight_bytes_max',
    kind: bytes({ min: kib, max: 64 * gib }),
    default: '256MiB',
    doc: 'All requests being worked on together; beyond it senders are asked to come again',
  },
  {
    key: 'journal_segment_rows',
    kind: integer({ min: 1, max: 10_000_000 }),
    default: '10000',
    doc: 'Rows of one table at which a journal segment is inserted',
  },
  {
    key: 'journal_backlog_rows',
    kind: integer({ min: 1, max: 10_000_000 }),
    default: '100000',
    doc: 'The same while older segments wait, so that a backlog takes few large inserts',
  },
  {
    key: 'journal_segment_bytes',
    kind: bytes({ min: 64 * kib, max: gib }),
    default: '16MiB',
    doc: 'Bytes at which a journal segment is inserted',
  },
  {
    key: 'journal_segment_age',
    kind: duration({ min: 10, max: 600_000 }),
    default: '1s',
    doc: 'Age of its first row at which a journal segment is inserted',
  },
  {
    key: 'journal_bytes_max',
    kind: bytesOrAuto({ min: mib, max: 1024 * tib }),
    default: 'auto',
    doc: 'Disk space of the journal; beyond it senders are asked to come again. `auto`: 10GiB, at most half of what is free',
  },
  {
    key: 'journal_reserve_bytes',
    kind: bytes({ min: 0, max: 1024 * tib }),
    default: '512MiB',
    doc: 'Free disk space that the journal leaves alone',
  },
  {
    key: 'quarantine_bytes_max',
    kind: bytes({ min: mib, max: 1024 * tib }),
    default: '1GiB',
    doc: 'Disk space of rows that ClickHouse will not take; beyond it inserting pauses',
  },
  {
    key: 'settle_after',
    kind: duration({ min: 1000, max: 86_400_000 }),
    default: '2m',
    doc: 'A trace this long without news is looked at once more: what its spans could not know alone is put right',
  },
  {
    key: 'content',
    kind: choice('store', 'drop'),
    default: 'store',
    doc: '`drop` keeps prompts and answers out of journal and database',
  },
  {
    key: 'estimate_usage',
    kind: yesOrNo,
    default: 'false',
    doc: 'Counts calls that reported no tokens from their content, by a tokenizer; their `cost_status` is `estimated`',
  },
  {
    key: 'automatic_feedback',
    kind: automaticFeedback,
    default: 'all',
    doc: 'Rules that write a score of their own for each answer that failed in a known way: `all`, `none`, or a list; see docs/feedback.md',
  },
  {
    key: 'answer_tokens_max',
    kind: integer({ min: 0, max: 100_000_000 }),
    default: '0',
    doc: "Tokens, thinking left out, above which the rule `too-long` marks an answer; 0 for no limit but the request's own",
  },
  {
    key: 'currency_rates_file',
    kind: optionalPath,
    default: '',
    doc: 'Exchange rates by day, YAML, JSON or CSV, read at the start; see docs/currencies.md',
  },
  {
    key: 'reporting_currency',
    kind: currency,
    default: '',
    doc: 'Currency that `llm_calls_reporting` and `spanledger report` show costs in besides, such as EUR; stored amounts stay as they are',
  },
  {
    key: 'reported_cost_as_charge',
    kind: names,
    default: '',
    doc: 'Whose reported cost is the charge and stands as `total_cost`: providers such as `openrouter`, attributes such as `gen_ai.usage.cost_in_usd_ticks`, comma separated or as a YAML list; ours is kept in `computed_cost`',
  },
  {
    key: 'attribute_map',
    kind: attributeMap,
    default: '',
    doc: 'Your own attributes, of spans or resources, and the columns they fill, as a YAML map or comma separated: `app.tenant=customer`; see docs/attribution.md',
  },
  {
    key: 'retention_days',
    kind: integer({ min: 1, max: 3650 }),
    default: '90',
    doc: 'Days that spans are kept, from their start, or from their arrival where they come later',
  },
  {
    key: 'content_retention_days',
    kind: integer({ min: 1, max: 3650 }),
    default: '14',
    doc: 'Days that prompts, answers and log records are kept',
  },
  {
    key: 'otlp_cors_origins',
    kind: origins,
    default: '',
    doc: 'Web origins that may send OTLP from a browser, comma separated or as a YAML list',
  },
  {
    key: 'api_cors_origins',
    kind: origins,
    default: '',
    doc: 'Web origins that may use the API from a browser, likewise',
  },
  {
    key: 'log_level',
    kind: choice('error', 'warn', 'info', 'debug'),
    default: 'info',
    doc: 'Least important line that is logged',
  },
  {
    key: 'telemetry_otlp_endpoint',
    kind: httpUrl,
    default: '',
    doc: 'Where traces of the collector itself are sent by OTLP over HTTP, such as `http://host:4318`; never to itself; empty for nowhere',
  },
  {
    key: 'telemetry_sample_ratio',
    kind: ratio,
    default: '0.1',
    doc: 'Share of its own traces that is sent',
  },
  {
    key: 'shutdown_grace',
    kind: duration({ min: 0, max: 600_000 }),
    default: '10s',
    doc: 'What requests under way at the stop may still take',
  },
] as const satisfies readonly Option[]

type Camel<Text extends string> = Text extends `${infer Head}_${infer Rest}`
  ? `${Head}${Capitalize<Camel<Rest>>}`
  : Text
type Name<O extends (typeof options)[number]> = `${Camel<O['key']>}${O['kind']['suffix']}`
type Value<O extends (typeof options)[number]> = O['kind'] extends Kind<infer T, string> ? T : never

/** Every option under its name in camel case, durations with `Ms` behind it: `settle_after` → `settleAfterMs`. */
export type Config = { readonly [O in (typeof options)[number] as Name<O>]: Value<O> }

/** One option as it is in force, fit for printing. */
export interface Setting {
  readonly key: string
  /** Secrets as `***`. */
  readonly value: string
  /** `default`, or where it was given: `SPANLEDGER_DATA_DIR`, `--data-dir`, `spanledger.yaml:3`. */
  readonly source: string
}

/**
 * The configuration in force: defaults, then the YAML file, the environment, the flags, later wins.
 * Throws ConfigError, one line that names source, value and limit, for anything unknown, malformed or contradictory.
 */
export function parseConfig(inputs: Inputs): Config {
  return readConfig(inputs).config
}

/** The same, with where each value came from. */
export function readConfig(inputs: Inputs): { readonly config: Config; readonly settings: readonly Setting[] } {
  const given = readSources(options, inputs)
  const values: Record<string, unknown> = {}
  const settings: Setting[] = []
  for (const option of options as readonly Option[]) {
    const from = given.get(option.key)
    const value = from === undefined ? option.kind.parse(option.default) : parseGiven(option, from)
    values[propertyName(option)] = value
    settings.push({ key: option.key, value: option.kind.format(value), source: from?.source ?? 'default' })
  }
  const config = values as Config // one property for every row of the table the type is made of
  checkTogether(config)
  return { config, settings }
}

/** `settle_after` → `settleAfterMs`. */
export function propertyName({ key, kind }: Option): string {
  return key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) + kind.suffix
}

/** Address of the ClickHouse server with the credentials in force; null when the engine is embedded. */
export function clickHouseUrl(config: Config): Secret | null {
  if (config.clickhouseUrl === null) return null
  const url = new URL(config.clickhouseUrl.address)
  const password = config.clickhousePassword.isEmpty ? config.clickhouseUrl.password : config.clickhousePassword
  url.username = encodeURIComponent(config.clickhouseUser || config.clickhouseUrl.user)
  url.password = encodeURIComponent(password.reveal())
  return new Secret(url.href.replace(/\/$/, ''))
}

/** What must not appear in any output; for the log. */
export function secretsOf(config: Config): string[] {
  const secrets = [config.clickhousePassword, config.clickhouseUrl?.password ?? new Secret('')]
  return secrets.filter((each) => !each.isEmpty).map((each) => each.reveal())
}

function parseGiven({ kind, isSecret }: Option, { source, text: given }: Given): unknown {
  const value = kind.parse(given)
  if (value !== undefined) return value
  const shown = isSecret ? '***' : JSON.stringify(given.slice(0, 100))
  throw new ConfigError(`${source}: ${shown} is not ${kind.form}`)
}
