// Words the processors write into columns or look for, interned once for each generation of the string table.

import type { StringTable } from '../schemas/string-table.ts'
import { callKinds, spanKinds } from './dialect.ts'
import { ofRounds, usageRules } from './usage-rule.ts'

/** By OpenTelemetry's numbers; the last one is our own: a row made of a log event. */
const spanKindNames = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer', 'event'] as const
export const spanKindOfEvents = spanKindNames.indexOf('event')

const load = (strings: StringTable) => ({
  ok: strings.internText('ok'),
  error: strings.internText('error'),
  stop: strings.internText('stop'),
  llm: strings.internText('llm'),
  other: strings.internText('other'),
  tool: strings.internText('tool'),
  toolError: strings.internText('tool_error'),
  cancelled: strings.internText('cancelled'),
  timeout: strings.internText('timeout'),
  embedding: strings.internText('embedding'),
  fetchResponse: strings.internText('fetch_response'),
  exception: strings.internText('exception'),
  operationException: strings.internText('gen_ai.client.operation.exception'),
  exceptionType: strings.internText('exception.type'),
  exceptionMessage: strings.internText('exception.message'),
  firstToken: strings.internText('First Token Stream Event'),
  spanKinds: Int32Array.from(spanKindNames, (name) => strings.internText(name)),
  usageRules: Int32Array.from(usageRules, (name) => strings.internText(name)),
  usageRulesOfRounds: Int32Array.from(usageRules, (name) => strings.internText(`${name}${ofRounds}`)),
  callKinds: new Set(spanKinds.filter((name) => callKinds.has(name)).map((name) => strings.internText(name))),
})

export type Words = ReturnType<typeof load>

/** The words of a string table; `get` is cheap while the table's generation stays. */
export class WordList {
  private readonly strings: StringTable
  private generation = -1
  private words: Words | undefined

  constructor(strings: StringTable) {
    this.strings = strings
  }

  get(): Words {
    if (this.words === undefined || this.generation !== this.strings.generation) {
      this.words = load(this.strings)
      this.generation = this.strings.generation
    }
    return this.words
  }
}
