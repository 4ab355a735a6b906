// A JSON Schema as a request has it → one that can be compiled and checked in bounded time, although a sender wrote it. Keywords whose
// time has no bound (patterns, uniqueness) are taken out; what is left says less, never more.

export interface PlainSchema {
  readonly schema: object
  /** Schemas that one value meets at most, with references followed. */
  readonly size: number
  /** Places that refer back to a schema around them. */
  readonly cycles: number
}

const nodesMax = 1000
const depthMax = 64

/** Members that are maps of names to schemas, schemas, and lists of schemas. */
const maps = new Set(['properties', '$defs', 'definitions', 'dependentSchemas'])
const ones = new Set([
  'items',
  'additionalProperties',
  'additionalItems',
  'unevaluatedProperties',
  'unevaluatedItems',
  'not',
  'if',
  'then',
  'else',
  'contains',
])
const lists = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
/** Kept as they are; they hold no schema. */
const plain = new Set(
  'type enum const required minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains nullable dependentRequired'.split(
    ' ',
  ),
)

/** Say nothing of a value. */
const notes = new Set(
  'title description default examples example $schema $id $comment deprecated readOnly writeOnly id strict'.split(' '),
)
/** Where a schema inside is to fail, or one of several: with less said, more would be broken. */
const turning = new Set(['not', 'if', 'oneOf', 'contains'])

type Members = Readonly<Record<string, unknown>>

/** Undefined for a schema that is too large, or that means something by a keyword that is not checked. */
export function plainSchema(schema: object): PlainSchema | undefined {
  const copying: Copying = { nodes: 0, isLess: false, isTurned: false }
  const copy = copyOf(schema, copying, 0)
  if (copy === undefined || typeof copy !== 'object' || (copying.isLess && copying.isTurned)) return undefined
  const measure = { size: 0, cycles: 0 }
  if (!measured(copy, copy as Members, new Set(), measure)) return undefined
  return { schema: copy, ...measure }
}

interface Copying {
  nodes: number
  /** Something was taken out. */
  isLess: boolean
  isTurned: boolean
}

function copyOf(value: unknown, copying: Copying, depth: number): object | boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (++copying.nodes > nodesMax || depth > depthMax) return undefined
  const copy: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) {
    // Its names decide what is an additional property.
    if (key === 'patternProperties' || key === '$dynamicRef' || key === '$recursiveRef') return undefined
    if (key === '$id' && depth > 0) return undefined
    if (turning.has(key)) copying.isTurned = true
    if (key === '$ref') {
      if (typeof member !== 'string' || !/^#(?:\/[^%]*)?$/.test(member)) return undefined
      copy['$ref'] = member
    } else if (plain.has(key)) copy[key] = member
    else if (maps.has(key)) {
      const map = mapOf(member, copying, depth)
      if (map === undefined) return undefined
      copy[key] = map
    } else if (lists.has(key) || (key === 'items' && Array.isArray(member))) {
      const list = Array.isArray(member) ? member.map((each) => copyOf(each, copying, depth + 1)) : [undefined]
      if (list.includes(undefined)) return undefined
      copy[key === 'items' ? 'prefixItems' : key] = list
    } else if (ones.has(key)) {
      const one = copyOf(member, copying, depth + 1)
      if (one === undefined) return undefined
      copy[key] = one
    } else if (!notes.has(key)) copying.isLess = true
  }
  // Drafts up to 7 call by this name what comes behind a list of items.
  if ('additionalItems' in copy) {
    if ('prefixItems' in copy) copy['items'] = copy['additionalItems']
    delete copy['additionalItems']
  }
  return copy
}

function mapOf(value: unknown, copying: Copying, depth: number): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const map: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    const copy = copyOf(member, copying, depth + 1)
    if (copy === undefined || name === '__proto__') return undefined
    map[name] = copy
  }
  return map
}

/** Counts the schemas met when every reference is followed; false when there are too many, or one leads nowhere. */
function measured(
  node: unknown,
  root: Members,
  above: Set<object>,
  measure: { size: number; cycles: number },
): boolean {
  if (typeof node !== 'object' || node === null) return typeof node === 'boolean'
  if (above.has(node)) {
    measure.cycles++
    return true
  }
  const members = node as Members
  measure.size += 1 + (Array.isArray(members['enum']) ? members['enum'].length : 0)
  if (measure.size > nodesMax) return false
  above.add(node)
  const { $ref } = members
  const below: unknown[] = typeof $ref === 'string' ? [targetOf(root, $ref)] : []
  for (const [key, member] of Object.entries(members)) {
    if (ones.has(key)) below.push(member)
    else if (lists.has(key)) below.push(...(member as unknown[]))
    else if (key === 'properties' || key === 'dependentSchemas') below.push(...Object.values(member as Members))
  }
  const isBounded = below.every((each) => measured(each, root, above, measure))
  above.delete(node)
  return isBounded
}

function targetOf(root: Members, ref: string): unknown {
  let at: unknown = root
  for (const part of ref.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Members)[name]
  }
  return at
}
