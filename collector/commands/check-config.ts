// spanledger check-config: what is in force and where it comes from; wrong configuration never gets this far.

import { type Command, exitCode } from '../command.ts'

export default {
  name: 'check-config',
  summary: 'Check file, environment and flags, and show every option with its source',
  options: [],
  async run({ settings, print }) {
    const width = Math.max(...settings.map(({ key }) => key.length))
    const lines = settings.map(({ key, value, source }) => {
      const from = source === 'default' ? '' : `  (${source})`
      return `${key.padEnd(width)}  ${value === '' ? '-' : value}${from}`
    })
    print({ ok: true, settings }, () => lines.join('\n'))
    return exitCode.done
  },
} satisfies Command
