// /api/prices…: the entries in force, users' own prices, and trying either. What is taken is durable and in force when it is
// answered. Needs no database.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type BookEntry, noConditions, type PriceBook, type Resolution } from '../../processors/pricing/book.ts'
import { entryIdOf } from '../../processors/pricing/custom/compile.ts'
import { type Finding, plainInstant, type Tree } from '../../processors/pricing/custom/fields.ts'
import type { CustomSettings } from '../../processors/pricing/custom/form.ts'
import type { KnownRecord } from '../../processors/pricing/custom/history.ts'
import { entriesInForce } from '../../processors/pricing/in-force.ts'
import { canonicalProvider } from '../../processors/pricing/provider-names.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { type ApiParts, findingsShown } from './parts.ts'
import { checkForOwn, isOwned, keptFor } from './price-owners.ts'
import * as schemas from './price-schemas.ts'

/** Who keeps own prices. */
export interface OwnPricesKeeper {
  readonly book: PriceBook
  /** What is wrong with the file; an earlier one is in force then. */
  readonly findings: readonly string[]
  known(asOf?: number): readonly KnownRecord[]
  settings(asOf?: number): CustomSettings
  /** JSON or YAML as a tree. Throws PriceRefusal. */
  read(bytes: Uint8Array): Tree
  /** In force when it resolves. Rejects with PriceRefusal. */
  put(id: string, tree: Tree): Promise<KnownRecord>
  remove(id: string): Promise<void>
  checkFile(bytes: Uint8Array, name: string): CheckedFile
}

interface CheckedFile {
  readonly records: readonly unknown[]
  readonly findings: readonly (Pick<Finding, 'entry' | 'field' | 'message'> & { readonly line: number })[]
}

type PriceParts = Pick<ApiParts, 'project' | 'now' | 'keys'> & { readonly prices: OwnPricesKeeper }

const idParam = { type: 'object', properties: { id: { type: 'string', minLength: 1, maxLength: 256 } } } as const
/** Bodies come as bytes and are checked by the code that reads the file: the schema is what /openapi.json says. */
const checkedBelow = { validatorCompiler: () => () => true } as const

