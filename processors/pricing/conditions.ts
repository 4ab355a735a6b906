// The conditions a call was served under, as small numbers: nearly all calls share number 0, "nothing reported".

export interface CallConditions {
  readonly serviceTier: string
  /** Anthropic fast mode. */
  readonly speed: string
  readonly region: string
  readonly dataResidency: string
  readonly deploymentType: string
  readonly searchContextSize: string
  readonly imageSize: string
  readonly imageQuality: string
  readonly videoSize: string
}

export const noConditions: CallConditions = {
  serviceTier: '',
  speed: '',
  region: '',
  dataResidency: '',
  deploymentType: '',
  searchContextSize: '',
  imageSize: '',
  imageQuality: '',
  videoSize: '',
}

const conditionsMax = 10_000

/** Numbers for distinct conditions; beyond 10,000 of them, which no provider has, further ones count as not reported. */
export class ConditionTable {
  private readonly list: CallConditions[] = [noConditions]
  private readonly numbers = new Map<string, number>()

  id(sent: Partial<CallConditions>): number {
    const conditions = { ...noConditions, ...sent }
    const key = JSON.stringify(conditions)
    const known = this.numbers.get(key)
    if (known !== undefined) return known
    if (this.list.length >= conditionsMax) return 0
    const id = this.list.push(conditions) - 1
    this.numbers.set(key, id)
    return id
  }

  get(id: number): CallConditions {
    return this.list[id] ?? noConditions
  }
}
