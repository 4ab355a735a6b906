// The host that served a call → the region or geography it is priced by, where the provider's hosts tell. Sources: the
// providers' endpoint pages (2026-11): Bedrock and Vertex AI regional endpoints, OpenAI data residency, xAI and Mistral
// regional endpoints, Azure AI regional hosts, Model Studio's hosts by region, the mainland hosts of Kimi and Zhipu.

export interface EndpointPlace {
  readonly region: string
  readonly dataResidency: string
}

const nowhere: EndpointPlace = { region: '', dataResidency: '' }

const patterns: readonly { readonly host: RegExp; readonly names: 'region' | 'dataResidency' }[] = [
  { host: /^bedrock[a-z-]*\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/, names: 'region' },
  { host: /^([a-z0-9-]+)-aiplatform\.googleapis\.com$/, names: 'region' },
  { host: /^aiplatform\.([a-z0-9-]+)\.rep\.googleapis\.com$/, names: 'region' },
  { host: /^([a-z]{2})\.api\.openai\.com$/, names: 'dataResidency' },
  { host: /^([a-z0-9-]+)\.api\.x\.ai$/, names: 'region' },
  { host: /^api\.([a-z]{2})\.mistral\.ai$/, names: 'region' },
  { host: /^([a-z0-9]+)\.api\.cognitive\.microsoft\.com$/, names: 'region' },
]

const fixed: ReadonlyMap<string, EndpointPlace> = new Map([
  ['aiplatform.googleapis.com', { region: 'global', dataResidency: '' }],
  ['dashscope.aliyuncs.com', { region: 'cn-beijing', dataResidency: '' }],
  ['dashscope-intl.aliyuncs.com', { region: 'ap-southeast-1', dataResidency: '' }],
  ['dashscope-us.aliyuncs.com', { region: 'us-east-1', dataResidency: '' }],
  ['api.moonshot.cn', { region: 'cn', dataResidency: '' }],
  ['open.bigmodel.cn', { region: 'cn', dataResidency: '' }],
])

/** Lower case; empty where the host says nothing. `host` may carry a scheme, a port and a path. */
export function placeOfEndpoint(host: string): EndpointPlace {
  const name = host
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[:/].*$/, '')
  const known = fixed.get(name)
  if (known !== undefined) return known
  for (const { host: pattern, names } of patterns) {
    const found = pattern.exec(name)?.[1]
    if (found !== undefined) return { ...nowhere, [names]: found }
  }
  return nowhere
}
