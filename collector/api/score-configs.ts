// /api/score-configs…: what scores of a name may be and which are good, of the caller's project. What is set is durable and in
// force when it is answered. Changing needs the database.

import type { FastifyInstance } from 'fastify'
import type { ConfigInForce } from '../../processors/score-configs/config.ts'
import type { ScoreRow } from '../../processors/scores.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { type ApiParts, findingsShown } from './parts.ts'
import { problems } from './schemas.ts'
import * as schemas from './score-config-schemas.ts'

/** Who keeps score configurations. */
export interface ScoreConfigDoor {
  /** What is wrong with the file; an earlier one is in force then. */
  readonly findings: readonly string[]
  /** The score as it is to be stored. Throws Refusal. */
  judge(row: ScoreRow): ScoreRow
  list(project: string): readonly ConfigInForce[]
  get(project: string, name: string): ConfigInForce | undefined
  byId(project: string, id: string): ConfigInForce | undefined
  /** In force when it resolves. Rejects with Refusal. */
  put(project: string, name: string, tree: unknown): Promise<ConfigInForce>
  remove(project: string, name: string): Promise<void>
}

/** Bodies are checked by the code that reads the file: the schema is what /openapi.json says. */
const checkedBelow = { validatorCompiler: () => () => true } as const

export function addScoreConfigs(
  app: FastifyInstance,
  { project, keys }: Pick<ApiParts, 'project' | 'keys'>,
  configs: ScoreConfigDoor,
): void {
  app.get(
    '/api/score-configs',
    {
      schema: {
        summary: 'Score configurations in force',
        tags: ['feedback'],
        response: { 200: schemas.scoreConfigList, ...problems },
      },
    },
    async (request) => ({
      score_configs: configs.list(project(request.headers)).map(shownConfig),
      file_findings: findingsShown(configs.findings, keys),
    }),
  )

  app.get<{ Params: { name: string } }>(
    '/api/score-configs/:name',
    {
      schema: {
        summary: 'One score configuration',
        tags: ['feedback'],
        params: schemas.nameParam,
        response: { 200: schemas.scoreConfig, ...problems },
      },
    },
    async (request) => {
      const { name } = request.params
      const found = configs.get(project(request.headers), name)
      if (found === undefined) throw new Refusal('not_found', `no score configuration has the name "${name}"`)
      return shownConfig(found)
    },
  )

  app.put<{ Params: { name: string } }>(
    '/api/score-configs/:name',
    {
      schema: {
        summary: 'Set what scores of a name may be and which are good',
        description: 'Judges scores that come from now on; `spanledger scores rejudge` shows and changes earlier ones.',
        tags: ['feedback'],
        params: schemas.nameParam,
        body: schemas.scoreConfigBody,
        response: { 200: schemas.scoreConfig, ...problems },
      },
      ...checkedBelow,
    },
    async (request) => shownConfig(await configs.put(project(request.headers), request.params.name, request.body)),
  )

  app.delete<{ Params: { name: string } }>(
    '/api/score-configs/:name',
    {
      schema: {
        summary: 'End a score configuration that the API has set',
        description: 'Scores it has judged keep their verdict.',
        tags: ['feedback'],
        params: schemas.nameParam,
        response: { 200: { type: 'object', properties: { status: { type: 'string', const: 'ended' } } }, ...problems },
      },
    },
    async (request) => {
      await configs.remove(project(request.headers), request.params.name)
      return { status: 'ended' }
    },
  )
}

function shownConfig({ config, id, version, source, sinceMs }: ConfigInForce) {
  return { ...config, id, version, source, since: new Date(sinceMs).toISOString() }
}
