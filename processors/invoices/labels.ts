// Labels on bills → model, kind and conditions. Words are taken out of the label by the tables of label-words.ts; what is
// left must be a model that is known by name, else the line is shown as unmapped.

import { makersLeftOut, openaiKinds, openaiTools, type Word, type WordEffect } from './label-words.ts'
import { type Dimensions, type Family, type Meaning, unsaid } from './line.ts'

export function readWords(label: string, words: readonly Word[], assumed: Partial<Dimensions> = {}): Meaning {
  let text = ` ${label
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, ' ')
    .trim()} `
  const seen = new Set<NonNullable<WordEffect['is']>>()
  let family: Family | null = null
  let dimensions: Partial<Dimensions> = assumed
  for (const [pattern, effect] of words) {
    const found = new RegExp(` (?:${pattern})(?= )`).exec(text)
    if (found === null) continue
    text = text.replace(found[0], '')
    if (effect.is !== undefined) seen.add(effect.is)
    family ??= effect.family ?? null
    dimensions = { ...dimensions, ...effect.dimensions }
  }
  family ??= familyOf(seen)
  return { model: family === 'other' ? '' : text.trim(), family, dimensions, isModelId: false }
}

function familyOf(seen: ReadonlySet<string>): Family | null {
  if (seen.has('write')) return 'cache_write'
  if (seen.has('cached')) return 'cache_read'
  if (seen.has('output')) return seen.has('input') ? null : 'output'
  return seen.has('input') ? 'input' : null
}

/** `gpt-5.6-terra, input_tokens`; a bare model, or a kind that nobody documents, is not guessed at. */
export function readLineItem(label: string): Meaning {
  const tool = openaiTools[label.trim().toLowerCase()]
  if (tool !== undefined) return { model: '', family: tool, dimensions: {}, isModelId: true }
  const comma = label.lastIndexOf(',')
  const kind =
    comma < 0
      ? undefined
      : openaiKinds[
          label
            .slice(comma + 1)
            .trim()
            .toLowerCase()
        ]
  const model = (comma < 0 ? label : label.slice(0, comma)).trim()
  return {
    model: model === '' ? null : model,
    family: kind?.family ?? null,
    dimensions: kind?.dimensions ?? {},
    isModelId: true,
  }
}

/** Of a meaning's dimensions and what a source always says or never does. */
export function dimensionsOf(said: Partial<Dimensions>, others: Partial<Dimensions> = {}): Dimensions {
  return { ...unsaid, ...others, ...said }
}

const vendors =
  /^(?:(?:us|eu|apac|jp|au|ca|global|us-gov)\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|stability|writer|twelvelabs|google|xai|moonshot|minimax|zai|nvidia)\./

/** One spelling of a model's name: without path, vendor, date and version marks of hosts. */
export function modelKey(name: string): string {
  return name
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(vendors, '')
    .replace(/@.*$/, '')
    .replace(/-v\d+(?::\d+)?$|:\d+$/, '')
    .replace(/-(?:20\d\d-?[01]\d-?[0-3]\d|latest)$/, '')
}

/** The words of a name in any order: "claude4.6sonnet" and "claude-sonnet-4-6" are one. */
function bagOf(name: string): string {
  const words = modelKey(name)
    .replaceAll(/(\d)([a-z])|([a-z])(\d)/g, '$1$3 $2$4')
    .replaceAll(/(\d)([a-z])|([a-z])(\d)/g, '$1$3 $2$4')
    .split(/[^a-z0-9]+/)
  return words
    .filter((word) => word !== '' && word !== '0')
    .sort()
    .join(' ')
}

/** Names of models that price book and ledger know, to recognise those on bills by. */
export class KnownModels {
  private readonly keys = new Set<string>()
  private readonly bags = new Map<string, Set<string>>()
  private readonly previews = new Map<string, Set<string>>()

  constructor(names: Iterable<string>) {
    for (const name of names) {
      const key = modelKey(name)
      if (key === '' || this.keys.has(key)) continue
      this.keys.add(key)
      this.addTo(this.bags, bagOf(key), key)
      // Bills never say "preview".
      const released = key.replace(/-(?:preview|exp)(?:-\d\d-20\d\d|-\d\d-\d\d)?$/, '')
      if (released !== key) this.addTo(this.previews, bagOf(released), key)
    }
  }

  /** The model a label means: '' for none in it, null when no known name fits, or more than one does. */
  find({ model, isModelId }: Pick<Meaning, 'model' | 'isModelId'>): string | null {
    if (model === null || model === '') return model
    const key = modelKey(model)
    if (this.keys.has(key)) return key
    if (isModelId) return this.byBag(bagOf(key)) ?? key
    const label = model.replace(/^(\d)(\d)(?=[a-z])/, '$1.$2 ')
    for (const maker of makersLeftOut) {
      for (const words of [label, label.replace(/ \d{4}$/, '')]) {
        const found = this.byBag(bagOf(`${maker} ${words}`))
        if (found !== null) return found
      }
    }
    return null
  }

  private addTo(bags: Map<string, Set<string>>, bag: string, key: string): void {
    const same = bags.get(bag)
    if (same === undefined) bags.set(bag, new Set([key]))
    else same.add(key)
  }

  private byBag(bag: string): string | null {
    const found = this.bags.get(bag) ?? this.previews.get(bag)
    return found?.size === 1 ? ([...found][0] ?? null) : null
  }
}
