// Whom a call is for: the application's own attributes, baggage, metadata of instrumentations, resources, and the user's own map.

import { describe, expect, test } from 'vitest'
import { attributionColumns } from '../../schemas/attribution.ts'
import { Bench } from '../batches.ts'
import { type Attributes, tracesRequest } from '../otlp-messages.ts'

const bench = new Bench()
const call = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 7 }
const read = (attributes: Attributes, resource: Attributes = {}, of = bench) =>
  of.rows(tracesRequest({ resource, spans: [{ attributes: { ...call, ...attributes } }] }))[0]!

describe('without configuration', () => {
  test.each([
    ['baggage.user.id', 'user_id'],
    ['baggage.session.id', 'session_id'],
    ['baggage.tenant_id', 'customer'],
    ['langfuse.trace.metadata.team', 'team'],
    ['langfuse.observation.metadata.customerId', 'customer'],
    ['traceloop.association.properties.user_id', 'user_id'],
    ['traceloop.association.properties.langgraph_node', 'step'],
    ['traceloop.association.properties.feature', 'feature'],
    ['ai.telemetry.metadata.inputClass', 'input_class'],
    ['ai.settings.context.userId', 'user_id'],
    ['langsmith.metadata.thread_id', 'session_id'],
    ['mastra.metadata.userId', 'user_id'],
    ['lmnr.association.properties.metadata.collection', 'collection'],
    ['metadata.user_api_key_team_alias', 'team'],
    ['gen_ai.data_source.id', 'collection'],
    ['spanledger.prompt_version', 'prompt_version'],
    ['app.environment', 'env'],
    ['app.release', 'release'],
    ['customer.id', 'customer'],
    ['team', 'team'],
  ])('%s fills %s', (name, column) => {
    expect(read({ [name]: 'v' })).toMatchObject({ [column]: 'v' })
  })

  test('a number is kept as its text', () => {
    expect(read({ 'metadata.customer_id': 42, 'baggage.team': 7 })).toMatchObject({ customer: '42', team: '7' })
  })

  test('what the application says wins over what an instrumentation makes up, conventions over metadata', () => {
    const row = read({
      'langfuse.trace.name': 'trace-1',
      'gen_ai.workflow.name': 'graph',
      'baggage.feature': 'checkout',
      'metadata.user_id': 'other',
      'user.id': 'ada',
    })
    expect(row).toMatchObject({ feature: 'checkout', user_id: 'ada' })
  })

  test('members of metadata that is a JSON object count as attributes do', () => {
    const metadata = {
      user_id: 'ada',
      thread_id: 't1',
      langgraph_node: 'plan',
      team: 'search',
      customer_id: 9,
      nested: { team: 'x' },
    }
    expect(read({ metadata: JSON.stringify(metadata) })).toMatchObject({
      user_id: 'ada',
      session_id: 't1',
      step: 'plan',
      team: 'search',
      customer: '9',
    })
    expect(read({ metadata: JSON.stringify(metadata), 'session.id': 's', 'baggage.team': 'ads' })).toMatchObject({
      session_id: 's',
      team: 'ads',
    })
    for (const bad of ['{"team":', '[1]', 'null', '{"team":{}}', ''])
      expect(read({ metadata: bad })).not.toHaveProperty('team')
  })

  test('a resource speaks for its spans, unless they say otherwise', () => {
    const resource = {
      'deployment.environment.name': 'prod',
      'service.version': '1.2',
      'team.id': 'platform',
      'user.id': 'ada',
      'tenant.id': 't1',
      'agent.name': 'opentelemetry/nodejs',
    }
    const shared = read({}, resource)
    expect(shared).toMatchObject({ env: 'prod', release: '1.2', team: 'platform', user_id: 'ada', customer: 't1' })
    expect(shared).not.toHaveProperty('agent_name')
    expect(read({ 'app.team': 'search', 'user.id': 'bob', 'langfuse.environment': 'dev' }, resource)).toMatchObject({
      team: 'search',
      user_id: 'bob',
      env: 'dev',
      customer: 't1',
    })
    expect(read({ 'app.team': 'search' })).not.toHaveProperty('customer')
  })
})

describe('by the map', () => {
  const own = new Bench({
    attributeMap: new Map([
      ['acme.who', 'user_id'],
      ['acme.also', 'user_id'],
      ['gen_ai.conversation.id', 'customer'],
      ['metadata.risk', 'input_class'],
      ['acme.agent', 'agent_name'],
      ['baggage.team', 'step'],
    ]),
  })

  test('its names come first, in its order, and mean nothing else', () => {
    expect(read({ 'acme.also': 'b', 'acme.who': 'a', 'user.id': 'c' }, {}, own)).toMatchObject({ user_id: 'a' })
    const row = read({ 'gen_ai.conversation.id': 'acme', 'session.id': 's', 'baggage.team': 'retrieve' }, {}, own)
    expect(row).toMatchObject({ customer: 'acme', session_id: 's', step: 'retrieve' })
    expect(row).not.toHaveProperty('team')
    // The view shows this name from `session_id`, which another attribute holds: it must stay as it was sent.
    expect(row['attributes']).toMatchObject({ 'gen_ai.conversation.id': 'acme' })
  })

  test('they hold for members of metadata and for resources', () => {
    expect(read({ metadata: '{"risk":"high"}' }, {}, own)).toMatchObject({ input_class: 'high' })
    expect(read({}, { 'acme.agent': 'planner', 'acme.who': 'ada' }, own)).toMatchObject({
      agent_name: 'planner',
      user_id: 'ada',
    })
  })

  test('each column can be named', () => {
    for (const column of attributionColumns) {
      const each = new Bench({ attributeMap: new Map([['acme.x', column]]) })
      expect(read({ 'acme.x': 'v' }, {}, each)).toMatchObject({ [column]: 'v' })
      expect(read({}, { 'acme.x': 'v' }, each)).toMatchObject({ [column]: 'v' })
    }
  })
})

test('all of it comes down the trace, in any order', () => {
  const said = {
    'user.id': 'ada',
    'session.id': 's',
    'app.feature': 'f',
    'app.team': 't',
    'app.customer': 'c',
    'app.input_class': 'i',
    'app.collection': 'k',
    'langfuse.environment': 'dev',
  }
  const spans = [
    { spanId: 'a'.repeat(16), attributes: said },
    {
      spanId: 'b'.repeat(16),
      parentSpanId: 'a'.repeat(16),
      attributes: { 'gen_ai.agent.name': 'planner', 'app.step': 'plan' },
    },
    { name: 'call', spanId: 'c'.repeat(16), parentSpanId: 'b'.repeat(16), attributes: { ...call, 'app.team': 'own' } },
  ]
  for (const order of [spans, [...spans].reverse()]) {
    const found = bench.rows(tracesRequest({ spans: order })).find((row) => row['name'] === 'call')
    expect(found).toMatchObject({
      user_id: 'ada',
      session_id: 's',
      feature: 'f',
      team: 'own',
      customer: 'c',
      input_class: 'i',
      collection: 'k',
      env: 'dev',
      agent_name: 'planner',
      step: 'plan',
    })
  }
})
