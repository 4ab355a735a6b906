// A page in headless Chromium, driven over its own protocol; and pages served from an origin of their own.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Where Debian has it; undefined where there is none. */
export const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

export interface Page {
  open(url: string): Promise<void>
  /** Value of an expression in the page, awaited. */
  run(expression: string): Promise<unknown>
  close(): Promise<void>
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

export async function startPage(program: string): Promise<Page> {
  const home = mkdtempSync(join(tmpdir(), 'spanledger-chromium-'))
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  const child = spawn(program, [...flags, '--remote-debugging-port=0', `--user-data-dir=${home}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const browser = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const found = /DevTools listening on (ws:\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
    void gone.then(() => reject(new Error('Chromium ended before it listened')))
  })
  const list = await fetch(`http://${new URL(browser).host}/json/list`)
  const tabs = (await list.json()) as { type: string; webSocketDebuggerUrl: string }[]
  const socket = new WebSocket(tabs.find(({ type }) => type === 'page')!.webSocketDebuggerUrl)
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  const waiting = new Map<number, (message: Message) => void>()
  let loaded: () => void = () => undefined
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    if (message.id !== undefined) waiting.get(message.id)?.(message)
    if (message.method === 'Page.loadEventFired') loaded()
  })
  let count = 0
  const call = async (method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> => {
    const id = ++count
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve))
    socket.send(JSON.stringify({ id, method, params }))
    const { result, error } = await answer
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result ?? {}
  }
  await call('Page.enable')
  return {
    async open(url) {
      const isLoaded = new Promise<void>((resolve) => {
        loaded = resolve
      })
      await call('Page.navigate', { url })
      await isLoaded
    },
    async run(expression) {
      const { result } = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
      return (result as { readonly value?: unknown }).value
    },
    async close() {
      child.kill('SIGKILL')
      await gone
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** A server that gives this page at every address; under two names, which are two origins. */
export async function servePage(html: string): Promise<{ own: string; other: string; close(): void }> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end(html)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    own: `http://127.0.0.1:${port}`,
    other: `http://localhost:${port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
