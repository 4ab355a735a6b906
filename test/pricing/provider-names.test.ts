import { expect, test } from 'vitest'
import { canonicalProvider } from '../../processors/pricing/provider-names.ts'

test.each([
  ['openai', 'openai openai.chat openai.responses openai.completion OpenAI'],
  [
    'azure.ai.openai',
    'azure.ai.openai az.ai.openai azure_openai azure azure-openai.chat azure-openai.responses Azure AzureOpenAI AzureChatOpenAI azure.openai',
  ],
  ['azure.ai.inference', 'azure.ai.inference az.ai.inference azure_ai azure-ai-foundry Microsoft.Foundry AzureAI'],
  ['anthropic', 'anthropic anthropic.messages Anthropic claude'],
  [
    'aws.bedrock',
    'aws.bedrock amazon-bedrock bedrock bedrock_converse AWS aws aws_bedrock ChatBedrockConverse bedrock_mantle anthropic_bedrock',
  ],
  [
    'gcp.gemini',
    'gcp.gemini gemini google google.generative-ai google_genai google-gla Google google_ai ChatGoogleGenerativeAI',
  ],
  [
    'gcp.vertex_ai',
    'gcp.vertex_ai vertex_ai google.vertex.chat google-vertex vertexai google_vertexai vertex_ai_beta anthropic-vertex ChatVertexAI',
  ],
  ['gcp.gen_ai', 'gcp.gen_ai'],
  ['cohere', 'cohere'],
  ['deepseek', 'deepseek DeepSeek deepseek.chat'],
  ['groq', 'groq Groq'],
  ['perplexity', 'perplexity'],
  ['ibm.watsonx.ai', 'ibm.watsonx.ai watsonx Watsonx'],
  ['mistral_ai', 'mistral_ai mistral mistralai mistral.chat'],
  ['x_ai', 'x_ai xai xai.chat grok'],
  ['moonshot_ai', 'moonshot_ai moonshot'],
])('%s has many spellings', (canonical, spellings) => {
  for (const spelling of spellings.split(' '))
    expect([spelling, canonicalProvider(spelling)]).toEqual([spelling, canonical])
})

test('frameworks and agents sell nothing: the model or the host must tell', () => {
  for (const name of [
    'strands-agents',
    'langchain',
    'gcp.vertex.agent',
    'microsoft.agent_framework',
    'spring_ai',
    'crewai',
    'litellm_proxy',
  ])
    expect([name, canonicalProvider(name)]).toEqual([name, ''])
})

test('a gateway is not one of its vendors', () => {
  expect(canonicalProvider('openrouter')).toBe('openrouter')
})

test('the wrapping of a plugin vendor is taken off', () => {
  expect(canonicalProvider('langgenius/openai/openai')).toBe('openai')
  expect(canonicalProvider('langgenius/')).toBe('')
})

test('a name nobody knows stays, in lower case and whole', () => {
  expect(canonicalProvider('My_Gateway')).toBe('my_gateway')
  expect(canonicalProvider('acme.llm.v2')).toBe('acme.llm.v2')
  expect(canonicalProvider('')).toBe('')
})
