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
    const { keysFile, pricesFile, scoreConfigsFile } = config
    const files: readonly [string, string, readonly string[]][] = [
      ['keys_file', keysFile, keysFile === '' ? [] : loadKeysFile(keysFile).findings],
      ['prices_file', pricesFile, ownFile(loadPriceBook(), config).findings.map(({ text }) => text)],
      [
        'score_configs_file',
        scoreConfigsFile,
        scoreConfigsFile === '' ? [] : loadConfigFile(scoreConfigsFile).findings,
      ],
    ]
    for (const [option, file, findings] of files) {
      if (findings.length === 0) continue
      for (const finding of findings) note(finding)
      print({ ok: false, findings }, () => `${option} ${file}: ${findings.length} findings`)
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
