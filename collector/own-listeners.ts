// Is an address one of our own listeners, by whatever name? Asked before the collector sends anything to it.

import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isLoopback } from './config-checks.ts'
import type { Endpoint } from './config-values.ts'

/** Addresses of a name; empty when there are none. */
export type Resolve = (host: string) => Promise<readonly string[]>

const lookupMs = 3000

/** The listener that `url` leads to, ports resolved; undefined when it leads elsewhere. */
export async function ownListener(
  url: string,
  listeners: readonly Endpoint[],
  resolve: Resolve = lookupAll,
): Promise<Endpoint | undefined> {
  const { hostname, port, protocol } = new URL(url)
  const wanted = Number(port || (protocol === 'https:' ? 443 : 80))
  const samePort = listeners.filter((listener) => listener.port === wanted)
  if (samePort.length === 0) return undefined
  const targets = await addressesOf(hostname.replace(/^\[|\]$/g, ''), resolve)
  for (const listener of samePort) {
    const bound = new BlockList()
    for (const address of await addressesOf(listener.host, resolve)) addBound(bound, address)
    if (targets.some((target) => bound.check(target, family(target)))) return listener
  }
  return undefined
}

/** A name below `localhost` is this machine whether or not the resolver knows (RFC 6761, 6.3); so is no address at all. */
async function addressesOf(host: string, resolve: Resolve): Promise<readonly string[]> {
  if (isIP(host) !== 0) return isAny(host) ? [host, '127.0.0.1'] : [host]
  if (/(^|\.)localhost\.?$/i.test(host)) return ['127.0.0.1', '::1']
  return resolve(host)
}

/** Every loopback address counts as the same; a listener on all addresses has those of every interface. */
function addBound(bound: BlockList, address: string): void {
  bound.addAddress(address, family(address))
  if (!isAny(address) && !isLoopback(address)) return
  bound.addSubnet('127.0.0.0', 8)
  bound.addAddress('::1', 'ipv6')
  if (!isAny(address)) return
  for (const each of Object.values(networkInterfaces()).flat()) {
    if (each !== undefined) bound.addAddress(each.address, family(each.address))
  }
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

async function lookupAll(host: string): Promise<readonly string[]> {
  const late = new Promise<[]>((resolve) => setTimeout(resolve, lookupMs, []).unref())
  const found = lookup(host, { all: true }).catch((error: NodeJS.ErrnoException) => {
    // A name without addresses leads nowhere, so not to us.
    if (error.syscall === 'getaddrinfo') return []
    throw error
  })
  return (await Promise.race([found, late])).map(({ address }) => address)
}
