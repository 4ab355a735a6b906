// What providers are called on a bill: who sells, under which service name, who made the model. Names as the providers'
// own price pages and invoices print them (2026-11).

export interface BillNames {
  /** Who sells and who sends the bill. */
  readonly seller: string
  readonly service: string
}

/** By canonical provider name. */
const names: Readonly<Record<string, readonly [seller: string, service: string]>> = {
  openai: ['OpenAI', 'OpenAI API'],
  anthropic: ['Anthropic', 'Claude API'],
  'aws.bedrock': ['Amazon Web Services', 'Amazon Bedrock'],
  'azure.ai.openai': ['Microsoft', 'Azure OpenAI'],
  'azure.ai.inference': ['Microsoft', 'Azure AI Foundry'],
  'gcp.gemini': ['Google', 'Gemini API'],
  'gcp.vertex_ai': ['Google Cloud', 'Vertex AI'],
  'gcp.gen_ai': ['Google Cloud', 'Google Gen AI'],
  cohere: ['Cohere', 'Cohere API'],
  deepseek: ['DeepSeek', 'DeepSeek API'],
  groq: ['Groq', 'GroqCloud'],
  perplexity: ['Perplexity', 'Perplexity API'],
  'ibm.watsonx.ai': ['IBM', 'watsonx.ai'],
  mistral_ai: ['Mistral AI', 'Mistral API'],
  x_ai: ['xAI', 'xAI API'],
  moonshot_ai: ['Moonshot AI', 'Kimi API'],
  z_ai: ['Z.ai', 'Z.ai API'],
  together_ai: ['Together AI', 'Together API'],
  fireworks_ai: ['Fireworks AI', 'Fireworks API'],
  cerebras: ['Cerebras', 'Cerebras Inference'],
  voyage_ai: ['Voyage AI', 'Voyage API'],
  alibaba_cloud: ['Alibaba Cloud', 'Model Studio'],
  deepgram: ['Deepgram', 'Deepgram API'],
  minimax: ['MiniMax', 'MiniMax API'],
  openrouter: ['OpenRouter', 'OpenRouter API'],
}

/** Words in a model id that tell who made it, for hosts that serve models of others. */
const makers: readonly (readonly [RegExp, string])[] = [
  [/claude/, 'Anthropic'],
  [/(^|[./-])(gpt|o[1-9]|chatgpt|text-embedding-(3|ada))/, 'OpenAI'],
  [/gemini|gemma/, 'Google'],
  [/llama/, 'Meta'],
  [/mistral|mixtral|codestral|ministral/, 'Mistral AI'],
  [/nova|titan/, 'Amazon'],
  [/command|cohere|rerank/, 'Cohere'],
  [/deepseek/, 'DeepSeek'],
  [/qwen/, 'Alibaba Cloud'],
  [/grok/, 'xAI'],
  [/kimi/, 'Moonshot AI'],
]

/** Hosts that serve what others made: who made it is told by the model id. */
const hosts: ReadonlySet<string> = new Set([
  'aws.bedrock',
  'azure.ai.openai',
  'azure.ai.inference',
  'gcp.vertex_ai',
  'groq',
  'together_ai',
  'fireworks_ai',
  'cerebras',
  'openrouter',
])

/** A provider nobody knows is called by its own name; one that was not reported, `Unknown`. */
export function billNames(provider: string): BillNames {
  const [seller = provider === '' ? 'Unknown' : provider, service = `${seller} API`] = names[provider] ?? []
  return { seller, service }
}

/** Who made the model: FOCUS's publisher. */
export function makerOf(provider: string, model: string): string {
  const found = hosts.has(provider) ? makers.find(([words]) => words.test(model.toLowerCase())) : undefined
  return found?.[1] ?? billNames(provider).seller
}
