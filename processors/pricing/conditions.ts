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
  private readonly texts: string[] = ['']
  private readonly numbers = new Map<string, number>()

  id(sent: Partial<CallConditions>): number {
    const conditions = { ...noConditions, ...sent }
    const text = conditionsText(conditions)
    if (text === '') return 0
    const known = this.numbers.get(text)
    if (known !== undefined) return known
    if (this.list.length >= conditionsMax) return 0
    const id = this.list.push(conditions) - 1
    this.texts.push(text)
    this.numbers.set(text, id)
    return id
  }

  get(id: number): CallConditions {
    return this.list[id] ?? noConditions
  }

  /** As the column `price_conditions` holds them. */
  text(id: number): string {
    return this.texts[id] ?? ''
  }
}

/** JSON of those that were reported, in the order they are declared; '' for none. */
export function conditionsText(conditions: CallConditions): string {
  const reported = Object.entries(conditions).filter(([, value]) => value !== '')
  return reported.length === 0 ? '' : JSON.stringify(Object.fromEntries(reported))
}

/** The other way round: what a row's `price_conditions` says. Throws SyntaxError for what is no JSON. */
export function parseConditions(text: string): CallConditions {
  return text === '' ? noConditions : { ...noConditions, ...(JSON.parse(text) as Partial<CallConditions>) }
}
