// Score configurations in the shapes of Langfuse's public API, both ways. Source: langfuse-python 5.0.4, api/score_configs and
// api/commons/types/score_config.

import { type ConfigInForce, type ConfigType, configTypes, type ScoreConfig } from './score-configs/config.ts'

/** Body of POST and PATCH. */
export interface LangfuseConfigBody {
  readonly name?: unknown
  readonly dataType?: unknown
  readonly categories?: unknown
  readonly minValue?: unknown
  readonly maxValue?: unknown
  readonly description?: unknown
  readonly isArchived?: unknown
}

/** As Langfuse shows one. */
export function langfuseConfig(project: string, { config, id, sinceMs }: ConfigInForce, isArchived = false): object {
  const { name, type, range, description } = config
  const at = new Date(sinceMs).toISOString()
  return {
    id,
    name,
    createdAt: at,
    updatedAt: at,
    projectId: project,
    dataType: type.toUpperCase(),
    isArchived,
    minValue: range?.min ?? null,
    maxValue: range?.max ?? null,
    categories: categoriesOf(config),
    description: description ?? null,
  }
}

/**
 * What a body asks for, as `readScoreConfig` takes it; `before` is what it changes. Langfuse refuses scores that break a
 * configuration, and so does one that is made by its API.
 */
export function configFromLangfuse(body: LangfuseConfigBody, before?: ScoreConfig): Record<string, unknown> {
  const { dataType, minValue, maxValue, categories, description } = body
  const type = before?.type ?? typeOf(dataType)
  const range = {
    min: minValue === undefined ? before?.range?.min : minValue,
    max: maxValue === undefined ? before?.range?.max : maxValue,
  }
  const isBounded = [range.min, range.max].some((each) => each !== undefined && each !== null)
  return {
    ...(before ?? { on_violation: 'refuse' }),
    name: before?.name ?? body.name,
    type: type ?? dataType,
    range: isBounded ? range : undefined,
    // Those of a boolean are made up on the way out.
    categories: type === 'boolean' ? undefined : mergedCategories(categories, before),
    description: description === undefined ? before?.description : description === '' ? undefined : description,
  }
}

function typeOf(dataType: unknown): ConfigType | undefined {
  return configTypes.find((type) => type.toUpperCase() === dataType)
}

/** Which labels are good is ours alone: a change that comes by Langfuse's API keeps it. */
function mergedCategories(given: unknown, before: ScoreConfig | undefined): unknown {
  if (given === undefined || given === null) return before?.categories
  if (!Array.isArray(given)) return given
  return given.map((each: unknown) => {
    const known = before?.categories?.find(({ label }) => label === (each as { label?: unknown } | null)?.label)
    return known?.verdict === undefined ? each : { ...(each as object), verdict: known.verdict }
  })
}

function categoriesOf({ type, categories }: ScoreConfig): readonly { label: string; value: number }[] | null {
  if (type === 'boolean')
    return [
      { label: 'True', value: 1 },
      { label: 'False', value: 0 },
    ]
  return categories?.map(({ label, value }, index) => ({ label, value: value ?? index })) ?? null
}
