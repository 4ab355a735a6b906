// Names of the rules that judge an answer without a person: each has a switch and writes scores named `automated-` and its name.

export const automaticRules = [
  'refusal',
  'empty-answer',
  'malformed-json',
  'schema-violation',
  'format-violation',
  'too-long',
  'tool-error',
  'content-filter',
] as const
export type AutomaticRule = (typeof automaticRules)[number]
