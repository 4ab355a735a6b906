// The words of which labels on bills are made, provider by provider, as data. What is left of a label when its words are
// taken out is the name of the model; labels that no word reads stay unmapped. Sources: docs/invoices.md.

import type { Dimensions, Family } from './line.ts'

export interface WordEffect {
  readonly is?: 'input' | 'output' | 'cached' | 'write'
  /** Settles what was counted, whatever else is said. */
  readonly family?: Family
  readonly dimensions?: Partial<Dimensions>
}

/** A pattern of whole words, lower case, and what it says; an empty effect is a word without meaning. */
export type Word = readonly [pattern: string, effect: WordEffect]

const tokens: Word = ['(?:1[km] )?tokens?|1[km]', {}]

export const azureWords: readonly Word[] = [
  ['web search(?: calls?)?|bing(?: search)?(?: grounding)?', { family: 'web_search' }],
  ['file search(?: tool)?(?: calls?)?', { family: 'file_search' }],
  ['code ?interpreter(?: sessions?)?', { family: 'code_session' }],
  ['inpt?|input|in', { is: 'input' }],
  ['outpt?|opt|output|out', { is: 'output' }],
  ['cached|cchd|cache|cd', { is: 'cached' }],
  ['write|wr', { is: 'write' }],
  ['read|rd', {}],
  ['batch|btch', { dimensions: { tier: 'batch' } }],
  ['priority|prty|pp', { dimensions: { tier: 'priority' } }],
  ['flex|fl', { dimensions: { tier: 'flex' } }],
  ['standard|std', { dimensions: { tier: '' } }],
  ['global|glbl|gl', { dimensions: { geo: '' } }],
  ['data ?zone|dzone|dz', { dimensions: { geo: 'data_zone' } }],
  ['regional|regnl|rgnl', { dimensions: { geo: 'regional' } }],
  ['long(?:co|context| co| context)|loco', { dimensions: { band: 'long' } }],
  ['sh(?:ort)?(?:co|context| co| context)', { dimensions: { band: '' } }],
  ['audio|aud', { dimensions: { modality: 'audio' } }],
  ['images?|img', { dimensions: { modality: 'image' } }],
  ['text|txt', { dimensions: { modality: '' } }],
  tokens,
]

export const bedrockWords: readonly Word[] = [
  ['cache read input token count', { is: 'cached' }],
  ['cache write 1h input token count', { is: 'write', dimensions: { ttl: '1h' } }],
  ['cache write(?: 5m)? input token count', { is: 'write' }],
  ['input token count|input tokens?', { is: 'input' }],
  ['output token count|output tokens?', { is: 'output' }],
  ['cross region global|global', { dimensions: { geo: '' } }],
  ['batch', { dimensions: { tier: 'batch' } }],
  ['priority', { dimensions: { tier: 'priority' } }],
  ['flex', { dimensions: { tier: 'flex' } }],
  ['standard|mantle|units?', {}],
  ['long context|lctx', { dimensions: { band: 'long' } }],
]

export const googleWords: readonly Word[] = [
  ['grounding with google search.*', { family: 'web_search' }],
  ['(?:text |input )*caching storage.*', { family: 'other' }],
  ['batch predictions|batch', { dimensions: { tier: 'batch' } }],
  ['priority', { dimensions: { tier: 'priority' } }],
  ['flex', { dimensions: { tier: 'flex' } }],
  ['predictions', {}],
  ['thinking on|thinking', {}],
  ['generate content', {}],
  ['token count', {}],
  ['caching|cached', { is: 'cached' }],
  ['input', { is: 'input' }],
  ['output', { is: 'output' }],
  ['text', { dimensions: { modality: '' } }],
  ['audio', { dimensions: { modality: 'audio' } }],
  ['image', { dimensions: { modality: 'image' } }],
  ['video', { dimensions: { modality: 'video' } }],
  ['long', { dimensions: { band: 'long' } }],
  ['short', { dimensions: { band: '' } }],
  ['global', { dimensions: { geo: '' } }],
]

/** What follows the comma in a line item of OpenAI; anything else is unmapped. */
export const openaiKinds: Readonly<Record<string, WordEffect>> = Object.fromEntries(
  (
    [
      [
        ['input', 'input_tokens', 'input tokens', 'uncached_input_tokens', 'input_uncached_tokens'],
        { family: 'input' },
      ],
      [
        ['cached input', 'cached_input_tokens', 'input_cached_tokens', 'cached input tokens', 'cached_tokens'],
        { family: 'cache_read' },
      ],
      [
        ['cache write', 'cache_write_tokens', 'input_cache_write_tokens', 'cache write tokens'],
        { family: 'cache_write' },
      ],
      [['output', 'output_tokens', 'output tokens'], { family: 'output' }],
      [
        ['audio input', 'input_audio_tokens', 'audio_input_tokens'],
        { family: 'input', dimensions: { modality: 'audio' } },
      ],
      [
        ['audio output', 'output_audio_tokens', 'audio_output_tokens'],
        { family: 'output', dimensions: { modality: 'audio' } },
      ],
      [
        ['cached audio input', 'input_cached_audio_tokens'],
        { family: 'cache_read', dimensions: { modality: 'audio' } },
      ],
      [['image input', 'input_image_tokens'], { family: 'input', dimensions: { modality: 'image' } }],
      [['image output', 'output_image_tokens'], { family: 'output', dimensions: { modality: 'image' } }],
    ] as const
  ).flatMap(([names, effect]) => names.map((name) => [name, effect])),
)

/** Line items of OpenAI that name no model. */
export const openaiTools: Readonly<Record<string, Family>> = {
  'web search tool calls': 'web_search',
  'web search': 'web_search',
  'file search tool calls': 'file_search',
  'file search': 'file_search',
  'code interpreter sessions': 'code_session',
  'code interpreter': 'code_session',
}

/** Names that a label may leave out of a model's: "5.6 sol", "4 fast". */
export const makersLeftOut = ['', 'gpt', 'grok'] as const
