// spanledger check-config with a file of own prices: every finding, and the exit code.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'

async function check(prices: string): Promise<{ code: number; out: string; err: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'spanledger-check-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'prices.yaml')
  writeFileSync(file, prices)
  let [out, err] = ['', '']
  const code = await runCli({
    argv: ['check-config', '--prices-file', file, '--data-dir', join(directory, 'data')],
    env: {},
    readFile: () => '',
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err }
}

test('a right file ends in 0', async () => {
  expect(await check('prices: [{provider: h, model: m, rates: {input: 1}}]')).toMatchObject({ code: 0, err: '' })
})

test('a wrong file ends in 2, with every finding', async () => {
  const { code, out, err } = await check('prices:\n  - {provider: h, model: m}\n  - {model: m, rates: {input: x}}\n')
  expect(code).toBe(2)
  expect(out).toMatch(/prices\.yaml: 3 findings\n$/)
  expect(err.split('\n')).toEqual([
    'prices.yaml:2: prices[0] "m": rates: is missing: a mapping of units and amounts, such as {input: 2, output: 8}',
    'prices.yaml:3: prices[1] "m": provider: is missing: a provider such as openai or aws.bedrock, or one of your own',
    'prices.yaml:3: prices[1] "m": rates.input: "x" is not an amount such as 2.50, not below 0',
    '',
  ])
})
