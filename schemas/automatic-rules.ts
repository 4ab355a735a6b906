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

/**
 * Names of scores that are signals and no opinion (docs/decisions/0030): those of the rules, and what begins with `implicit-` or
 * `signal-`. A regular expression of RE2, as the view `votes` and the questions have it.
 */
export const signalNames = `^(automated-(${automaticRules.join('|')})$|implicit-|signal-)`