export function addPrices(app: FastifyInstance, parts: PriceParts): void {
  addEntries(app, parts)
  addSuggest(app, parts)
  app.register(async (own) => {
    // A number must not pass through a double.
    own.removeAllContentTypeParsers()
    const types = ['application/json', 'application/yaml', 'application/x-yaml']
    own.addContentTypeParser(types, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    addOverrides(own, parts)
  })
}

function addEntries(app: FastifyInstance, { prices, project, now }: PriceParts): void {
  app.get<{ Querystring: { provider?: string; model?: string; at?: string; limit?: number } }>(
    '/api/prices',
    {
      schema: {
        summary: 'Price entries in force',
        description: 'Of the catalogue and of own prices that are for the caller’s project, at one instant.',
        tags: ['prices'],
        querystring: schemas.entriesFilter,
        response: { 200: schemas.entriesAnswer, ...schemas.priceProblems },
      },
    },
    async (request) => {
      const { provider, model, at, limit = 100 } = request.query
      const own = project(request.headers)
      const atMs = instantOf('at', at) ?? now()
      const { book } = prices
      const named = provider === undefined ? {} : { provider: canonicalProvider(provider) }
      const found = entriesInForce(book, { project: own, atMs, ...named, ...(model === undefined ? {} : { model }) })
      const isOneCall = named.provider !== undefined && model !== undefined
      const resolution = isOneCall ? book.forProject(own).resolve(named.provider, model, noConditions, atMs) : null
      return {
        price_book: book.version,
        at: new Date(atMs).toISOString(),
        total: found.length,
        entries: found.slice(0, limit).map(entryOf),
        chosen: resolution === null ? null : chosenOf(resolution),
      }
    },
  )
}

function addSuggest(app: FastifyInstance, { prices, project, now }: PriceParts): void {
  app.get<{ Querystring: { provider?: string; model: string } }>(
    '/api/prices/suggest',
    {
      schema: {
        summary: 'What an unpriced model may be, and the override that says so',
        tags: ['prices'],
        querystring: schemas.suggestFilter,
        response: { 200: schemas.suggestAnswer, ...schemas.priceProblems },
      },
    },
    async (request) => {
      const { model } = request.query
      const provider = canonicalProvider(request.query.provider ?? '')
      const book = prices.book.forProject(project(request.headers))
      const { entry, reason } = chosenOf(book.resolve(provider, model, noConditions, now()))
      const isPriced = entry !== null
      const suggestion = isPriced ? null : book.suggest(provider, model)
      const body = suggestion === null ? null : aliasTo(suggestion, { provider, name: model })
      const override = body === null ? null : { id: `${provider === '' ? 'any' : provider}/${model}`, body }
      return { provider, model, priced: isPriced, entry, reason, suggestion, override }
    },
  )
}

function addOverrides(app: FastifyInstance, { prices, project, keys }: PriceParts): void {
  // Without keys everybody is of one project, and that one keeps the prices of all.
  const ownerOf = (request: FastifyRequest): string | undefined =>
    keys === undefined ? undefined : project(request.headers)

  app.get<{ Querystring: { as_of?: string } }>(
    '/api/prices/overrides',
    {
      schema: {
        summary: 'Own prices, discounts, plans and aliases',
        description:
          'From file and API; with `as_of`, those known at that instant. With keys: those that count for the project.',
        tags: ['prices'],
        querystring: { type: 'object', properties: { as_of: { type: 'string' } } },
        response: { 200: schemas.keptRecords, ...schemas.priceProblems },
      },
    },
    async (request) => {
      const asOf = instantOf('as_of', request.query.as_of)
      const kept = { records: prices.known(asOf), settings: prices.settings(asOf) }
      const own = ownerOf(request)
      const { records, settings } = own === undefined ? kept : keptFor(own, kept)
      return {
        price_book: prices.book.version,
        overrides: records.map((known) => keptOf(known, own)),
        ...settings,
        file_findings: findingsShown(prices.findings, keys),
      }
    },
  )

  app.put<{ Params: { id: string } }>(
    '/api/prices/overrides/:id',
    {
      schema: {
        summary: 'Set an own price, discount, plan or alias',
        description: 'In force when answered. What was there under the id ends; it stays in the history.',
        tags: ['prices'],
        params: idParam,
        body: schemas.priceRecord,
        response: { 200: schemas.taken, ...schemas.priceProblems },
      },
      ...checkedBelow,
    },
    async (request) => {
      const { id } = request.params
      const tree = prices.read(bodyOf(request))
      const own = ownerOf(request)
      if (own !== undefined) {
        checkForOwn(own, tree)
        if (prices.known().some(({ record }) => record.id === id && !isOwned(own, record)))
          throw new Refusal('conflict', `"${id}" is taken: choose another id`)
      }
      const known = await prices.put(id, tree)
      return { price_book: prices.book.version, override: keptOf(known, own) }
    },
  )

  app.delete<{ Params: { id: string } }>(
    '/api/prices/overrides/:id',
    {
      schema: {
        summary: 'End an own price that the API has set',
        description: 'From now on; calls it has priced keep their cost and entry.',
        tags: ['prices'],
        params: idParam,
        response: {
          200: {
            type: 'object',
            properties: { status: { type: 'string', const: 'ended' }, price_book: schemas.priceBook },
          },
          ...schemas.priceProblems,
        },
      },
    },
    async (request) => {
      const { id } = request.params
      const own = ownerOf(request)
      if (own !== undefined && !prices.known().some(({ record }) => record.id === id && isOwned(own, record)))
        throw new Refusal('not_found', `no own price of project "${own}" has the id "${id}"`)
      await prices.remove(id)
      return { status: 'ended', price_book: prices.book.version }
    },
  )

  app.post(
    '/api/prices/validate',
    {
      schema: {
        summary: 'Check a file of own prices without taking it',
        description: 'As it would be checked in the place of the present file. JSON or YAML.',
        tags: ['prices'],
        body: { type: 'object', additionalProperties: true },
        response: { 200: schemas.validateAnswer, ...schemas.priceProblems },
      },
      ...checkedBelow,
    },
    async (request) => {
      const { records, findings } = prices.checkFile(bodyOf(request), 'body')
      return { valid: findings.length === 0, records: records.length, findings }
    },
  )
}

function bodyOf({ body }: FastifyRequest): Uint8Array {
  if (body instanceof Uint8Array) return body
  throw new Refusal('bad_request', 'the body is empty: send a record as JSON or YAML')
}

function instantOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const instant = plainInstant(text)
  if (instant !== undefined) return Date.parse(instant)
  throw new Refusal('bad_request', `${name} is not an instant such as 2026-10-01T00:00:00Z, or a date`)
}

function keptOf({ record, seenAt, source }: KnownRecord, own: string | undefined) {
  const { id, ...rest } = own === undefined || record.project === undefined ? record : { ...record, project: [own] }
  return { id, source, entry: entryIdOf(record), seen_at: seenAt, record: rest }
}

function chosenOf(resolution: Resolution): { entry: string | null; match: string | null; reason: string } {
  if (resolution.kind === 'miss') return { entry: null, match: null, reason: resolution.reason }
  const { entry, match, reason } = resolution.card
  return { entry, match, reason }
}

function aliasTo(to: { provider: string; model: string }, { provider, name }: { provider: string; name: string }) {
  const alias = { kind: 'alias', name, model: to.model }
  if (provider === '') return { ...alias, to: to.provider }
  return to.provider === provider ? { ...alias, provider } : { ...alias, provider, to: to.provider }
}

function entryOf(entry: BookEntry) {
  const { models, when, plan } = entry
  return {
    id: entry.id,
    provider: entry.provider,
    models: [...models.exact, ...(models.prefix ?? []).map((prefix) => `${prefix}*`)],
    scope: entry.names === undefined ? {} : { [entry.scope ?? 'installation']: entry.names },
    conditions: Object.fromEntries(Object.entries(when ?? {}).filter(([, value]) => value !== null)),
    valid_from: entry.validFrom,
    valid_to: entry.validTo,
    recorded_at: entry.recordedAt,
    announced: entry.announced === true,
    currency: entry.currency,
    per: entry.per,
    bands: entry.bands.map(({ inputTokens, thinking, rates }) => ({
      over_input_tokens: inputTokens?.over ?? null,
      inclusive: inputTokens?.inclusive ?? false,
      thinking: thinking ?? false,
      rates,
    })),
    minimum: entry.minimum ?? {},
    ...(plan === undefined ? {} : { fixed_charge: plan ?? {} }),
    source: entry.source.map(({ what, read }) => (read === undefined ? what : `${what} (${read})`)),
    confidence: entry.confidence,
  }
}
