// spanledger serve: what `npm start` runs.

import type { Command } from '../command.ts'

export default {
  name: 'serve',
  summary: 'Receive, price and store until SIGTERM or Ctrl-C',
  options: [],
  async run({ config, isJson }) {
    // Loaded when it runs, so that --help and the small commands need not load servers and engine.
    const { serve } = await import('../main.ts')
    return serve(config, { isJson })
  },
} satisfies Command
