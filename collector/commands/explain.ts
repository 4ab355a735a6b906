// spanledger explain: a trace as a tree, with how each figure of it comes about.

import { traceWords } from '../../processors/explaining/words.ts'
import { type Command, exitCode, UsageError } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { explainedTrace } from '../explained-trace.ts'

export default {
  name: 'explain',
  summary: 'Show a trace with how each of its figures comes about: usage, rule, price, arithmetic, corrections',
  arguments: { usage: 'TRACE', min: 1, max: 1 },
  options: [{ flag: 'project', value: 'NAME', doc: 'Project (default)' }],
  async run(context) {
    const traceId = context.arguments[0]!.toLowerCase()
    const project = context.option('project') ?? 'default'
    const found = await withLedger(context.config, (clickhouse) => explainedTrace(clickhouse, { project, traceId }))
    if (found === null) throw new UsageError(`project ${project} has no trace ${traceId}`)
    context.print(found, () => printable(traceWords(found)))
    return exitCode.done
  },
} satisfies Command

/** Names come from the wire, and are on their way to a terminal. */
function printable(text: string): string {
  return text.replaceAll(/(?!\n)\p{Cc}/gu, '�')
}
