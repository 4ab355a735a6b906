// A gateway that tells of its calls in traces of its own, without the caller's context: the answer's id joins them where there is one.
// An embedding has none. Then the caller's call was under way while the gateway answered its request, with equal usage of one model;
// one to one, those most alike in time first.

import { unit } from '../../schemas/usage.ts'
import { isInside, type Node, sameModel } from './record.ts'
import { apartInTime, areOtherIds, joinNearest, type Twins } from './twins.ts'

/** Scopes of gateways, which others call. */
export const gatewayScopes: readonly string[] = ['litellm']

/** Joins calls that a gateway made for a request to the calls of others that were that request. */
export function joinGateways(calls: readonly Node[], twins: Twins): void {
  const served = calls.flatMap((node) => {
    const request = gatewayScopes.includes(node.record.scope) && node.hasUsage ? requestOf(node) : undefined
    return request === undefined ? [] : [{ node, request }]
  })
  if (served.length === 0) return
  const callers = Map.groupBy(calls, totalsOf)
  const pairs = served.flatMap(({ node, request }) =>
    (callers.get(totalsOf(node)) ?? [])
      .filter((caller) => couldHaveAsked(caller, node, request))
      .map((caller) => ({ one: node, other: caller, apart: apartInTime(caller.record, request.record) })),
  )
  joinNearest(pairs, twins)
}

/** The span that answers the request which a call was made for. */
function requestOf(node: Node): Node | undefined {
  for (let above = node.parent; above !== null; above = above.parent) if (above.record.isServer) return above
  return undefined
}

function totalsOf({ record: { project, usage } }: Node): string {
  return `${project} ${usage[unit.input]} ${usage[unit.output]}`
}

function couldHaveAsked({ record: caller }: Node, { record: call }: Node, { record: request }: Node): boolean {
  if (caller.resource === call.resource || caller.traceId === call.traceId || caller.isEvent === true) return false
  if (areOtherIds(caller.responseId, call.responseId)) return false
  return isInside(request, caller) && sameModel(caller, call)
}
