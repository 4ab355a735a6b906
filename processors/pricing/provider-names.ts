// Provider names as instrumentations report them → the canonical names the price files are called by.
// Source: OpenTelemetry semconv `gen_ai.provider.name` and what instrumentations are seen to send (2026-11).

/** Lower case, without a trailing `.<api>` part. Canonical names map to themselves by being keys' targets. */
const aliases: { readonly [canonical: string]: readonly string[] } = {
  openai: [],
  'azure.ai.openai': ['az.ai.openai', 'azure_openai', 'azure-openai', 'azure_ai_openai', 'azureopenai', 'azure'],
  'azure.ai.inference': ['az.ai.inference', 'azure_ai', 'azure-ai'],
  anthropic: ['claude'],
  'aws.bedrock': [
    'amazon-bedrock',
    'amazon_bedrock',
    'bedrock',
    'bedrock_converse',
    'aws',
    'aws_bedrock',
    'aws-bedrock',
  ],
  'gcp.gemini': [
    'gemini',
    'google',
    'google.generative-ai',
    'google.generative_ai',
    'google_genai',
    'google_generativeai',
    'google-generativeai',
    'google-gla',
    'google_ai_studio',
  ],
  'gcp.vertex_ai': [
    'vertex_ai',
    'vertex',
    'google.vertex',
    'google-vertex',
    'vertexai',
    'google_vertexai',
    'google_vertex',
  ],
  'gcp.gen_ai': [],
  cohere: ['cohere_chat'],
  deepseek: [],
  groq: [],
  perplexity: ['perplexity-ai', 'perplexityai'],
  'ibm.watsonx.ai': ['watsonx', 'ibm_watsonx'],
  mistral_ai: ['mistral', 'mistralai', 'mistral-ai'],
  x_ai: ['xai', 'x.ai', 'x-ai', 'grok'],
  moonshot_ai: ['moonshot', 'moonshotai', 'moonshot-ai'],
  z_ai: ['zai', 'z-ai', 'zhipu', 'zhipuai'],
  together_ai: ['together', 'togetherai', 'together-ai'],
  fireworks_ai: ['fireworks', 'fireworksai', 'fireworks-ai'],
  cerebras: [],
  voyage_ai: ['voyage', 'voyageai', 'voyage-ai'],
  alibaba_cloud: ['alibaba', 'dashscope', 'qwen'],
  deepgram: [],
  minimax: [],
  ollama: [],
}

/** Frameworks and agents that report themselves as the provider: they sell nothing. A gateway is not one of them. */
const notProviders: ReadonlySet<string> = new Set([
  'strands-agents',
  'langchain',
  'langgraph',
  'langchain_openai',
  'llamaindex',
  'llama_index',
  'gcp.vertex.agent',
  'microsoft.agent_framework',
  'spring_ai',
  'crewai',
  'litellm_proxy',
  'litellm',
  'autogen',
  'pydantic_ai',
  'haystack',
  'semantic_kernel',
])

const canonical = new Map<string, string>()
for (const [name, others] of Object.entries(aliases)) {
  canonical.set(name, name)
  for (const other of others) canonical.set(other, name)
}

/**
 * Canonical provider of a reported name; '' when it names a framework, so that the model or host must tell.
 * Case does not matter, a trailing `.<api>` (`openai.chat`, `anthropic.messages`) is dropped, `langgenius/…` unwrapped
 * (`langgenius/openai/openai`). A name nobody knows is returned as it came, in lower case: it may be a private provider.
 */
export function canonicalProvider(name: string): string {
  const reported = name.trim().toLowerCase()
  if (reported.startsWith('langgenius/')) return canonicalProvider(reported.split('/')[1] ?? '')
  for (let text = reported; text !== ''; text = text.slice(0, Math.max(0, text.lastIndexOf('.')))) {
    const known = canonical.get(text)
    if (known !== undefined) return known
    if (notProviders.has(text)) return ''
  }
  return reported
}
