// How emitters that have no name of the conventions for it tell of a failure, and of the end of an answer: any span may carry them.
// They mark nothing and come after every name of a known dialect.
//
//   error.message, exception.message   LiteLLM, Mastra, and whoever writes the exception on the span itself
//   error                              Spring AI's (Micrometer's) class of the exception, `none` for none; elsewhere a message
//   error.code                         LiteLLM: the HTTP status; where it is a word, the message has it too

import type { Dialect } from '../dialect.ts'

export default {
  id: 'failure-names',
  spec: 'names of 39 dialects of traces, 2026-11; semantic-conventions 1.20 for http.status_code',
  rank: 9000,
  scopes: [],
  marks: {},
  fields: {
    'exception.type': 'errorType',
    'error.name': 'errorType',
    error_type: 'errorType',
    'error.message': 'errorMessage',
    'exception.message': 'errorMessage',
    error_message: 'errorMessage',
    error: 'errorMessage',
    'http.status_code': 'httpStatus',
    'error.code': 'httpStatus',
    status_code: 'httpStatus',
    'anthropic.message.stop_reason': 'finishReasons',
    'gen_ai.response.stop_reason': 'finishReasons',
    'gen_ai.completion.0.finish_reason': 'finishReasons',
    'llm.response.finish_reason': 'finishReasons',
    'llm.response.stop_reason': 'finishReasons',
    stop_reason: 'finishReasons',
    finish_reason: 'finishReasons',
  },
} satisfies Dialect
