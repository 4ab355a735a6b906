// What every span of a resource shares: service, environment, release. Read once a resource, copied to its rows.

import { low, type SpanBatch, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'

const columns = {
  'service.name': low.service,
  'service.version': low.service_version,
  'deployment.environment.name': low.env,
  'deployment.environment': low.env,
  'langfuse.environment': low.env,
  'langfuse.release': low.release,
} as const satisfies Record<string, number>

/** Values by resource of one batch; `read` before `apply`. */
export class ResourceReader {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly names = Object.keys(columns) as readonly (keyof typeof columns)[]
  private readonly targets = [...new Set(Object.values(columns))]
  private keyIds = new Int32Array(0)
  /** Place in `names` of the value found for each target. */
  private readonly ranks = new Int32Array(this.targets.length)
  private generation = -1
  /** Value of each target column, a row of them for each resource. */
  private values = new Int32Array(256)

  constructor(batch: SpanBatch, strings: StringTable) {
    this.batch = batch
    this.strings = strings
  }

  read(): void {
    const { batch, strings } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      this.keyIds = Int32Array.from(this.names, (name) => strings.internText(name))
    }
    const width = this.targets.length
    if (this.values.length < batch.resources * width) this.values = new Int32Array(batch.resources * width * 2)
    this.values.fill(0, 0, batch.resources * width)
    for (let resource = 0; resource < batch.resources; resource++) {
      this.ranks.fill(this.names.length)
      for (let i = batch.resourceAttrFrom[resource]!; i < batch.resourceAttrTo[resource]!; i++) {
        const name = this.keyIds.indexOf(batch.attrKey[i]!)
        if (name < 0 || batch.attrType[i] !== valueType.string || batch.attrStart[i] === batch.attrEnd[i]) continue
        const target = this.targets.indexOf(columns[this.names[name]!])
        // Names are in order of preference; of one name sent twice the later stands.
        if (name > this.ranks[target]!) continue
        this.ranks[target] = name
        this.values[resource * width + target] = strings.intern(batch.bytes, batch.attrStart[i]!, batch.attrEnd[i]!)
      }
      const release = resource * width + this.targets.indexOf(low.release)
      if (this.values[release] === 0)
        this.values[release] = this.values[resource * width + this.targets.indexOf(low.service_version)]!
    }
  }

  apply(row: number): void {
    const { batch, targets, values } = this
    const from = batch.resource[row]! * targets.length
    for (let i = 0; i < targets.length; i++) batch.low[targets[i]!]![row] = values[from + i]!
  }
}
