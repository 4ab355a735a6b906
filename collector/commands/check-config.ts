// spanledger check-config: what is in force and where it comes from; wrong configuration never gets this far, but for the file
// of own prices, whose findings are listed here.

import { PriceBook } from '../../processors/pricing/book.ts'
import { Place } from '../../processors/pricing/custom/fields.ts'
import { recordsAt } from '../../processors/pricing/custom/history.ts'
import { type Command, exitCode } from '../command.ts'
import type { Config } from '../config.ts'
import { loadPriceBook } from '../price-files.ts'
import { loadOwnPrices } from '../prices/own-file.ts'
import { readChanges } from '../prices/records.ts'

export default {
  name: 'check-config',
  summary: 'Check file, environment and flags, and show every option with its source',
  options: [],
  async run({ config, settings, print, note }) {
    const findings = config.pricesFile === '' ? [] : checkPrices(config)
    if (findings.length > 0) {
      for (const finding of findings) note(finding)
      print({ ok: false, findings }, () => `prices_file ${config.pricesFile}: ${findings.length} findings`)
      return exitCode.wrongUse
    }
    const width = Math.max(...settings.map(({ key }) => key.length))
    const lines = settings.map(({ key, value, source }) => {
      const from = source === 'default' ? '' : `  (${source})`
      return `${key.padEnd(width)}  ${value === '' ? '-' : value}${from}`
    })
    print({ ok: true, settings }, () => lines.join('\n'))
    return exitCode.done
  },
} satisfies Command

/** Beside what the API has set, as `serve` checks it. */
function checkPrices({ pricesFile, dataDir }: Config): readonly string[] {
  const set = recordsAt(readChanges(dataDir)).filter(({ source }) => source === 'api')
  const others = set.map(({ record }) => ({ record, place: new Place([], `"${record.id}" set by the API`, '') }))
  return loadOwnPrices(pricesFile, new PriceBook(loadPriceBook()), others).findings.map(({ text }) => text)
}
