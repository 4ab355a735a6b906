// Datasets of Langfuse's public API, so that its SDKs keep, read and run evaluation sets here:
//
//   POST, GET /api/public/v2/datasets, GET …/{name}        the same under /api/public/datasets, which older SDKs use
//   POST, GET /api/public/dataset-items, GET, DELETE …/{id}
//   POST, GET /api/public/dataset-run-items                which trace answered which item in which run
//   GET /api/public/datasets/{name}/runs, …/runs/{run}
//
// Kept in ClickHouse: to write needs it, unlike scores.

import { randomUUIDv7 } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type Body,
  type Dataset,
  datasetOf,
  datasetShape,
  deletedItem,
  itemOf,
  itemShape,
  runItemOf,
  runItemShape,
  runShape,
} from '../../processors/langfuse-datasets.ts'
import { WrongScore } from '../../processors/langfuse-scores.ts'
import { plainId } from '../../processors/scores.ts'
import { Refusal } from '../../schemas/refusal.ts'
import {
  type DatasetWriter,
  readDatasets,
  readItem,
  readItems,
  readRunItems,
  readRuns,
  writeDataset,
  writeItem,
  writeRunItem,
} from '../dataset-store.ts'
import { checked, type Given, metaOf, pageOf, textAt, timeAt } from './langfuse-query.ts'
import type { ApiParts } from './parts.ts'

const bodyBytesMax = 4 << 20
const runItemsMax = 1000
const hidden = { schema: { hide: true } } as const
/** What an evaluation sends, as it sends its scores. */
const sending = { ...hidden, config: { may: 'feedback' }, bodyLimit: bodyBytesMax } as const

export function addLangfuseDatasets(app: FastifyInstance, parts: ApiParts, writer: DatasetWriter): void {
  addSets(app, parts, writer)
  addItems(app, parts, writer)
  addRuns(app, parts, writer)
}

function addSets(app: FastifyInstance, parts: ApiParts, writer: DatasetWriter): void {
  const { clickhouse } = parts
  for (const path of ['/api/public/v2/datasets', '/api/public/datasets']) {
    app.post<{ Body: Body }>(path, sending, async (request) => {
      const place = placeOf(parts, request)
      const body = objectOf(request.body)
      const [before] = await readDatasets(clickhouse, place.project, [String(body['name'])])
      const dataset = checkedBy(() => datasetOf(body, before, place))
      await writeDataset(writer, dataset)
      return datasetShape(dataset)
    })

    app.get<{ Querystring: Given }>(path, hidden, async (request) => {
      const { page, limit } = pageOf(checked(request.query, ['page', 'limit']))
      const all = await readDatasets(clickhouse, parts.project(request.headers))
      const rows = all.slice((page - 1) * limit, page * limit)
      return { data: rows.map(datasetShape), meta: metaOf(page, limit, all.length) }
    })
  }

  app.get<{ Params: { name: string } }>('/api/public/v2/datasets/:name', hidden, async (request) =>
    datasetShape(await datasetNamed(parts, request, request.params.name)),
  )

  // The first version says everything at once.
  app.get<{ Params: { name: string } }>('/api/public/datasets/:name', hidden, async (request) => {
    const dataset = await datasetNamed(parts, request, request.params.name)
    const { project_id: project, name } = dataset
    const whole = { limit: 10_000, offset: 0 }
    const items = await readItems(clickhouse, project, { dataset: name, sourceTrace: '', sourceSpan: '' }, whole)
    const runs = await readRuns(clickhouse, project, { dataset: name, run: '' }, whole)
    return {
      ...datasetShape(dataset),
      items: items.rows.map(itemShape),
      runs: runs.rows.map(({ run_name }) => run_name),
    }
  })
}

