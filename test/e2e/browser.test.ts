// The page of deploy/browser in a real browser, against a collector as users run it: thumbs land in `scores`.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeKey } from '../../collector/keys/key-text.ts'
import { chromium, type Page, servePage, startPage } from './browser.ts'
import { type CollectorUnderTest, startCollector, temporaryDirectory } from './collector.ts'

const html = readFileSync(new URL('../../deploy/browser/thumbs.html', import.meta.url), 'utf8')
const directory = temporaryDirectory()
let collector: CollectorUnderTest
let site: Awaited<ReturnType<typeof servePage>>
let page: Page

const stored = async (): Promise<unknown[]> => {
  const sql =
    'SELECT project_id, trace_id, value, comment, author_id FROM spanledger.current_scores ORDER BY trace_id, comment FORMAT JSONEachRow'
  const answer = await fetch(`http://${collector.ready.clickhouse_http}/`, { method: 'POST', body: sql })
  return (await answer.text())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

const click = async (id: string): Promise<void> => {
  await page.run(`document.querySelector('#${id}').click()`)
  await vi.waitFor(async () => expect(await said()).not.toMatch(/^…?$/), 5000)
}
const said = (): Promise<unknown> => page.run(`document.querySelector('#said').textContent`)

describe.each(['with a key', 'without keys'] as const)('%s', (mode) => {
  const key = makeKey({ isPublic: true })
  const project = mode === 'with a key' ? 'shop' : 'default'
  const addressOf = (origin: string, trace: string): string =>
    `${origin}/?${new URLSearchParams({ collector: `http://${collector.ready.api}`, trace, ...(project === 'shop' ? { key: key.text } : {}) })}`

  beforeAll(async () => {
    if (chromium === undefined) return
    site = await servePage(html)
    const keysFile = join(directory.path, 'keys.json')
    const { prefix, sha256 } = key
    writeFileSync(
      keysFile,
      JSON.stringify({ keys: [{ name: 'page', project, prefix, sha256, may: ['feedback'], origins: [site.own] }] }),
    )
    collector = await startCollector(
      join(directory.path, project),
      project === 'shop' ? { SPANLEDGER_KEYS_FILE: keysFile } : { SPANLEDGER_API_CORS_ORIGINS: site.own },
    )
    page = await startPage(chromium)
  })
  afterAll(async () => {
    await page?.close()
    await collector?.kill()
    site?.close()
    if (mode === 'without keys') directory.remove()
  })

  test.runIf(chromium !== undefined)('thumbs, and a comment that goes with the page that is left', async () => {
    await page.open(addressOf(site.own, 'trace-1'))
    await click('up')
    expect(await said()).toBe('Thank you')
    const visitor = await page.run(`localStorage.getItem('visitor')`)
    await page.run(`document.querySelector('#comment').value = 'wrong year'`)
    await page.open(addressOf(site.own, 'trace-2'))
    await click('down')
    const first = { project_id: project, trace_id: 'trace-1', value: 1, author_id: visitor }
    await vi.waitFor(
      async () =>
        expect(await stored()).toEqual([
          { ...first, comment: '' },
          { ...first, comment: 'wrong year' },
          { project_id: project, trace_id: 'trace-2', value: -1, author_id: visitor, comment: '' },
        ]),
      10_000,
    )
    const summary = `fetch('http://${collector.ready.api}/api/feedback/summary').then((answer) => answer.status, () => 'kept away')`
    expect(await page.run(summary)).toBe(project === 'shop' ? 'kept away' : 200)
  })

  test.runIf(chromium !== undefined)('of a page of another origin nothing is taken', async () => {
    await page.open(addressOf(site.other, 'trace-3'))
    await click('up')
    expect(await said()).toBe('Could not be sent')
    await page.run(`navigator.sendBeacon(url, feedback())`)
    await page.run(`fetch(url, { method: 'POST', mode: 'no-cors', body: feedback() })`)
    await page.open(addressOf(site.own, 'trace-4'))
    await click('up')
    await vi.waitFor(async () => expect(JSON.stringify(await stored())).toContain('trace-4'), 10_000)
    expect(JSON.stringify(await stored())).not.toContain('trace-3')
  })
})
