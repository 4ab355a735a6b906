// Ids of answers as gateways hand them on.

/** LiteLLM's wrapped id of a response: `resp_` and the base64 of `litellm:…;response_id:REAL` → REAL; every other id as it is. */
export function providerId(id: string): string {
  const [, wrapped] = /^resp_([A-Za-z0-9+/_-]{24,}={0,2})$/.exec(id) ?? []
  if (wrapped === undefined) return id
  const text = Buffer.from(wrapped, 'base64').toString('latin1')
  return /^litellm:.*;response_id:([\w.:-]+)$/.exec(text)?.[1] ?? id
}