function addItems(app: FastifyInstance, parts: ApiParts, writer: DatasetWriter): void {
  const { clickhouse } = parts
  app.post<{ Body: Body }>('/api/public/dataset-items', sending, async (request) => {
    const place = placeOf(parts, request)
    const body = objectOf(request.body)
    const { id } = body
    const before = typeof id === 'string' && id !== '' ? await readItem(clickhouse, place.project, id) : undefined
    const item = checkedBy(() => itemOf(body, before, { ...place, newId: randomUUIDv7 }))
    await datasetNamed(parts, request, item.dataset)
    await writeItem(writer, item)
    return itemShape(item)
  })

  app.get<{ Querystring: Given }>('/api/public/dataset-items', hidden, async (request) => {
    const known = ['datasetName', 'sourceTraceId', 'sourceObservationId', 'version', 'page', 'limit']
    const given = checked(request.query, known)
    const { page, limit } = pageOf(given)
    const at = timeAt(given, 'version')
    const filter = {
      dataset: textAt(given, 'datasetName'),
      sourceTrace: plainId(textAt(given, 'sourceTraceId')),
      sourceSpan: plainId(textAt(given, 'sourceObservationId')),
      ...(at === undefined ? {} : { atMs: Date.parse(at) }),
    }
    if (filter.dataset !== '') await datasetNamed(parts, request, filter.dataset)
    const place = { limit, offset: (page - 1) * limit }
    const { rows, total } = await readItems(clickhouse, parts.project(request.headers), filter, place)
    return { data: rows.map(itemShape), meta: metaOf(page, limit, total) }
  })

  app.get<{ Params: { id: string } }>('/api/public/dataset-items/:id', hidden, async (request) =>
    itemShape(await itemWithId(parts, request, request.params.id)),
  )

  app.delete<{ Params: { id: string } }>('/api/public/dataset-items/:id', hidden, async (request) => {
    await writeItem(writer, deletedItem(await itemWithId(parts, request, request.params.id), parts.now()))
    return { message: 'Dataset item successfully deleted' }
  })
}

function addRuns(app: FastifyInstance, parts: ApiParts, writer: DatasetWriter): void {
  const { clickhouse } = parts
  app.post<{ Body: Body }>('/api/public/dataset-run-items', sending, async (request) => {
    const body = objectOf(request.body)
    const { datasetItemId } = body
    if (typeof datasetItemId !== 'string' || datasetItemId === '')
      throw new Refusal('bad_request', 'datasetItemId is missing: name the item that is answered')
    const item = await itemWithId(parts, request, datasetItemId)
    const row = checkedBy(() => runItemOf(body, item, placeOf(parts, request)))
    await writeRunItem(writer, row)
    return runItemShape(row)
  })

  app.get<{ Querystring: Given }>('/api/public/dataset-run-items', hidden, async (request) => {
    const given = checked(request.query, ['datasetId', 'runName', 'page', 'limit'])
    const { page, limit } = pageOf(given)
    // The id of a dataset is its name.
    const asked = { dataset: textAt(given, 'datasetId'), run: textAt(given, 'runName') }
    const place = { limit, offset: (page - 1) * limit }
    const { rows, total } = await readRunItems(clickhouse, parts.project(request.headers), asked, place)
    return { data: rows.map(runItemShape), meta: metaOf(page, limit, total) }
  })

  app.get<{ Params: { name: string }; Querystring: Given }>(
    '/api/public/datasets/:name/runs',
    hidden,
    async (request) => {
      const { page, limit } = pageOf(checked(request.query, ['page', 'limit']))
      const { project_id: project, name } = await datasetNamed(parts, request, request.params.name)
      const place = { limit, offset: (page - 1) * limit }
      const { rows, total } = await readRuns(clickhouse, project, { dataset: name, run: '' }, place)
      return { data: rows.map(runShape), meta: metaOf(page, limit, total) }
    },
  )

  app.get<{ Params: { name: string; run: string } }>(
    '/api/public/datasets/:name/runs/:run',
    hidden,
    async (request) => {
      const { project_id: project, name } = await datasetNamed(parts, request, request.params.name)
      const asked = { dataset: name, run: request.params.run }
      const { rows } = await readRuns(clickhouse, project, asked, { limit: 1, offset: 0 })
      const [run] = rows
      if (run === undefined) throw new Refusal('not_found', 'there is no such run of the dataset')
      const items = await readRunItems(clickhouse, project, asked, { limit: runItemsMax, offset: 0 })
      return { ...runShape(run), datasetRunItems: items.rows.map(runItemShape) }
    },
  )
}

function placeOf(parts: ApiParts, request: FastifyRequest): { readonly project: string; readonly nowMs: number } {
  return { project: parts.project(request.headers), nowMs: parts.now() }
}

async function datasetNamed(parts: ApiParts, request: FastifyRequest, name: string): Promise<Dataset> {
  const [found] = await readDatasets(parts.clickhouse, parts.project(request.headers), [name])
  if (found === undefined) throw new Refusal('not_found', `there is no dataset "${name.slice(0, 64)}": make it first`)
  return found
}

async function itemWithId(parts: ApiParts, request: FastifyRequest, id: string) {
  const found = await readItem(parts.clickhouse, parts.project(request.headers), id)
  if (found === undefined || found.is_deleted === 1) throw new Refusal('not_found', 'there is no such dataset item')
  return found
}

function objectOf(body: unknown): Body {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal('bad_request', 'the body must be an object')
  return body as Body // an object of JSON
}

function checkedBy<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof WrongScore) throw new Refusal('bad_request', error.message)
    throw error
  }
}
