// What a file or a request says of score configurations, checked: the configurations, or everything that is wrong with them.

import { type ConfigType, configTypes, type DeclaredConfig, type ScoreCategory, type ScoreConfig } from './config.ts'

export interface ConfigFinding {
  /** Where, as keys and indices from the top. */
  readonly path: readonly (string | number)[]
  /** What is wrong, and what would be right. */
  readonly message: string
}

export interface ReadConfigs {
  readonly configs: readonly DeclaredConfig[]
  readonly findings: readonly ConfigFinding[]
}

export const configLimits = {
  configs: 1000,
  categories: 200,
  name: 128,
  label: 256,
  description: 2000,
  projects: 100,
} as const

type Path = ConfigFinding['path']
type Find = (path: Path, message: string) => void
type Fields = Readonly<Record<string, unknown>>

/** Which fields say something for which type. */
const fieldsOf: Readonly<Record<ConfigType, readonly string[]>> = {
  numeric: ['range', 'direction', 'threshold', 'one_vote'],
  boolean: ['direction', 'one_vote'],
  categorical: ['categories', 'one_vote'],
  text: [],
}
const commonFields = ['name', 'project', 'type', 'on_violation', 'description']
const typeFields = ['range', 'categories', 'direction', 'threshold', 'one_vote']

/** A whole file: `score_configs:` and a list. */
export function readScoreConfigs(tree: unknown): ReadConfigs {
  const findings: ConfigFinding[] = []
  const find: Find = (path, message) => findings.push({ path, message })
  const configs: DeclaredConfig[] = []
  const top = fieldsIn(tree, [], find, ['score_configs'])
  const list = top?.['score_configs']
  if (top !== undefined && !Array.isArray(list)) find(['score_configs'], 'must be a list of score configurations')
  else if (Array.isArray(list) && list.length > configLimits.configs)
    find(['score_configs'], `has ${list.length} configurations, limit is ${configLimits.configs}`)
  else
    for (const [i, each] of ((list ?? []) as unknown[]).entries()) {
      const path = ['score_configs', i]
      const fields = fieldsIn(each, path, find, [...commonFields, ...typeFields])
      if (fields === undefined) continue
      const before = findings.length
      const projects = projectsIn(fields['project'], path, find)
      const config = configIn(fields, path, find)
      if (findings.length > before || config === undefined) continue
      const twin = configs.find((other) => other.config.name === config.name && overlap(other.projects, projects))
      if (twin !== undefined) find(path, `"${config.name}" is configured twice for ${projects[0] ?? 'every project'}`)
      configs.push({ config, projects })
    }
  return { configs: findings.length === 0 ? configs : [], findings }
}

/** One configuration as the API takes it; its name is in the address. */
export function readScoreConfig(
  tree: unknown,
  name: string,
): { readonly config: ScoreConfig | undefined; readonly findings: readonly ConfigFinding[] } {
  const findings: ConfigFinding[] = []
  const find: Find = (path, message) => findings.push({ path, message })
  const fields = fieldsIn(tree, [], find, [...commonFields.filter((field) => field !== 'project'), ...typeFields])
  if (fields === undefined) return { config: undefined, findings }
  if (fields['name'] !== undefined && fields['name'] !== name)
    find(['name'], `is not "${name}", which the address names`)
  const config = configIn({ ...fields, name }, [], find)
  return { config: findings.length === 0 ? config : undefined, findings }
}

/** `score_configs[2].range.min: must be a number`. */
export function configFindingText({ path, message }: ConfigFinding): string {
  const at = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
  return at === '' ? message : `${at.replace(/^\./, '')}: ${message}`
}

function configIn(fields: Fields, path: Path, find: Find): ScoreConfig | undefined {
  const name = textIn(fields['name'], [...path, 'name'], find, configLimits.name)
  const type = choiceIn(fields['type'], [...path, 'type'], find, configTypes)
  const onViolation = choiceIn(fields['on_violation'] ?? 'flag', [...path, 'on_violation'], find, [
    'refuse',
    'flag',
  ] as const)
  const oneVote = choiceIn(fields['one_vote'] ?? 'author', [...path, 'one_vote'], find, ['author', 'none'] as const)
  const description =
    fields['description'] === undefined
      ? ''
      : textIn(fields['description'], [...path, 'description'], find, configLimits.description, true)
  if (name === undefined || type === undefined || onViolation === undefined || oneVote === undefined) return undefined
  for (const field of typeFields)
    if (fields[field] !== undefined && !fieldsOf[type].includes(field)) {
      const known = fieldsOf[type].length === 0 ? 'none of its own' : fieldsOf[type].join(', ')
      find([...path, field], `says nothing for a ${type} score; its fields are ${known}`)
    }
  const range = rangeIn(fields['range'], [...path, 'range'], find)
  const categories =
    type === 'categorical' ? categoriesIn(fields['categories'], [...path, 'categories'], find) : undefined
  const direction =
    fields['direction'] === undefined
      ? undefined
      : choiceIn(fields['direction'], [...path, 'direction'], find, ['high', 'low'] as const)
  const threshold = numberIn(fields['threshold'], [...path, 'threshold'], find)
  if (threshold !== undefined && range !== undefined && !within(threshold, range))
    find([...path, 'threshold'], `${threshold} is out of the range: no score could be on both sides of it`)
  return {
    name,
    type,
    ...(range === undefined ? {} : { range }),
    ...(categories === undefined ? {} : { categories }),
    // A threshold without a direction is one that good scores reach from below.
    ...(direction === undefined ? (threshold === undefined ? {} : { direction: 'high' as const }) : { direction }),
    ...(threshold === undefined ? {} : { threshold }),
    on_violation: onViolation,
    one_vote: oneVote,
    ...(description === '' || description === undefined ? {} : { description }),
  }
}

