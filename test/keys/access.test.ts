// Who is let in: by every way to show a key, for every reason not to.

import { describe, expect, test } from 'vitest'
import { Access, type AccessRequest } from '../../collector/keys/access.ts'
import { Buckets, senderOf } from '../../collector/keys/buckets.ts'
import { readKeys } from '../../collector/keys/entries.ts'
import { makeKey, type NewKey } from '../../collector/keys/key-text.ts'
import { Refusal } from '../../schemas/refusal.ts'

const service = makeKey({ isPublic: false })
const other = makeKey({ isPublic: false })
const expired = makeKey({ isPublic: false })
const page = makeKey({ isPublic: true })
const origin = 'https://shop.example.com'
const entryOf = ({ prefix, sha256 }: NewKey, rest: object) => ({ project: 'shop', prefix, sha256, ...rest })
const { entries, findings } = readKeys({
  keys: [
    entryOf(service, { name: 'service', may: ['ingest', 'feedback', 'read'] }),
    entryOf(other, { name: 'other', project: 'bank', may: ['read', 'manage'] }),
    entryOf(expired, { name: 'expired', may: ['ingest'], expires: '2026-11-01' }),
    entryOf(page, { name: 'page', may: ['feedback'], origins: [origin], per_minute: '30' }),
  ],
})

/** Of a fresh look at the keys, at a time that stands. */
function accessAt(clock: { ms: number }): Access {
  const byPrefix = new Map(entries.map((entry) => [entry.prefix, entry]))
  return new Access({ entries: () => byPrefix, now: () => Date.UTC(2026, 10, 24), monotonicMs: () => clock.ms })
}

const fixed = accessAt({ ms: 0 })
const admit = (request: Partial<AccessRequest>, access = fixed) =>
  access.admit({ headers: {}, address: `10.0.0.${Math.floor(Math.random() * 250)}`, need: 'read', ...request })

