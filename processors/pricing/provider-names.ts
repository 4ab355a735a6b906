// Provider names as instrumentations report them → the canonical names the price files are called by.
// Source: OpenTelemetry semconv `gen_ai.provider.name` and what instrumentations are seen to send (2026-11).

/** Lower case, without a trailing `.<api>` part. Canonical names map to themselves by being keys' targets. */
const aliases: { readonly [canonical: string]: readonly string[] } = {
  openai: ['open_ai', 'open-ai', 'openai_chat', 'openai-chat', 'openai_responses', 'openai-responses', 'chatopenai'],
  'azure.ai.openai': [
    'az.ai.openai',
    'azure_openai',
    'azure-openai',
    'azure.openai',
    'azure_ai_openai',
    'azure_open_ai',
    'azure-open-ai',
    'azureopenai',
    'azurechatopenai',
    'azure',
  ],
  'azure.ai.inference': [
    'az.ai.inference',
    'azure_ai',
    'azure-ai',
    'azureai',
    'azure_ai_inference',
    'azure-ai-inference',
    'azure.ai.foundry',
    'azure_ai_foundry',
    'azure-ai-foundry',
    'azure_foundry',
    'azure-foundry',
    'microsoft_foundry',
    'microsoft.foundry',
  ],
  anthropic: ['claude', 'chatanthropic'],
  'aws.bedrock': [
    'amazon',
    'amazon-bedrock',
    'amazon_bedrock',
    'bedrock',
    'bedrock_converse',
    'aws',
    'aws_bedrock',
    'aws-bedrock',
    'awsbedrock',
    'amazonbedrock',
    'bedrock_mantle',
    'bedrock-runtime',
    'chatbedrock',
    'chatbedrockconverse',
    'anthropic_bedrock',
    'anthropic-bedrock',
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
    'google_ai',
    'google-ai',
    'googleai',
    'google-genai',
    'google.genai',
    'google_gemini',
    'google-gemini',
    'chatgooglegenerativeai',
  ],
  'gcp.vertex_ai': [
    'vertex_ai',
    'vertex',
    'google.vertex',
    'google-vertex',
    'vertexai',
    'google_vertexai',
    'google_vertex',
    'google-vertexai',
    'google.vertex_ai',
    'vertex-ai',
    'vertex_ai_beta',
    'google-vertex-anthropic',
    'anthropic_vertex',
    'anthropic-vertex',
    'chatvertexai',
  ],
  'gcp.gen_ai': [],
  cohere: ['cohere_chat', 'cohere-ai', 'cohere_ai'],
  deepseek: ['deepseek-ai', 'deepseek_ai'],
  groq: ['groqcloud'],
  perplexity: ['perplexity-ai', 'perplexityai'],
  'ibm.watsonx.ai': ['watsonx', 'ibm_watsonx'],
  mistral_ai: ['mistral', 'mistralai', 'mistral-ai'],
  x_ai: ['xai', 'x.ai', 'x-ai', 'grok'],
  moonshot_ai: ['moonshot', 'moonshotai', 'moonshot-ai', 'kimi'],
  z_ai: ['zai', 'z-ai', 'z.ai', 'zai-org', 'zhipu', 'zhipuai', 'zhipu_ai', 'bigmodel'],
  together_ai: ['together', 'togetherai', 'together-ai'],
  fireworks_ai: ['fireworks', 'fireworksai', 'fireworks-ai'],
  cerebras: [],
  voyage_ai: ['voyage', 'voyageai', 'voyage-ai'],
  alibaba_cloud: ['alibaba', 'alibaba-cloud', 'alibabacloud', 'aliyun', 'bailian', 'dashscope', 'qwen', 'tongyi'],
  openrouter: ['open_router', 'open-router', 'openrouter.ai'],
  deepgram: [],
  minimax: ['minimaxi', 'minimax_ai', 'minimax-ai'],
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

/** Canonical provider of a spelling that is known as it stands, in any case; '' for every other name. */
export function knownProvider(spelling: string): string {
  return canonical.get(spelling.toLowerCase()) ?? ''
}

/** Whether it is a name for a client of several sellers, as an SDK that cannot tell them apart gives it: the model must tell. */
export function namesNoBackend(canonicalName: string): boolean {
  return canonicalName === 'gcp.gen_ai'
}

/** Whether it is a framework or a gateway's proxy, which sells nothing. */
export function namesNoProvider(spelling: string): boolean {
  return notProviders.has(spelling.toLowerCase())
}
