// Billed lines that the telemetry of a capture shows in part or not at all, as reviewed by hand; what about.json says of its own
// capture is not repeated, only corrected.

import type { Shown } from './bill.ts'

type Reviewed = readonly [shown: Shown, why: string]

const noSplit: Reviewed = ['in part', 'no cache split']
const noUsage: Reviewed = ['not', 'stream without usage']
const noEmbedding: Reviewed = ['not', 'embedding without usage']

/** Capture → line of invoice.jsonl, from 0 with errors counted → what of it can be known, and why not all. */
export const notShown: Readonly<Record<string, Readonly<Record<number, Reviewed>>>> = {
  'js-contrib': { 0: noSplit, 1: noSplit, 2: noUsage, 3: noSplit },
  'js-vercel5': { 0: noSplit, 1: noSplit, 6: noSplit, 7: noSplit },
  'java-spring-ai': { 0: noSplit },
  'js-genkit': { 5: noEmbedding },
  'js-langfuse-5-openai': { 4: noEmbedding },
  'js-langfuse-5-openai-openinference': { 4: noEmbedding },
  'js-openinference-langchain': { 6: noEmbedding },
  'js-openinference-langchain-openai': { 2: noSplit, 5: noEmbedding },
  // The usage at the end of a stream is not read.
  'js-openinference-openai': { 2: noUsage, 5: noEmbedding },
  'js-openllmetry': { 1: noUsage, 4: noSplit, 5: noEmbedding },
  'js-otel-instrumentation-openai': { 0: noSplit, 1: noSplit },
  'js-vercel-ai-5': { 0: noSplit, 1: noSplit, 9: noSplit },
  'js-vercel-ai-5-objects': { 1: noSplit },
  'js-vercel-ai-6-objects': { 0: noSplit, 1: noSplit },
  'js-vercel-ai-5-langfuse': { 0: noSplit, 1: noSplit, 9: noSplit },
  'js-oi-openai': { 1: noUsage, 2: noUsage, 4: noEmbedding },
}

/** Names of spans that the recording's program made by hand, with a charge of its own: no provider billed them. */
export const ownCalls: Readonly<Record<string, readonly string[]>> = { 'js-langfuse-js': ['manual-gen'] }