function rangeIn(value: unknown, path: Path, find: Find): ScoreConfig['range'] {
  if (value === undefined) return undefined
  const fields = fieldsIn(value, path, find, ['min', 'max'])
  if (fields === undefined) return undefined
  const min = numberIn(fields['min'], [...path, 'min'], find)
  const max = numberIn(fields['max'], [...path, 'max'], find)
  if (min !== undefined && max !== undefined && min >= max) find(path, `min ${min} is not below max ${max}`)
  if (fields['min'] === undefined && fields['max'] === undefined) find(path, 'has neither min nor max')
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }
}

function categoriesIn(value: unknown, path: Path, find: Find): ScoreCategory[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > configLimits.categories) {
    find(
      path,
      `must be a list of 1 to ${configLimits.categories} categories, such as {label: formal, value: 1, verdict: good}`,
    )
    return undefined
  }
  const categories: ScoreCategory[] = []
  for (const [i, each] of value.entries()) {
    const at = [...path, i]
    const fields = fieldsIn(typeof each === 'string' ? { label: each } : each, at, find, ['label', 'value', 'verdict'])
    if (fields === undefined) continue
    const label = textIn(fields['label'], [...at, 'label'], find, configLimits.label)
    const number = numberIn(fields['value'], [...at, 'value'], find)
    const verdict =
      fields['verdict'] === undefined
        ? undefined
        : choiceIn(fields['verdict'], [...at, 'verdict'], find, ['good', 'bad'] as const)
    if (label === undefined) continue
    if (categories.some((other) => other.label === label)) find([...at, 'label'], `"${label}" is there twice`)
    if (number !== undefined && categories.some((other) => other.value === number))
      find([...at, 'value'], `${number} is there twice`)
    categories.push({
      label,
      ...(number === undefined ? {} : { value: number }),
      ...(verdict === undefined ? {} : { verdict }),
    })
  }
  return categories
}

function projectsIn(value: unknown, path: Path, find: Find): string[] {
  if (value === undefined) return []
  const list: unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0 || list.length > configLimits.projects)
    find([...path, 'project'], `must be a name, or 1 to ${configLimits.projects} names; left out for every project`)
  return list.flatMap((each) => textIn(each, [...path, 'project'], find, configLimits.name) ?? [])
}

function fieldsIn(value: unknown, path: Path, find: Find, known: readonly string[]): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    find(path, `must be an object with ${known.join(', ')}`)
    return undefined
  }
  for (const key of Object.keys(value))
    if (!known.includes(key)) find([...path, key.slice(0, 64)], `is not known; known are ${known.join(', ')}`)
  // Null is how JSON leaves a field out.
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null && each !== undefined))
}

function textIn(value: unknown, path: Path, find: Find, max: number, mayBreak = false): string | undefined {
  const text = typeof value === 'string' ? value.trim() : undefined
  const isPlain = text !== undefined && (mayBreak || !/[\p{Cc}\u2028\u2029]/u.test(text))
  if (text !== undefined && text !== '' && text.length <= max && isPlain && text.isWellFormed()) return text
  find(path, `must be a text of 1 to ${max} characters${mayBreak ? '' : ' in one line'}`)
  return undefined
}

function numberIn(value: unknown, path: Path, find: Find): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isFinite(value)) return value
  find(path, 'must be a number')
  return undefined
}

function choiceIn<T extends string>(value: unknown, path: Path, find: Find, choices: readonly T[]): T | undefined {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) find(path, `must be one of ${choices.join(', ')}`)
  return found
}

function within(value: number, { min = -Infinity, max = Infinity }: NonNullable<ScoreConfig['range']>): boolean {
  return value >= min && value <= max
}

function overlap(one: readonly string[], other: readonly string[]): boolean {
  return (one.length === 0 && other.length === 0) || one.some((project) => other.includes(project))
}
