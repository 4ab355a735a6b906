// The command line: finds commands in their folder, keeps standard output clean, ends with the promised exit code.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliInputs, runCli } from '../collector/cli.ts'
import { options } from '../collector/config.ts'
import { flagName } from '../collector/config-sources.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spanledger-cli-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(folder, 'probe.ts'),
    `export default {
      name: 'probe',
      summary: 'Say what was given',
      arguments: { usage: 'MODEL [REGION]', min: 1, max: 2 },
      options: [{ flag: 'since', value: 'DATE', doc: 'First day' }, { flag: 'dry-run', doc: 'Change nothing' }],
      async run({ arguments: words, option, has, config, print, note }) {
        note('looking\\x1b[2J')
        print({ words, since: option('since') ?? null, dry: has('dry-run'), dir: config.dataDir }, () => words.join('+'))
        return 1
      },
    }`,
  )
  writeFileSync(
    join(folder, 'fail.ts'),
    `export default {
      name: 'fail', summary: 'Fail', options: [],
      async run({ config }) {
        throw new Error('cannot reach ' + config.clickhouseUrl.address, { cause: new Error('denied for ' + config.clickhousePassword.reveal()) })
      },
    }`,
  )
  const made = (name: string, flag: string): string =>
    `export default { name: '${name}', summary: 'X', options: [{ flag: '${flag}', doc: 'X' }], run: async () => 0 }`
  writeFileSync(join(folder, 'mislabelled.ts'), made('other', 'x'))
  writeFileSync(join(folder, 'clashing.ts'), made('clashing', 'data-dir'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function run(argv: string[], given: Partial<CliInputs> = {}) {
  let out = ''
  let err = ''
  const code = await runCli({
    argv,
    env: {},
    readFile: () => 'data_dir: /from-file\n',
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    ...given,
  })
  return { code, out, err }
}

const inFolder = (): Partial<CliInputs> => ({ commands: pathToFileURL(`${folder}/`) })

describe('exit codes', () => {
  test("0 to 3: a command's own, 2 for wrong use, 3 for what it throws", async () => {
    expect((await run(['check-config'])).code).toBe(0)
    expect((await run(['probe', 'x'], inFolder())).code).toBe(1)
    expect((await run(['probe'], inFolder())).code).toBe(2)
    const env = { SPANLEDGER_CLICKHOUSE_URL: 'http://db:8123', SPANLEDGER_CLICKHOUSE_PASSWORD: 'Canary-7f3a' }
    expect(await run(['fail'], { ...inFolder(), env })).toEqual({
      code: 3,
      out: '',
      err: 'spanledger: could not run: Error: cannot reach http://db:8123 ← Error: denied for ***\n',
    })
  })

  const wrong: [string, string[], string][] = [
    ['an unknown command', ['prob'], 'unknown command "prob"; did you mean probe?; spanledger --help lists them'],
    ['a command that is a path', ['../probe'], 'unknown command "../probe"'],
    ['an unknown flag', ['probe', 'x', '--sinc', 'y'], 'unknown flag "--sinc"; did you mean --since?'],
    ['an unknown short flag', ['probe', 'x', '-q'], 'unknown flag "-q"'],
    ['an option without its value', ['probe', 'x', '--since'], '--since needs a value: DATE'],
    ['a switch with a value', ['probe', 'x', '--dry-run=yes'], '--dry-run takes no value'],
    ['too few words', ['probe'], 'probe takes MODEL [REGION], 0 given'],
    ['too many words', ['probe', 'a', 'b', 'c'], 'probe takes MODEL [REGION], 3 given'],
    ['a bad option of the configuration', ['probe', 'x', '--retention-days=0'], '--retention-days: "0" is not'],
    ['a configuration flag without its value', ['probe', 'x', '--data-dir'], '--data-dir needs a value'],
  ]
  test.each(wrong)('%s is 2, in one line on standard error', async (_, argv, want) => {
    const { code, out, err } = await run(argv, inFolder())
    expect([code, out]).toEqual([2, ''])
    expect(err.startsWith(`spanledger: ${want}`)).toBe(true)
    expect(err.split('\n')).toHaveLength(2)
  })

  test('an unknown variable is 2, whatever the command', async () => {
    const env = { SPANLEDGER_DATADIR: '/x' }
    const { code, err } = await run(['check-config'], { env })
    expect([code, err]).toEqual([
      2,
      'spanledger: unknown environment variable "SPANLEDGER_DATADIR"; did you mean SPANLEDGER_DATA_DIR?\n',
    ])
  })

  test('under --json errors are JSON too', async () => {
    const { code, out, err } = await run(['probe', '--json'], inFolder())
    expect([code, out, JSON.parse(err)]).toEqual([
      2,
      '',
      { error: 'probe takes MODEL [REGION], 0 given', exit_code: 2 },
    ])
  })

  test('a command file that is not one is a bug, not wrong use', async () => {
    expect((await run(['mislabelled'], inFolder())).err).toContain('exports no command of that name')
    expect((await run(['clashing'], inFolder())).err).toContain(
      'has an option --data-dir that the configuration has too',
    )
    expect((await run(['clashing'], inFolder())).code).toBe(3)
  })
})

describe('arguments', () => {
  test("words, own options and the configuration's flags in any order, before the command too", async () => {
    const want = { words: ['gpt-5', 'eu'], since: '2026-11-01', dry: true, dir: '/x' }
    for (const argv of [
      ['probe', 'gpt-5', 'eu', '--since', '2026-11-01', '--dry-run', '--data-dir', '/x', '--json'],
      ['--json', '--data-dir', '/x', 'probe', '--dry-run', 'gpt-5', '--since=2026-11-01', 'eu'],
      ['--data-dir=/x', 'probe', '--json', '--since', '2026-11-01', '--dry-run', '--', 'gpt-5', 'eu'],
    ]) {
      expect(JSON.parse((await run(argv, inFolder())).out)).toEqual(want)
    }
  })

  test('a switch of the configuration before the command does not swallow it', async () => {
    expect((await run(['--allow-unauthenticated', 'probe', 'x'], inFolder())).out).toBe('x\n')
  })

  test('what comes after -- is a word, also when it looks like a flag', async () => {
    expect((await run(['probe', '--', '--json', '-5'], inFolder())).out).toBe('--json+-5\n')
    expect((await run(['probe', '-5'], inFolder())).out).toBe('-5\n')
  })

  test('--config names the file', async () => {
    const { out } = await run(['probe', 'x', '--json', '--config', 'any.yaml'], inFolder())
    expect(JSON.parse(out)).toMatchObject({ dir: '/from-file' })
  })

  test('notes go to standard error, without what a terminal acts on', async () => {
    expect((await run(['probe', 'x'], inFolder())).err).toBe('looking[2J\n')
  })
})

describe('help', () => {
  test('lists every command and every option of the table', async () => {
    const { code, out, err } = await run(['--help'])
    expect([code, err]).toEqual([0, ''])
    for (const name of ['serve', 'check-config']) expect(out).toMatch(new RegExp(`^  ${name} +[A-Z]`, 'm'))
    for (const { key } of options) expect(out).toContain(`\n  ${flagName(key)}  `)
    expect(out).toContain('Exit codes: 0 done, 1 a finding, 2 wrong use, 3 could not run.')
  })

  test('without a command is wrong use and goes to standard error', async () => {
    const { code, out, err } = await run([])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('Usage: spanledger COMMAND [FLAGS]')
  })

  test('of a command tells its words and options, and runs nothing', async () => {
    const want = `Say what was given.

Usage: spanledger probe MODEL [REGION] [FLAGS]

  --since DATE  First day
  --dry-run     Change nothing
  --json        JSON on standard output

And every option of the configuration: spanledger --help lists them.
`
    for (const argv of [
      ['probe', '--help'],
      ['help', 'probe'],
      ['-h', 'probe'],
    ]) {
      expect(await run(argv, inFolder())).toEqual({ code: 0, out: want, err: '' })
    }
    expect(JSON.parse((await run(['probe', '--help', '--json'], inFolder())).out)).toMatchObject({ name: 'probe' })
  })
})

describe('check-config', () => {
  test('shows every option, its source, and no secret', async () => {
    const env = { SPANLEDGER_CLICKHOUSE_URL: 'https://jane:Canary-7f3a@db:8443' }
    const words = await run(['check-config', '--retention-days', '5'], { env })
    expect(words.out).toMatch(/^retention_days +5 {2}\(--retention-days\)$/m)
    expect(words.out).toMatch(/^clickhouse_url +https:\/\/jane:\*\*\*@db:8443 {2}\(SPANLEDGER_CLICKHOUSE_URL\)$/m)
    const json = await run(['check-config', '--json'], { env })
    const { ok, settings } = JSON.parse(json.out) as { ok: boolean; settings: { key: string }[] }
    expect([ok, settings.map(({ key }) => key)]).toEqual([true, options.map(({ key }) => key)])
    expect(words.out + json.out).not.toContain('Canary')
  })
})

describe('the program', () => {
  const program = new URL('../collector/cli.ts', import.meta.url).pathname

  test('runs as it is, without an environment', () => {
    const out = execFileSync(process.execPath, [program, '--version'], { env: {}, encoding: 'utf8' })
    expect(out).toBe(`spanledger ${version}\n`)
    expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  test('ends with the exit code', () => {
    const { status, stderr } = spawnSync(process.execPath, [program, 'check-config', '--api-endpoint=0.0.0.0:8100'], {
      env: {},
      encoding: 'utf8',
    })
    expect(status).toBe(2)
    expect(stderr).toMatch(/^spanledger: api_endpoint 0\.0\.0\.0:8100 is open to other machines.*\n$/)
  })
})