/** Reason and message, or the project. */
function outcome(request: Partial<AccessRequest>, access = fixed): string {
  try {
    return admit(request, access).project
  } catch (error) {
    if (error instanceof Refusal) return `${error.reason}: ${error.message}`
    throw error
  }
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
/** Another key of the same prefix. */
const forged = `${service.prefix}_${other.text.slice(-43)}`

test('the entries are sound', () => expect(findings).toEqual([]))

describe('a key is shown', () => {
  test.each<[string, Record<string, string>]>([
    ['as Bearer', { authorization: `Bearer ${service.text}` }],
    ['in any case', { authorization: `bEARER   ${service.text}` }],
    ['as password, as by the SDKs of Langfuse', { authorization: basic(`pk-lf-1:${service.text}`) }],
    ['as password without a name', { authorization: basic(`:${service.text}`) }],
    ['as name, as by curl -u KEY:', { authorization: basic(`${service.text}:`) }],
    ['as x-api-key', { 'x-api-key': service.text }],
    ['twice the same', { 'x-api-key': service.text, authorization: `Bearer ${service.text}` }],
    ["beside a proxy's own password", { 'x-api-key': service.text, authorization: basic('proxy:word') }],
  ])('%s', (_, headers) => expect(outcome({ headers })).toBe('shop'))

  test.each<[string, AccessRequest['headers'], RegExp]>([
    ['not at all', {}, /^unauthenticated: a key is asked for/],
    ['empty', { authorization: '' }, /^unauthenticated: a key is asked for/],
    ['of another scheme', { authorization: `Digest ${service.text}` }, /^unauthenticated: a key is asked for/],
    ['without a scheme', { authorization: service.text }, /^unauthenticated: a key is asked for/],
    ['of another maker', { authorization: 'Bearer sk-lf-0123456789' }, /^unauthenticated: what is shown is no key/],
    ['forged behind a known prefix', { authorization: `Bearer ${forged}` }, /^unauthenticated: the key is not known/],
    ['unknown', { 'x-api-key': makeKey({ isPublic: false }).text }, /^unauthenticated: the key is not known/],
    ['with its hash', { 'x-api-key': service.sha256 }, /^unauthenticated: what is shown is no key/],
    ['cut off', { 'x-api-key': service.text.slice(0, -1) }, /^unauthenticated: what is shown is no key/],
    ['expired', { 'x-api-key': expired.text }, /^unauthenticated: the key has expired at 2026-11-01T00:00:00/],
    ['in another header', { 'x-key': service.text, cookie: `key=${service.text}` }, /^unauthenticated: a key is asked/],
    ['twice, joined', { authorization: `Bearer ${service.text}, Bearer ${other.text}` }, /^unauthenticated: more than/],
    ['twice, as a list', { authorization: [`Bearer ${service.text}`, 'Bearer x'] }, /^unauthenticated: more than/],
    ['twice as x-api-key', { 'x-api-key': `${service.text}, ${service.text}` }, /^unauthenticated: more than/],
    ['with another', { 'x-api-key': other.text, authorization: `Bearer ${service.text}` }, /^unauthenticated: more/],
    ['too long', { authorization: `Bearer ${'x'.repeat(5000)}` }, /^unauthenticated: a key is asked for/],
  ])('%s: refused, and not repeated', (_, headers, want) => {
    const said = outcome({ headers })
    expect(said).toMatch(want)
    for (const { text, sha256 } of [service, other, expired])
      for (const secret of [text.slice(-43), sha256]) expect(said).not.toContain(secret)
  })

  test('headers that name a project are not looked at', () => {
    const headers = { 'x-api-key': service.text, 'x-project': 'bank', 'x-langfuse-public-key': other.text }
    expect(outcome({ headers })).toBe('shop')
  })
})

describe('a key is for', () => {
  test('what its entry says, and no more', () => {
    const headers = { 'x-api-key': other.text }
    expect(outcome({ headers, need: 'manage' })).toBe('bank')
    expect(outcome({ headers, need: 'any' })).toBe('bank')
    expect(outcome({ headers, need: 'ingest' })).toMatch(/^forbidden: this key may read, manage, not ingest/)
    expect(outcome({ headers, need: 'feedback' })).toMatch(/^forbidden/)
  })

  test('a page: feedback, from its origins, also by the address', () => {
    const need = 'feedback'
    expect(outcome({ headers: { origin }, urlKey: page.text, need })).toBe('shop')
    expect(outcome({ headers: { origin, 'x-api-key': page.text }, need })).toBe('shop')
    expect(outcome({ headers: {}, urlKey: page.text, need })).toMatch(/^forbidden: .*origins/)
    for (const wrong of ['null', 'https://evil.example.com', `${origin}.evil.example.com`])
      expect(outcome({ headers: { origin: wrong }, urlKey: page.text, need })).toMatch(/^forbidden: .*origins/)
    for (const more of ['read', 'ingest', 'manage', 'any'] as const)
      expect(outcome({ headers: { origin, 'x-api-key': page.text }, need: more })).toMatch(/^forbidden: this key may/)
  })

  test('a secret key does not stand in the address', () => {
    expect(outcome({ urlKey: service.text, need: 'feedback' })).toMatch(/^unauthenticated: a secret key stands/)
    const headers = { 'x-api-key': service.text, origin }
    expect(outcome({ headers, urlKey: page.text, need: 'feedback' })).toMatch(/^unauthenticated: two different keys/)
  })
})

describe('how often', () => {
  test('wrong keys of one address: then it is told to wait, and keys that are right still count', () => {
    const clock = { ms: 0 }
    const access = accessAt(clock)
    const wrong = (address: string) => outcome({ address, headers: { 'x-api-key': forged } }, access)
    for (let n = 0; n < 60; n++) expect(wrong('10.0.0.1')).toMatch(/^unauthenticated/)
    expect(wrong('10.0.0.1')).toMatch(/^too_many_requests/)
    expect(wrong('::ffff:10.0.0.1')).toMatch(/^too_many_requests/)
    expect(wrong('10.0.0.2')).toMatch(/^unauthenticated/)
    expect(outcome({ address: '10.0.0.1', headers: { 'x-api-key': service.text } }, access)).toBe('shop')
    clock.ms = 1000
    expect(wrong('10.0.0.1')).toMatch(/^unauthenticated/)
    expect(wrong('10.0.0.1')).toMatch(/^too_many_requests/)
  })

  test('feedback of one visitor, and of all visitors of a page', () => {
    const clock = { ms: 0 }
    const access = accessAt(clock)
    const send = (address: string) =>
      outcome({ address, headers: { origin }, urlKey: page.text, need: 'feedback' }, access)
    const visitors = ['10.0.0.1', '2001:db8:1:1::1', '2001:db8:1:2::1', '10.0.0.2']
    const taken = visitors.map((address) =>
      Array.from({ length: 12 }, () => send(address)).filter((each) => each === 'shop'),
    )
    // A tenth of 30 a minute each; and a whole network of IPv6 is one visitor.
    expect(taken.map(({ length }) => length)).toEqual([3, 3, 3, 3])
    expect(send('2001:db8:1:1:ffff::2')).toMatch(/^too_many_requests/)
    const many = Array.from({ length: 40 }, (_, n) => send(`10.1.0.${n}`))
    expect(many.filter((each) => each === 'shop')).toHaveLength(18)
    clock.ms = 60_000
    expect(send('10.0.0.1')).toBe('shop')
    try {
      for (let n = 0; n < 5; n++)
        access.admit({ address: '10.0.0.1', headers: { origin }, urlKey: page.text, need: 'feedback' })
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ reason: 'too_many_requests', retryAfterSeconds: 20 })
    }
  })
})

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8::ffff:1:2', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['1:2::5:6:7:8:9', '1:2:0:5'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
])('%s is sender %s', (address, want) => expect(senderOf(address)).toBe(want))

test('buckets are bounded, and whoever comes again soon is not forgotten', () => {
  const buckets = new Buckets(() => 0)
  expect([buckets.take('mine', 2), buckets.take('mine', 2), buckets.take('mine', 2)]).toEqual([0, 0, 30])
  for (let n = 0; n < 100_000; n++) {
    buckets.take(`other ${n}`, 1)
    if (n % 9000 === 0) expect(buckets.take('mine', 2)).toBe(30)
  }
  for (let n = 0; n < 20_000; n++) buckets.take(`new ${n}`, 1)
  expect(buckets.take('mine', 2)).toBe(0)
})

test('the last use of each key is known', () => {
  const access = accessAt({ ms: 0 })
  outcome({ headers: { 'x-api-key': service.text } }, access)
  outcome({ headers: { 'x-api-key': other.text }, need: 'ingest' }, access)
  expect(access.uses().map(({ name, lastUsedMs }) => [name, lastUsedMs])).toEqual([
    ['service', Date.UTC(2026, 10, 24)],
    ['other', null],
    ['expired', null],
    ['page', null],
  ])
  expect(JSON.stringify(access.uses())).not.toContain(service.sha256)
})
