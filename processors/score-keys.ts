// Names of span attributes that tell of a score. Found out once a name, so that spans without any cost nothing.

/** `annotations.0.annotation.score`, for the span; with `trace.` or `session.` before it, for more. */
export const feedbackField =
  /^(?:(trace|session)\.)?(?:(annotations)\.(\d+)\.annotation|(evaluations)\.(\d+)\.evaluation)\.(\w+)$/

/** Logfire's and Genkit's: a span of its own is the feedback. */
export const feedbackMarks = { logfire: 'logfire.feedback.name', genkit: 'genkit:type' } as const

export function isScoreKey(name: string): boolean {
  return name === feedbackMarks.logfire || name === feedbackMarks.genkit || feedbackField.test(name)
}
