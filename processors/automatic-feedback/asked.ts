// What form of answer a request asked for: parameters of providers as instrumentations pass them on. A request that asked for
// nothing is judged by no rule on forms.

export interface Asked {
  readonly isJson: boolean
  /** A JSON Schema that the answer must keep to. */
  readonly schema?: object
  /** The answer must be one of these. */
  readonly choices?: readonly string[]
}

export const askedNothing: Asked = { isJson: false }
export const askedJson: Asked = { isJson: true }

type Members = Readonly<Record<string, unknown>>

/** From a value of `gen_ai.output.type`, a response format by its name, or one as JSON. */
export function askedByFormat(text: string): Asked {
  if (/^(json|json_object|json_schema|application\/json)$/i.test(text.trim())) return askedJson
  const format = objectOf(text)
  return format === undefined ? askedNothing : ofFormat(format)
}

/** From a JSON Schema that is an attribute of its own. */
export function askedBySchema(text: string): Asked {
  const schema = objectOf(text)
  return schema === undefined ? askedJson : { isJson: true, schema }
}

/** From the parameters of a request as one object: OpenAI, Anthropic, Gemini, Ollama, vLLM, Pydantic AI. */
export function askedByParameters(text: string): Asked {
  const parameters = objectOf(text)
  if (parameters === undefined) return askedNothing
  for (const at of [
    parameters,
    ...['extra_body', 'config', 'generationConfig', 'generation_config', 'options'].map((key) =>
      membersOf(parameters[key]),
    ),
  ]) {
    const asked = at === undefined ? askedNothing : ofParameters(at)
    if (asked !== askedNothing) return asked
  }
  return askedNothing
}

function ofParameters(parameters: Members): Asked {
  const format =
    parameters['response_format'] ??
    parameters['responseFormat'] ??
    membersOf(parameters['text'])?.['format'] ??
    parameters['output_format'] ??
    membersOf(parameters['output_config'])?.['format'] ??
    parameters['format']
  if (typeof format === 'string') return askedByFormat(format)
  const asked = membersOf(format)
  if (asked !== undefined) return ofFormat(asked)
  const structured = membersOf(parameters['structured_outputs'])
  const schema = parameters['guided_json'] ?? structured?.['json']
  if (schema !== undefined) return typeof schema === 'string' ? askedBySchema(schema) : ofSchema(schema)
  const choices = parameters['guided_choice'] ?? structured?.['choice']
  if (Array.isArray(choices) && choices.every((each) => typeof each === 'string')) return { isJson: false, choices }
  if (/^application\/json$/.test(String(parameters['response_mime_type'] ?? parameters['responseMimeType'] ?? '')))
    return ofSchema(parameters['response_json_schema'] ?? parameters['responseJsonSchema'])
  // Pydantic AI: the mode in which the model itself is told the schema.
  if (parameters['output_mode'] === 'native') return ofSchema(membersOf(parameters['output_object'])?.['json_schema'])
  return askedNothing
}

/** `{type: json_object}`, `{type: json_schema, json_schema: {schema}}`, `{type: json_schema, schema}`; Ollama's is the schema itself. */
function ofFormat(format: Members): Asked {
  const { type } = format
  if (type === 'json_object' || type === 'json') return ofSchema(format['schema'])
  if (type === 'json_schema') return ofSchema(membersOf(format['json_schema'])?.['schema'] ?? format['schema'])
  return type === 'object' && 'properties' in format ? ofSchema(format) : askedNothing
}

function ofSchema(schema: unknown): Asked {
  const members = membersOf(schema)
  return members === undefined ? askedJson : { isJson: true, schema: members }
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
}

function objectOf(text: string): Members | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  try {
    return membersOf(JSON.parse(text))
  } catch {
    // Parameters that cannot be read ask for nothing.
    return undefined
  }
}
