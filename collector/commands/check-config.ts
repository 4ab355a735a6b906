// spanledger check-config: what is in force and where it comes from; wrong configuration never gets this far, but for the files
// of own prices, of score configurations and of keys, whose findings are listed here.

import { type Command, exitCode } from '../command.ts'
import { loadKeysFile } from '../keys/keys-file.ts'
import { loadPriceBook } from '../price-files.ts'
import { ownFile } from '../prices/known-book.ts'
import { loadConfigFile } from '../score-configs/file.ts'

export default {
  name: 'check-config',
  summary: 'Check file, environment and flags, and show every option with its source',
  options: [],
  async run({ config, settings, print, note }) {
    const findings = ownFile(loadPriceBook(), config).findings.map(({ text }) => text)
    const keysFindings = config.keysFile === '' ? [] : loadKeysFile(config.keysFile).findings
    if (keysFindings.length > 0) {
      for (const finding of keysFindings) note(finding)
      print(
        { ok: false, findings: keysFindings },
        () => `keys_file ${config.keysFile}: ${keysFindings.length} findings`,
      )
      return exitCode.wrongUse
    }
    if (findings.length > 0) {
      for (const finding of findings) note(finding)
      print({ ok: false, findings }, () => `prices_file ${config.pricesFile}: ${findings.length} findings`)
      return exitCode.wrongUse
    }
    const configs = config.scoreConfigsFile === '' ? [] : loadConfigFile(config.scoreConfigsFile).findings
    if (configs.length > 0) {
      for (const finding of configs) note(finding)
      print(
        { ok: false, findings: configs },
        () => `score_configs_file ${config.scoreConfigsFile}: ${configs.length} findings`,
      )
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
